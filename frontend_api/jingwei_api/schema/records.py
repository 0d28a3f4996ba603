"""Object types (对象类型) of records: their columns, relations and computed fields."""

import types
import typing
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import strawberry

from jingwei_api.schema.meanings import (
    ColumnField,
    ComputedField,
    EitherField,
    IdField,
    ManyField,
    MaskedField,
    OneField,
)
from jingwei_api.schema.naming import pascal
from jingwei_api.schema.references import (
    INTERNAL,
    Declarations,
    is_reference,
    owner_of,
    relations_of,
)
from jingwei_api.schema.scalars import Enums, JsonValue, Long, column_type
from jingwei_api.schema.types import Argument, Field, TypeSpace, listed
from jingwei_sdk.errors import Refused
from jingwei_sdk.personal import masked_columns
from jingwei_sdk.records import Computed, Either, Many, Record, Relation

_COMPUTED_TYPES: Mapping[Any, Any] = {
    str: str,
    int: int,
    bool: bool,
    float: float,
    datetime: datetime,
    date: date,
    dict: JsonValue,
    Long: Long,
}


def add_record(
    space: TypeSpace,
    registry: Declarations,
    record: Record,
    arguments: Mapping[str, tuple[Argument, ...]],
    enums: Enums,
) -> type:
    """Make a record's object type; ``arguments`` are those of each record's connection.

    Raises ``Refused`` (``SCHEMA_CLASH``) naming both packages when a field is claimed twice.
    """
    owner = owner_of(registry, "record", record.name)
    fields = [Field("id", strawberry.ID, "Global id.", owner=owner, meaning=IdField())]
    fields += _columns(record, enums, owner)
    for name, relation in relations_of(registry, record).items():
        owner_of_field = owner_of(registry, "field", f"{record.name}.{name}")
        told = relation_field(space, record.name, relation, (name, owner_of_field))
        given = arguments[relation.record] if isinstance(relation, Many) else ()
        fields.append(replace(told, arguments=given))
    for name, computed in registry.computed(record).items():
        owner_of_field = owner_of(registry, "field", f"{record.name}.{name}")
        fields.append(computed_field(record.name, computed, (name, owner_of_field)))

    return space.object(
        record.name,
        fields,
        owner=owner,
        description=record.description,
        bases=(space.lookup("Node"),),
    )


def _columns(record: Record, enums: Enums, owner: str) -> list[Field]:
    fields = []
    masked = masked_columns(record.table)
    for name in record.columns:
        if name == "id" or name in INTERNAL or is_reference(record, name):
            continue
        column = record.column(name)
        if name in masked:
            text = column._meta.help_text
            fields.append(
                Field(name, "Masked | None", text, owner=owner, meaning=MaskedField(name))
            )
            continue
        found = column_type(column, enums, owner)
        # A guarded column reads as null for who may not see it.
        annotation = found.python | None if name in record.guarded else found.annotation
        text = column._meta.help_text
        fields.append(Field(name, annotation, text, owner=owner, meaning=ColumnField(name)))
    return fields


def relation_field(
    space: TypeSpace, type_name: str, relation: Relation, named: tuple[str, str]
) -> Field:
    """The field of a relation, with its name and the package that declares it; its arguments are
    not among it."""
    name, owner = named
    if isinstance(relation, Either):
        kind = _either(space, f"{type_name}{pascal(name)}", relation, owner)
        return Field(name, f"{kind} | None", owner=owner, meaning=EitherField(relation))
    if isinstance(relation, Many):
        kind = f"{relation.record}Connection | None"
        return Field(name, kind, owner=owner, meaning=ManyField(relation))
    # Nullable even where the column is not: the row it names may be out of the reader's sight.
    return Field(name, f"{relation.record} | None", owner=owner, meaning=OneField(relation))


def _either(space: TypeSpace, name: str, relation: Either, owner: str) -> str:
    """The type of a reference to one of several records: a union of them, or any node."""
    if not relation.records:
        return "Node"
    space.union(name, relation.records, owner=owner)
    return name


def computed_field(type_name: str, computed: Computed, named: tuple[str, str]) -> Field:
    """A computed field, with its name and the package that declares it; raises ``Refused``
    (``COMPUTED_TYPE_UNKNOWN``)."""
    name, owner = named
    kind = _computed_type(f"{type_name}.{name}", computed.type, owner)
    text, meaning = computed.description, ComputedField(name)
    return Field(name, kind | None, text, owner=owner, meaning=meaning)


def _computed_type(field: str, kind: Any, owner: str) -> Any:
    if kind in _COMPUTED_TYPES:
        return _COMPUTED_TYPES[kind]
    if typing.get_origin(kind) is list:
        return listed(_computed_type(field, typing.get_args(kind)[0], owner))
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        rest = [part for part in typing.get_args(kind) if part is not type(None)]
        if len(rest) == 1:
            return _computed_type(field, rest[0], owner)
    raise Refused("COMPUTED_TYPE_UNKNOWN", name=field, kind=str(kind), owner=owner)
