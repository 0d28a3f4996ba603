"""Scalars (标量) beyond GraphQL's own, and which one a column has."""

import enum
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NewType

import strawberry
from graphql import GraphQLError
from piccolo.columns import (
    JSON,
    JSONB,
    UUID,
    Array,
    BigInt,
    Boolean,
    Column,
    Date,
    DoublePrecision,
    Integer,
    Real,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)
from strawberry.types.scalar import ScalarDefinition

from jingwei_api.schema.naming import NAME
from jingwei_core.reading.keyset import instant_text
from jingwei_sdk.errors import Refused

LARGEST_EXACT = 2**53 - 1
"""The largest integer that a JSON number keeps exactly in a browser (RFC 8259 §6)."""

_OFFSET = re.compile(r"(Z|[+-]\d\d:?\d\d)$", re.IGNORECASE)

Long = NewType("Long", int)
JsonValue = NewType("JsonValue", object)


def _long(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("Long is an integer")
    if abs(value) > LARGEST_EXACT:
        raise ValueError(f"Long lies within ±{LARGEST_EXACT}")
    return value


def _instant(value: object) -> datetime:
    if not isinstance(value, str) or not _OFFSET.search(value):
        raise ValueError("DateTime is ISO 8601 text with an offset, as 2026-11-22T08:00:00+08:00")
    return datetime.fromisoformat(value)


def _day(value: object) -> date:
    if not isinstance(value, str):
        raise TypeError("Date is ISO 8601 text, as 2026-11-22")
    return date.fromisoformat(value)


def _uuid(value: object) -> uuid.UUID:
    if not isinstance(value, str):
        raise TypeError("UUID is text")
    return uuid.UUID(value)


def _told(parse: Callable[[object], Any]) -> Callable[[object], Any]:
    """The parser, with its refusals as faults of the document and not of this server."""

    def parsed(value: object) -> Any:
        try:
            return parse(value)
        except (TypeError, ValueError) as error:
            raise GraphQLError(str(error)) from error

    return parsed


def scalar_map() -> Mapping[object, ScalarDefinition]:
    """How Python types appear in the schema."""
    return {
        Long: strawberry.scalar(
            name="Long",
            description="An integer up to ±(2^53-1), sent as a JSON number.",
            serialize=_long,
            parse_value=_told(_long),
        ),
        JsonValue: strawberry.scalar(
            name="JSON",
            description="Any JSON value.",
            serialize=lambda value: value,
            parse_value=lambda value: value,
            specified_by_url="https://www.rfc-editor.org/rfc/rfc8259",
        ),
        datetime: strawberry.scalar(
            name="DateTime",
            description="An instant, ISO 8601 with offset.",
            serialize=instant_text,
            parse_value=_told(_instant),
        ),
        date: strawberry.scalar(
            name="Date",
            description="A calendar day, ISO 8601.",
            serialize=lambda value: value.isoformat(),
            parse_value=_told(_day),
        ),
        uuid.UUID: strawberry.scalar(
            name="UUID",
            description="A UUID that is no global id.",
            serialize=str,
            parse_value=_told(_uuid),
            specified_by_url="https://www.rfc-editor.org/rfc/rfc9562",
        ),
    }


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The GraphQL type of a column: ``python`` without null, ``nullable`` beside it."""

    python: Any
    nullable: bool

    @property
    def annotation(self) -> Any:
        """The type as a field has it."""
        return self.python | None if self.nullable else self.python


_SIMPLE: tuple[tuple[tuple[type[Column], ...], Any], ...] = (
    ((UUID,), uuid.UUID),
    ((Timestamptz,), datetime),
    ((Date,), date),
    ((BigInt,), Long),
    ((Integer, SmallInt), int),
    ((Boolean,), bool),
    ((JSON, JSONB), JsonValue),
    ((DoublePrecision, Real), float),
    ((Text, Varchar), str),
)


class Enums:
    """The enum types of one schema; each Python enum is one type, whoever uses it."""

    def __init__(self, claim: Callable[[str, str], None]) -> None:
        self._claim = claim
        self.by_name: dict[str, type[enum.Enum]] = {}
        """The enum behind each type."""

    def graphql(self, choices: type[enum.Enum], owner: str) -> type[enum.Enum]:
        """The enum as a GraphQL type.

        Raises ``Refused``: ``SCHEMA_CLASH`` when something else has its name, ``SCHEMA_NAME`` when
        a member's name cannot be written in GraphQL.
        """
        name = choices.__name__
        if self.by_name.get(name) is choices:
            return choices
        self._claim(name, owner)
        self.by_name[name] = choices
        wrong = [member for member in choices.__members__ if not NAME.match(member)]
        if wrong:
            raise Refused("SCHEMA_NAME", name=name, members=wrong, owner=owner)
        if not hasattr(choices, "__strawberry_definition__"):
            summary = (choices.__doc__ or "").strip().split("\n", 1)[0]
            strawberry.enum(choices, description=summary or None)
        return choices


def column_type(column: Column, enums: Enums, owner: str) -> ColumnType:
    """The type of a plain column; raises ``Refused`` (``COLUMN_TYPE_UNKNOWN``)."""
    nullable = bool(column._meta.null)
    choices = column._meta.choices
    if isinstance(choices, type) and issubclass(choices, enum.Enum):
        return ColumnType(enums.graphql(choices, owner), nullable)
    if isinstance(column, Array):
        inner = column_type(column.base_column, enums, owner)
        return ColumnType(list[inner.python], nullable)  # type: ignore[name-defined]
    for kinds, python in _SIMPLE:
        if isinstance(column, kinds):
            return ColumnType(python, nullable)
    raise Refused(
        "COLUMN_TYPE_UNKNOWN",
        column=column._meta.name,
        kind=type(column).__name__,
        owner=owner,
    )
