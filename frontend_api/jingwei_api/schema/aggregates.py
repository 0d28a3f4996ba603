"""Aggregates (统计): figures over the rows of a connection, and by groups, as types of the schema.

A connection has one field ``aggregate`` beside its rows: so figures have the filters, the search
and the place of the list they stand beside, wherever a list is offered.
"""

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import strawberry

from jingwei_api.schema.filters import SortDirection
from jingwei_api.schema.meanings import ColumnField
from jingwei_api.schema.references import (
    Declarations,
    is_reference,
    owner_of,
    reference_targets,
)
from jingwei_api.schema.scalars import Enums, Long, column_type
from jingwei_api.schema.types import Argument, Field, TypeSpace, listed, optional
from jingwei_core.reading.figures import BucketPart, Measure
from jingwei_sdk.figures import is_number, is_time
from jingwei_sdk.records import One, Record

MOST_DIMENSIONS = 3
DEFAULT_GROUPS, MOST_GROUPS = 100, 1000
_FIRST = f"How many groups: {DEFAULT_GROUPS} unless said otherwise and at most {MOST_GROUPS}."
_UNITS = ("hour", "day", "week", "month", "quarter", "year")
_FUNCTIONS: tuple[tuple[Measure, str], ...] = (
    ("sum", "Added up; null where there is none."),
    ("min", "The least, or the earliest."),
    ("max", "The greatest, or the latest."),
    ("avg", "The average; null where there is none."),
)


@dataclass(frozen=True, slots=True)
class AggregateField:
    """Figures over all rows of a connection."""


@dataclass(frozen=True, slots=True)
class GroupsField:
    """The groups."""


@dataclass(frozen=True, slots=True)
class CutField:
    """Whether there are more groups."""


@dataclass(frozen=True, slots=True)
class TallyField:
    """How many rows."""


@dataclass(frozen=True, slots=True)
class MeasuresField:
    """An object of one figure for each measure."""

    function: Measure


@dataclass(frozen=True, slots=True)
class GroupKeyField:
    """What a group's rows have in common."""


@dataclass(frozen=True, slots=True)
class KeyField:
    """The value of a dimension; ``relation`` leads to the row that a reference names."""

    column: str
    relation: One | None = None


@dataclass(frozen=True, slots=True)
class BucketField:
    """A part of a bucket of time."""

    part: BucketPart


@strawberry.enum(description="What groups are ordered by.")
class GroupOrderField(enum.Enum):
    """次序 of groups."""

    COUNT = "count"
    KEY = "key"


def add_shared(space: TypeSpace) -> None:
    """Make the types that the aggregates of all records share."""
    for name, kind, text in (
        ("TimeBucket", datetime, "An hour, day, week, … or year in the tenant's time zone."),
        ("DateBucket", date, "A day, week (from Monday), … or year."),
    ):
        fields = [
            Field("start", kind, "When it begins.", meaning=BucketField("start")),
            Field("end", kind, "When the next one begins.", meaning=BucketField("end")),
            Field("date", date, "Its first day.", meaning=BucketField("date")),
        ]
        space.object(name, fields, owner="core", description=text)
    order = [
        Field("field", GroupOrderField),
        Field("direction", SortDirection | None, "ASC unless said otherwise."),
    ]
    text = "A sort key of groups: how many rows, or the key's values in the order of `by`."
    space.input("GroupOrder", order, owner="core", description=text)


def aggregate_field(
    space: TypeSpace, registry: Declarations, enums: Enums, record: Record
) -> Field | None:
    """The field ``aggregate`` of a record's connection with its types, ``None`` without
    dimensions and measures."""
    owner = owner_of(registry, "record", record.name)
    keys = _key_fields(registry, enums, record, owner)
    figures = [
        Field("count", int, "How many rows.", meaning=TallyField()),
        *_measures(space, enums, record, owner),
    ]
    if not keys and len(figures) == 1:
        return None
    fields, arguments = list(figures), tuple[Argument, ...]()
    if keys:
        fields += _groups(space, record, owner, keys, figures)
        arguments = _arguments(enums, record, keys, owner)
    name = f"{record.name}Aggregate"
    space.object(
        name,
        fields,
        owner=owner,
        description=f"Figures over all {record.name} in sight that match, whatever the page.",
    )
    text = "Figures over all rows in sight that match, whatever the page."
    return Field("aggregate", f"{name} | None", text, arguments=arguments, meaning=AggregateField())


def _groups(
    space: TypeSpace, record: Record, owner: str, keys: list[Field], figures: list[Field]
) -> list[Field]:
    key, group = f"{record.name}GroupKey", f"{record.name}Group"
    text = "What the rows of a group have in common; null for what they are not grouped by."
    space.object(key, keys, owner=owner, description=text)
    inside = [Field("key", key, "What its rows have in common.", meaning=GroupKeyField())]
    text = f"The {record.name} that have a key in common."
    space.object(group, [*inside, *figures], owner=owner, description=text)
    return [
        Field("groups", f"list[{group}]", "None without `by`.", meaning=GroupsField()),
        Field("is_cut", bool, "Whether there are more groups than shown.", meaning=CutField()),
    ]


def _arguments(enums: Enums, record: Record, keys: list[Field], owner: str) -> tuple[Argument, ...]:
    members: dict[str, str] = {}
    for field in keys:
        column, stem = field.meaning.column, field.name.upper()
        if not is_time(record.column(column)):
            members[stem] = column
            continue
        units = _UNITS[1:] if field.annotation == "DateBucket | None" else _UNITS
        members |= {f"{stem}_{unit.upper()}": f"{column}:{unit}" for unit in units}
    grouping = enum.Enum(f"{record.name}Grouping", members, module=__name__)  # type: ignore[misc]
    grouping.__doc__ = f"What {record.name} may be grouped by."
    enums.graphql(grouping, owner)
    by = listed(grouping) | None
    return (
        Argument("by", by, f"Up to {MOST_DIMENSIONS}; of a time one bucket."),
        Argument(
            "order_by",
            "list[GroupOrder] | None",
            "Strongest first. Unless said otherwise by time where grouped by time, else the"
            " largest groups first.",
        ),
        Argument("first", int | None, _FIRST),
    )


def _key_fields(registry: Declarations, enums: Enums, record: Record, owner: str) -> list[Field]:
    targets = reference_targets(registry, record)
    found = []
    for name in record.dimensions:
        column = record.column(name)
        if is_reference(record, name):
            if name in targets:
                meaning = KeyField(name, One(name, targets[name]))
                kind = f"{targets[name]} | None"
                found.append(
                    Field(reference_name(name), kind, "Null out of sight.", meaning=meaning)
                )
            continue
        python: Any = column_type(column, enums, owner).python
        if is_time(column):
            python = "DateBucket" if python is date else "TimeBucket"
        text = column._meta.help_text
        found.append(Field(name, optional(python), text, meaning=KeyField(name)))
    return found


def reference_name(column: str) -> str:
    """How a reference is called where rows are grouped by it."""
    return column.removesuffix("_id")


def _measures(space: TypeSpace, enums: Enums, record: Record, owner: str) -> list[Field]:
    found = []
    for function, text in _FUNCTIONS:
        fields = []
        for name in record.measures:
            column = record.column(name)
            if function in ("sum", "avg") and not is_number(column):
                continue
            kind = column_type(column, enums, owner).python
            if function == "avg":
                kind = float
            elif function == "sum" and kind is int:
                kind = Long
            fields.append(Field(name, kind | None, meaning=ColumnField(name)))
        if fields:
            kind_name = f"{record.name}{function.capitalize()}"
            space.object(kind_name, fields, owner=owner, description=text)
            meaning = MeasuresField(function)
            found.append(Field(function, kind_name, text, meaning=meaning))
    return found
