"""What a tenant has stored, as dictionaries: read once by the owner, past row security."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from piccolo.columns import JSON, JSONB, Text, Varchar

from jingwei_core.database import Database
from jingwei_core.registry import Registry
from jingwei_sdk.records import Record
from jingwei_sdk.tables import columns_of

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Stored:
    """All rows of the records of one tenant, and how the server orders their texts."""

    tenant: uuid.UUID
    rows: Mapping[str, list[Row]]
    ranks: Mapping[tuple[str, str], Mapping[str, int]]
    _by: dict[tuple[str, str], dict[Any, list[Row]]] = field(default_factory=dict)

    def where(self, record: str, column: str, value: object) -> list[Row]:
        """The rows of a record whose column holds a value that is not null."""
        known = self._by.get((record, column))
        if known is None:
            known = self._by[record, column] = {}
            for row in self.rows[record]:
                known.setdefault(row[column], []).append(row)
        return known.get(value, []) if value is not None else []

    def one(self, record: str, row_id: object) -> Row | None:
        """The row with this id, whoever may see it."""
        found = self.where(record, "id", row_id)
        return found[0] if found else None

    @cached_property
    def ids(self) -> dict[str, list[uuid.UUID]]:
        """The ids of each record's rows, oldest key first."""
        return {name: sorted(row["id"] for row in rows) for name, rows in self.rows.items()}


async def stored_rows(database: Database, registry: Registry, tenant: uuid.UUID) -> Stored:
    """Everything a tenant has stored in the tables of a registry's records."""
    rows: dict[str, list[Row]] = {}
    ranks: dict[tuple[str, str], dict[str, int]] = {}
    async with database.owner() as unit:
        for name, record in registry.records.items():
            table = _table(record)
            found = await unit.fetch(f"SELECT * FROM {table} WHERE tenant_id = $1", tenant)
            rows[name] = [_read(record, row) for row in found]
            for column in {*record.sort, *record.dimensions}:
                if isinstance(record.column(column), (Text, Varchar)):
                    # The order of texts is the server's own: its locale decides.
                    ordered = await unit.fetch(
                        f'SELECT DISTINCT "{column}" FROM {table} WHERE tenant_id = $1'
                        f' AND "{column}" IS NOT NULL ORDER BY 1',
                        tenant,
                    )
                    ranks[name, column] = {each[0]: rank for rank, each in enumerate(ordered)}
    return Stored(tenant, rows, ranks)


def _table(record: Record) -> str:
    return f'"{record.table._meta.schema}"."{record.table._meta.tablename}"'


def _read(record: Record, row: Mapping[str, Any]) -> Row:
    values = dict(row)
    for column in columns_of(record.table):
        name = column._meta.name
        if isinstance(column, (JSON, JSONB)) and values[name] is not None:
            values[name] = json.loads(values[name])
    return values
