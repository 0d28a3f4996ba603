"""Rows for every table of a registry, made of the declarations alone: many in one tenant.

Row ``n`` of a table has the id ``id_of(table, n)``. A quarter of the rows name row 1 of what they
refer to, so that some rows are named by very many; the rest are spread evenly, and without
regard to any order. The tree of places has districts, streets and places; ``path(n)`` is a place's.
"""

import enum
import hashlib
import uuid
from collections.abc import Iterator
from typing import Any

from piccolo.columns import (
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
    Text,
    Timestamptz,
)

from jingwei_core.places.tables import Place
from jingwei_core.registry import Registry
from jingwei_sdk.records import references
from jingwei_sdk.tables import TenantTable, columns_of

ROWS = 10_000
"""Rows of a table in the large tenant.

As many as are needed for the choice that a million rows lead to: walking an index to the end of a
page costs the same however long the index is, reading all and sorting costs more with each row. So
what is walked at this size is walked at every larger one.
"""
LARGE = uuid.UUID(int=1)
OTHERS = 3
"""Further tenants with a twentieth of the rows."""
SMALL_TENANTS, SMALL_ROWS = 300, 20
"""Tables that are small in a tenant are full of other tenants' rows."""
DISTRICTS, STREETS = 20, 50
NULLS = 10
"""One row in ten has null in a column that may have it."""


def id_of(table: type[TenantTable], n: int) -> uuid.UUID:
    """The id of row ``n``."""
    return uuid.UUID(hashlib.md5(f"{_name(table)} {n}".encode()).hexdigest())


def fill(registry: Registry, tables: list[type[TenantTable]]) -> Iterator[str]:
    """The statements that fill the tables; as a superuser."""
    yield "SET session_replication_role = replica"
    by_table = {record.table: record for record in registry.records.values()}
    for table in tables:
        record = by_table.get(table)
        targets: dict[str, type[TenantTable]] = {"place_id": Place}
        if record is not None:
            known = registry.records
            targets |= {c: known[t].table for c, t in references(record).items() if t in known}
        columns = {c._meta.name: _value(c, table, targets) for c in columns_of(table)}
        columns |= {"tenant_id": "lpad(to_hex(t), 32, '0')::uuid", "id": _id(table, "n")}
        if table is Place:
            columns |= {"path": _path("n")}
        tenants, rows = _size(table)
        yield (
            f"INSERT INTO {_name(table)} ({', '.join(columns)})"
            f" SELECT {', '.join(columns.values())} FROM generate_series(1, {tenants}) t"
            f" CROSS JOIN LATERAL generate_series(1, {rows}) n"
        )
        yield f"ANALYZE {_name(table)}"
    yield "SET session_replication_role = origin"


def _size(table: type[TenantTable]) -> tuple[int, str]:
    """How many tenants, and how many rows in each."""
    if () in table.UNIQUE:
        return SMALL_TENANTS, "1"
    if table.IS_SMALL:
        return SMALL_TENANTS, str(SMALL_ROWS)
    return 1 + OTHERS, f"CASE t WHEN 1 THEN {ROWS} ELSE {ROWS} / 20 END"


def _value(column: Any, table: type[TenantTable], targets: dict[str, type[TenantTable]]) -> str:
    name = column._meta.name
    value = _plain_value(column, table, targets)
    if column._meta.null and (name,) not in table.UNIQUE:
        return f"CASE WHEN n % {NULLS} <> 0 THEN {value} END"
    return value


def _plain_value(
    column: Any, table: type[TenantTable], targets: dict[str, type[TenantTable]]
) -> str:
    name = column._meta.name
    if name == "place_path":
        return _path(_named("n", "place_id", Place))
    if name in targets:
        # Of a key of references alone the last one tells its rows apart.
        is_unique = any(key[-1:] == (name,) and targets.keys() >= {*key} for key in table.UNIQUE)
        return _id(targets[name], "n" if is_unique else _named("n", name, targets[name]))
    choices = column._meta.choices
    if isinstance(choices, type) and issubclass(choices, enum.Enum):
        values = ", ".join(f"'{member.value}'" for member in choices)
        return f"(ARRAY[{values}])[1 + n % {len(choices)}]"
    if isinstance(column, Text):
        is_key = any(name in key for key in map(set, table.UNIQUE))
        return "'文 ' || n" if is_key else "'文 ' || n % 1000"
    if isinstance(column, Array):
        return f"'{{}}'::{column.column_type}"
    return _BY_TYPE[next(kind for kind in _BY_TYPE if isinstance(column, kind))]


_BY_TYPE: dict[type[Column], str] = {
    UUID: "md5('other ' || n % 50)::uuid",
    ForeignKey: "md5('other ' || n % 50)::uuid",
    JSONB: "'{}'::jsonb",
    Boolean: "n % 20 = 0",
    BigInt: "n",
    Integer: "n",
    DoublePrecision: "n",
    Date: "date '2020-01-01' + n",
    Timestamptz: "timestamptz '2026-01-01' + n * interval '1 min'",
}


def _named(n: str, column: str, target: type[TenantTable]) -> str:
    """Which row of the target a row names."""
    rows = SMALL_ROWS if target.IS_SMALL else ROWS
    lot = f"abs(hashtextextended('{column}', {n}))"
    return f"(CASE WHEN {lot} % 4 = 0 THEN 1 ELSE 1 + {lot} / 4 % {rows} END)"


def _id(table: type[TenantTable], n: str) -> str:
    return f"md5('{_name(table)} ' || {n})::uuid"


def _path(n: str) -> str:
    lot = f"abs(hashtextextended('street', {n}))"
    street = f"chr(98 + ({lot} % {DISTRICTS})::int) || '/s' || {lot} / {DISTRICTS} % {STREETS}"
    return f"(CASE {n} WHEN {ROWS} THEN '/a/' ELSE '/a/' || {street} || '/' || {n} || '/' END)"


def _name(table: type[TenantTable]) -> str:
    return f"{table._meta.schema}.{table._meta.tablename}"
