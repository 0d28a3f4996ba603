"""Queries (查询): anything by id, and for each record a connection and a look-up.

What stands at the root, and every relation, is nullable: an error takes away its own field and not
the answer of its neighbours, least of all a plugin's error the city's.
"""

from collections.abc import Iterable, Mapping

import strawberry

from jingwei_api.schema.meanings import (
    ListField,
    LookupField,
    NodeField,
    NodesField,
    SpaceField,
)
from jingwei_api.schema.naming import camel, lower_first, pascal
from jingwei_api.schema.references import Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_sdk.records import Record

CORE = "core"
MAX_NODES = 100

Arguments = Mapping[str, tuple[Argument, ...]]


def query_fields(
    space: TypeSpace, registry: Declarations, arguments: Arguments, questions: Iterable[Field]
) -> list[Field]:
    """The fields of ``Query``: the core's records and questions at the top, each plugin's in its
    namespace."""
    fields = [
        Field("node", "Node | None", "Anything by its global id.", (_ID,), meaning=NodeField()),
        Field(
            "nodes",
            "list[Node | None] | None",
            "Many at once, in the order asked.",
            (_IDS,),
            meaning=NodesField(),
        ),
    ]
    spaces: dict[str, list[Field]] = {}
    for record in registry.records.values():
        owner = owner_of(registry, "record", record.name)
        target = fields if owner == CORE else spaces.setdefault(owner, [])
        target += record_fields(record, arguments[record.name], owner)
    for question in questions:
        target = fields if question.owner == CORE else spaces.setdefault(question.owner, [])
        target.append(question)
    for owner, inside in spaces.items():
        kind = f"{pascal(owner)}Query"
        space.object(kind, inside, owner=owner, description=f"What the plugin {owner} offers.")
        text = f"The namespace of the plugin {owner}."
        fields.append(
            Field(
                camel(owner),
                f"{kind} | None",
                text,
                owner=owner,
                graphql_name=camel(owner),
                meaning=SpaceField(),
            )
        )
    return fields


_ID = Argument("id", strawberry.ID, "A global id.")
_IDS = Argument("ids", list[strawberry.ID], f"Global ids, at most {MAX_NODES}.")


def record_fields(record: Record, arguments: tuple[Argument, ...], owner: str) -> list[Field]:
    """The look-up and the connection of one record; in a namespace without the plugin's prefix."""
    single, plural = lower_first(record.name), record.plural
    if owner != CORE:
        single, plural = without_prefix(single, owner), without_prefix(plural, owner)
    return [
        Field(
            single,
            f"{record.name} | None",
            f"One {record.name} by its global id; null when absent or out of sight.",
            (_ID,),
            owner,
            graphql_name=single,
            meaning=LookupField(record),
        ),
        Field(
            plural,
            f"{record.name}Connection | None",
            record.description,
            arguments,
            owner,
            graphql_name=plural,
            meaning=ListField(record),
        ),
    ]


def without_prefix(name: str, owner: str) -> str:
    """``safetyHazards`` in ``safetyProduction`` as ``hazards``: the namespace says the rest."""
    words = owner.split("-")
    for count in range(len(words), 0, -1):
        prefix = camel("-".join(words[:count]))
        rest = name[len(prefix) :]
        if name.startswith(prefix) and rest[:1].isupper():
            return lower_first(rest)
    return name
