"""Reading and writing of a context (数据): statements from table declarations, changes kept.

Every write goes through here, so the audit row of a command can show what was before and after.
"""

import json
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

import asyncpg
from piccolo.columns import JSON, JSONB

from jingwei_core.database.unit import Unit
from jingwei_core.places.tables import Place
from jingwei_sdk.context import Clock, Row
from jingwei_sdk.errors import Conflict, Invalid, NotFound
from jingwei_sdk.personal import mask_value, masked_columns, refuse_masked
from jingwei_sdk.tables import TenantTable, columns_of


@dataclass(frozen=True, slots=True)
class Change:
    """One written row: ``before`` is ``None`` for a new one, ``after`` for a removed one.

    ``revealed`` is set instead for a row of which a masked column was shown in clear: which, and
    what for.
    """

    table: str
    row_id: uuid.UUID
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    place_path: str | None
    revealed: Mapping[str, str] | None = None


AuditNote = tuple[object, ...]
"""The arguments of ``core.audit_append`` for a row that waits for the end of the transaction."""


class UnitData:
    """:class:`jingwei_sdk.context.Data` over one unit of work."""

    def __init__(self, unit: Unit, clock: Clock) -> None:
        self.unit = unit
        self.changes: list[Change] = []
        self.notes: list[AuditNote] = []
        self._clock = clock

    async def get(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row; raises ``NotFound``."""
        return await self._one(table, row_id, "")

    async def lock(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row, locked until the transaction ends."""
        # Not FOR UPDATE: keys never change, and that would make every reference to the row wait.
        return await self._one(table, row_id, " FOR NO KEY UPDATE")

    async def find(self, table: type[Row], **equal: object) -> list[Row]:
        """The rows whose columns equal the given values (``None`` means NULL), oldest first."""
        where, values = [], []
        for name, value in equal.items():
            column = _db_name(table, name)
            if value is None:
                where.append(f"{column} IS NULL")
            else:
                values.append(_plain(value))
                where.append(f"{column} = ${len(values)}")
        condition = " AND ".join(where) or "true"
        rows = await self.unit.fetch(
            f"SELECT * FROM {qualified(table)} WHERE {condition} ORDER BY id", *values
        )
        return [_row(table, row) for row in rows]

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises ``Conflict`` (``ROW_EXISTS``) when a unique key is taken."""
        table = type(row)
        for name, told in masked_columns(table).items():
            refuse_masked(told, getattr(row, name), name)
        values = {name: _write(column, getattr(row, name)) for name, column in _columns(table)}
        now = self._clock.now()
        values["created_at"] = values["updated_at"] = now
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join(f"${number}" for number in range(1, len(values) + 1))
        sql = f"INSERT INTO {qualified(table)} ({names}) VALUES ({marks}) RETURNING *"
        stored = await self._write(table, sql, list(values.values()))
        if stored is None:
            raise Conflict("ROW_EXISTS", record=table.__name__)
        result = _row(table, stored)
        self._note(result, None, _state(result))
        return result

    async def update(self, row: Row, **changes: object) -> Row:
        """Change columns of a row that was read here; raises ``Conflict`` (``ROW_CHANGED``)."""
        table = type(row)
        columns = dict(_columns(table))
        masked = masked_columns(table)
        for name in masked.keys() & changes.keys():
            refuse_masked(masked[name], changes[name], name)
        values = [_write(columns[name], value) for name, value in changes.items()]
        sets = [f'"{name}" = ${number}' for number, name in enumerate(changes, start=1)]
        values += [self._clock.now(), row.id, row.version]
        count = len(values)
        sets += [f"updated_at = ${count - 2}", "version = version + 1"]
        sql = (
            f"UPDATE {qualified(table)} SET {', '.join(sets)}"
            f" WHERE id = ${count - 1} AND version = ${count} RETURNING *"
        )
        stored = await self._write(table, sql, values)
        if stored is None:
            raise Conflict("ROW_CHANGED", record=table.__name__, id=str(row.id))
        result = _row(table, stored)
        self._note(result, _state(row), _state(result))
        return result

    async def delete(self, row: TenantTable) -> None:
        """Remove a row that was read here; raises ``Conflict`` when it is still referred to."""
        sql = f"DELETE FROM {qualified(type(row))} WHERE id = $1 AND version = $2 RETURNING id"
        if await self._write(type(row), sql, [row.id, row.version]) is None:
            raise Conflict("ROW_CHANGED", record=type(row).__name__, id=str(row.id))
        self._note(row, _state(row), None)

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows of a read-only statement."""
        return await self.unit.fetch(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or ``None``."""
        return await self.unit.fetchval(sql, *args)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail without failing the whole; what it wrote is forgotten then."""
        changes, notes = len(self.changes), len(self.notes)
        try:
            async with self.unit.savepoint():
                yield
        except BaseException:
            del self.changes[changes:], self.notes[notes:]
            raise

    async def _one(self, table: type[Row], row_id: uuid.UUID, suffix: str) -> Row:
        found = await self.unit.fetchrow(
            f"SELECT * FROM {qualified(table)} WHERE id = $1{suffix}", row_id
        )
        if found is None:
            raise NotFound("ROW_NOT_FOUND", record=table.__name__, id=str(row_id))
        return _row(table, found)

    async def _write(
        self, table: type[TenantTable], sql: str, values: list[Any]
    ) -> Mapping[str, Any] | None:
        """Run a writing statement; what the database refuses gets a code of ours.

        A refusal ends the transaction: a handler that wants to go on writes inside a savepoint.
        """
        try:
            stored: Mapping[str, Any] | None = await self.unit.fetchrow(sql, *values)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("ROW_EXISTS", record=table.__name__) from error
        except asyncpg.ForeignKeyViolationError as error:
            code = "ROW_IN_USE" if sql.startswith("DELETE") else "REFERENCE_UNKNOWN"
            raise Conflict(code, record=table.__name__, key=error.constraint_name) from error
        except (asyncpg.CheckViolationError, asyncpg.NotNullViolationError) as error:
            name = error.column_name or error.constraint_name
            raise Invalid("VALUE_REFUSED", field=name, record=table.__name__) from error
        return stored

    def _note(
        self,
        row: TenantTable,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        if before is not None and after is not None:
            changed = [name for name in after if before.get(name) != after[name]]
            before = {name: before.get(name) for name in changed}
            after = {name: after[name] for name in changed}
        path = row.path if isinstance(row, Place) else getattr(row, "place_path", None)
        table = type(row)
        shown_before, shown_after = _as_shown(table, before), _as_shown(table, after)
        self.changes.append(Change(table._meta.tablename, row.id, shown_before, shown_after, path))


def qualified(table: type[TenantTable]) -> str:
    """``"schema"."table"`` of a table class."""
    return f'"{table._meta.schema}"."{table._meta.tablename}"'


def _columns(table: type[TenantTable]) -> list[tuple[str, Any]]:
    return [(column._meta.name, column) for column in columns_of(table)]


def _db_name(table: type[TenantTable], name: str) -> str:
    return f'"{table._meta.get_column_by_name(name)._meta.db_column_name}"'


def _row(table: type[Row], values: Mapping[str, Any]) -> Row:
    row = table(**{name: _read(column, values[name]) for name, column in _columns(table)})
    row._exists_in_db = True
    return row


def _read(column: Any, value: Any) -> Any:
    if value is not None and isinstance(column, (JSON, JSONB)) and isinstance(value, str):
        return json.loads(value)
    return value


def _write(column: Any, value: Any) -> Any:
    if value is not None and isinstance(column, (JSON, JSONB)):
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, TenantTable):
        return value.id
    return value


def _state(row: TenantTable) -> dict[str, Any]:
    """The row as the audit log shows it: JSON values; secrets and book-keeping left out."""
    left_out = {"tenant_id", "id", "created_at", "updated_at"}
    return {
        name: _json(getattr(row, name))
        for name, column in _columns(type(row))
        if name not in left_out and not column._meta.secret
    }


def _as_shown(
    table: type[TenantTable], state: Mapping[str, Any] | None
) -> Mapping[str, Any] | None:
    """The state with its masked columns as they are shown: the log is kept longer than they are."""
    if state is None:
        return None
    masks = {name: told.mask for name, told in masked_columns(table).items()}
    return {
        name: mask_value(mask, value).shown if (mask := masks.get(name)) and value else value
        for name, value in state.items()
    }


def _json(value: Any) -> Any:
    if isinstance(value, TenantTable):
        return str(value.id)
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    return str(value)
