"""Columns (列) as JSON: each type the way GraphQL writes it, and the way Python reads it back."""

import enum
import json
from collections.abc import Callable, Mapping
from typing import Any

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
    ForeignKey,
    Integer,
    Real,
    SmallInt,
    Timestamptz,
)

from jingwei_core.reading.json_text import Pieces, Text, literal, made
from jingwei_sdk.records import Record


def sql_name(record: Record, name: str) -> str:
    """The column's quoted name in the database."""
    return f'"{record.column(name)._meta.db_column_name}"'


def nullable(record: Record, name: str) -> bool:
    """Whether the column may hold null."""
    return bool(record.column(name)._meta.null)


def json_of(record: Record, name: str, sql: str) -> Pieces:
    """The column's value, read by ``sql``, as a GraphQL field shows it."""
    column = record.column(name)
    choices = column._meta.choices
    if isinstance(choices, type) and issubclass(choices, enum.Enum):
        return made(f"coalesce({_named(choices, column, sql)}, 'null')")
    return stored_json(record, name, sql)


def stored_json(record: Record, name: str, sql: str) -> Pieces:
    """The column's value, read by ``sql``, as it is stored."""
    column = record.column(name)
    for kinds, write in _WRITERS:
        if isinstance(column, kinds):
            text = write(sql)
            break
    else:
        return made(_or_null(f"to_json({sql})", column))
    if column._meta.null or isinstance(column, (DoublePrecision, Real)):
        return made(f"coalesce({text}, 'null')")
    return (Text('"'), *made(sql), Text('"')) if isinstance(column, _IDS) else made(text)


def day_json(sql: str) -> str:
    """The JSON of a day. One without end is told as the last day that Python knows, for that is
    how asyncpg came to store it; likewise one without beginning."""
    return (
        f"""CASE {sql} WHEN 'infinity' THEN '"9999-12-31"'::json"""
        f""" WHEN '-infinity' THEN '"0001-01-01"'::json ELSE to_json({sql}) END"""
    )


def kind_of(record: Record, name: str) -> str:
    """How :func:`~.compiled.reader_of` calls what turns :func:`stored_json` back."""
    column = record.column(name)
    for kinds, kind in _KINDS:
        if isinstance(column, kinds):
            return kind
    return ""


def _or_null(sql: str, column: Column) -> str:
    return f"coalesce({sql}, 'null')" if column._meta.null else sql


def _named(choices: type[enum.Enum], column: Column, sql: str) -> str:
    """GraphQL knows a member of an enum by its name."""
    if isinstance(column, Array):
        branch = _named(choices, column.base_column, "choice.value")
        return (
            f"CASE WHEN {sql} IS NOT NULL THEN (SELECT concat('[', string_agg(coalesce({branch},"
            f" 'null'), ',' ORDER BY choice.at), ']')"
            f" FROM unnest({sql}) WITH ORDINALITY AS choice(value, at)) END"
        )
    branches = " ".join(
        f"WHEN {literal(str(member.value))} THEN {literal(json.dumps(name))}"
        for name, member in choices.__members__.items()
    )
    return f"CASE {sql}::text {branches} END"


def _finite(sql: str) -> str:
    """JSON has no NaN and no infinity."""
    return f"CASE WHEN abs({sql}) < 'Infinity' THEN {sql}::float8 END::text"


_IDS = (UUID, ForeignKey)
_WRITERS: tuple[tuple[tuple[type[Column], ...], Callable[[str], str]], ...] = (
    (_IDS, lambda sql: f"""('"' || {sql} || '"')"""),
    ((DoublePrecision, Real), _finite),
    ((BigInt, Integer, SmallInt), lambda sql: f"{sql}::text"),
    ((Boolean, JSON, JSONB), lambda sql: f"{sql}::text"),
    ((Date,), lambda sql: f"({day_json(sql)})::text"),
)
_KINDS: tuple[tuple[tuple[type[Column], ...], str], ...] = (
    (_IDS, "uuid"),
    ((Timestamptz,), "instant"),
    ((Date,), "day"),
)

SQL_TYPES: Mapping[type[Column], str] = {
    UUID: "uuid",
    ForeignKey: "uuid",
    Timestamptz: "timestamptz",
    Date: "date",
    BigInt: "bigint",
    Integer: "integer",
    SmallInt: "smallint",
    Boolean: "boolean",
    DoublePrecision: "float8",
    Real: "real",
}


def sql_type(record: Record, name: str) -> str:
    """The SQL type of a parameter that is compared with the column."""
    column: Any = record.column(name)
    for kind, sql in SQL_TYPES.items():
        if isinstance(column, kind):
            return sql
    return "text"
