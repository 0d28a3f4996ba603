"""Queries (查询): anything by id, and for each record a connection and a look-up.

What stands at the root, and every relation, is nullable: an error takes away its own field and not
the answer of its neighbours, least of all a plugin's error the city's.
"""

from collections.abc import Mapping
from typing import Any

import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    ListField,
    LookupField,
    NodeField,
    NodesField,
    SpaceField,
)
from jingwei_api.schema.naming import camel, lower_first, pascal
from jingwei_api.schema.node import Row
from jingwei_api.schema.references import Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record

CORE = "core"
MAX_NODES = 100

Arguments = Mapping[str, tuple[Argument, ...]]


def query_fields(space: TypeSpace, registry: Declarations, arguments: Arguments) -> list[Field]:
    """The fields of ``Query``: the core's records at the top, each plugin's in its namespace."""
    fields = [
        Field(
            "node", "Node | None", "Anything by its global id.", _node, (_ID,), meaning=NodeField()
        ),
        Field(
            "nodes",
            "list[Node | None] | None",
            "Many at once, in the order asked.",
            _nodes,
            (_IDS,),
            meaning=NodesField(),
        ),
    ]
    spaces: dict[str, list[Field]] = {}
    for record in registry.records.values():
        owner = owner_of(registry, "record", record.name)
        target = fields if owner == CORE else spaces.setdefault(owner, [])
        target += record_fields(record, arguments[record.name], owner)
    for owner, inside in spaces.items():
        kind = f"{pascal(owner)}Query"
        space.object(kind, inside, owner=owner, description=f"What the plugin {owner} offers.")
        text = f"The namespace of the plugin {owner}."
        fields.append(
            Field(
                camel(owner),
                f"{kind} | None",
                text,
                _namespace,
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
            _single(record),
            (_ID,),
            owner,
            graphql_name=single,
            meaning=LookupField(record),
        ),
        Field(
            plural,
            f"{record.name}Connection | None",
            record.description,
            _connection(record),
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


def _single(record: Record) -> Any:
    async def resolve(source: object, operation: Any, given: Mapping[str, Any]) -> Row | None:
        row_id = global_id.decode_as(record.name, given["id"], "id")
        found: Row | None = await operation.rows.by_key(record.name, "id", row_id)
        return found

    return resolve


def _connection(record: Record) -> Any:
    def resolve(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
        return operation.rows.connection(record.name, given)

    return resolve


async def _node(source: object, operation: Any, given: Mapping[str, Any]) -> Row | None:
    return await _by_global_id(operation, given["id"], "id")


async def _nodes(source: object, operation: Any, given: Mapping[str, Any]) -> list[Any]:
    ids = given["ids"]
    if len(ids) > MAX_NODES:
        raise Invalid("PAGE_SIZE_INVALID", field="ids", size=len(ids), limit=MAX_NODES)
    named = [_named(operation, value, f"ids[{at}]") for at, value in enumerate(ids)]
    found: list[Any] = await operation.rows.many(named)
    return found


async def _by_global_id(operation: Any, value: str, field: str) -> Row | None:
    found: list[Row | None] = await operation.rows.many([_named(operation, value, field)])
    return found[0]


def _named(operation: Any, value: str, field: str) -> tuple[str, Any] | None:
    """Type and id; a type this tenant does not have reads like a row that does not exist."""
    type_name, row_id = global_id.decode(value, field)
    return (type_name, row_id) if type_name in operation.registry.records else None


def _namespace(source: object, operation: Any, given: Mapping[str, Any]) -> object:
    return ()
