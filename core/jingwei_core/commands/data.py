"""Reading and writing of a context (数据): statements from table declarations, changes kept.

Every write goes through here, so the audit row of a command can show what was before and after.
"""

import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import asyncpg

from jingwei_core.commands.shapes import plain, shape_of
from jingwei_core.commands.steps import Adding, Changing, Step, added, many, statement
from jingwei_core.database.along import Along
from jingwei_core.database.expressions import Expression
from jingwei_core.database.unit import Unit
from jingwei_core.places.tables import Place
from jingwei_sdk.context import Clock, Row
from jingwei_sdk.errors import Conflict, Invalid, JingweiError, NotFound
from jingwei_sdk.tables import TenantTable

_ROWS_AT_ONCE = 100


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


@dataclass(frozen=True, slots=True)
class Deferred:
    """Writing that goes with the unit's last message: a call of a database function that answers
    what the audit log is told, a JSON array."""

    call: Expression
    place_path: str | None
    tables: tuple[type[TenantTable], ...]


AuditNote = tuple[Any, ...]
"""The arguments of ``core.audit_note`` for a row that waits for the end of the transaction."""


class UnitData:
    """:class:`jingwei_sdk.context.Data` over one unit of work."""

    def __init__(self, unit: Unit, clock: Clock) -> None:
        self.unit = unit
        self.changes: list[Change] = []
        self.notes: list[AuditNote] = []
        self.parting: list[Expression] = []
        """Calls of database functions that go with the unit's last message."""
        self.queued: list[str] = []
        """The jobs that were queued here, by name, for their limits."""
        self.deferred: list[Deferred] = []
        """What waits to be written since the last audit row was made."""
        self.told: list[tuple[tuple[str, uuid.UUID], str | None]] = []
        """What changed for subscribers: record and row, and the path of its place."""
        self.along: Along | None = None
        """The read of what the command answers, for the unit's last message."""
        self.written: set[type[TenantTable]] = set()
        self.is_unlocked = False
        """Whether the row that the command is on is not locked."""
        self.clock = clock

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
                values.append(plain(value))
                where.append(f"{column} = ${len(values)}")
        shape = shape_of(table)
        condition = " AND ".join(where) or "true"
        rows = await self.unit.fetch(
            f"SELECT {shape.listed} FROM {shape.source} WHERE {condition} ORDER BY id", *values
        )
        return [shape.row(row) for row in rows]

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises ``Conflict`` (``ROW_EXISTS``) when a unique key is taken."""
        stored: list[Row] = await self.together(Adding(row))
        return stored[0]

    async def insert_all(self, rows: Sequence[Row]) -> list[Row]:
        """Store new rows in as few statements as can be: one if no two are of one table, or all."""
        if len({type(row) for row in rows}) == len(rows):
            return await self.together(*(Adding(row) for row in rows)) if rows else []
        stored = []
        for table, run in groupby(rows, type):
            same = list(run)
            for start in range(0, len(same), _ROWS_AT_ONCE):
                stored += await self._add_many(table, same[start : start + _ROWS_AT_ONCE])
        return stored

    async def update(self, row: Row, **changes: object) -> Row:
        """Change columns of a row that was read here; raises ``Conflict`` (``ROW_CHANGED``)."""
        stored: list[Row] = await self.together(Changing(row, changes))
        return stored[0]

    async def together(self, *steps: Step) -> list[Any]:
        """Write several rows in one statement; the rows as they are stored.

        Raises as :meth:`insert` and :meth:`update` do. A refusal must then end the transaction, or
        the savepoint that it happened in: what the other steps wrote stands.
        """
        now = self.clock.now()
        texts = tuple(step.text for step in steps)
        values = [value for step in steps for value in step.values(now)]
        found = await self._write([text.table for text in texts], statement(texts), values)
        if not found:
            # Only a change can find nothing to write; a new row is there or raises.
            raise next((s for s in steps if isinstance(s, Changing)), steps[-1]).refused()
        stored, start = [], 0
        for step, text in zip(steps, texts, strict=True):
            shape = shape_of(text.table)
            end = start + len(shape.names)
            row = shape.row(found[0][start:end])
            self._note(row, step.before(row), row)
            stored.append(row)
            start = end
        return stored

    def defer(self, deferred: Deferred) -> None:
        """Write with the unit's last message; nothing of it can be read before."""
        self.written.update(deferred.tables)
        self.deferred.append(deferred)

    async def delete(self, row: TenantTable) -> None:
        """Remove a row that was read here; raises ``Conflict`` when it is still referred to."""
        source = shape_of(type(row)).source
        sql = f"DELETE FROM {source} WHERE id = $1 AND version = $2 RETURNING id"
        if not await self._write([type(row)], sql, [row.id, row.version]):
            raise Conflict("ROW_CHANGED", record=type(row).__name__, id=str(row.id))
        self._note(row, row, None)

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows of a read-only statement."""
        return await self.unit.fetch(sql, *args)

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or ``None``."""
        return await self.unit.fetchval(sql, *args)

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator[None]:
        """A part that can fail without failing the whole; what it wrote is forgotten then."""
        # Copies, not lengths: an audit row made inside takes along what was written before.
        kept = [(held, list(held)) for held in self._pending()]
        try:
            async with self.unit.savepoint():
                yield
        except BaseException:
            for held, before in kept:
                held[:] = before
            raise

    def refusal(self, error: asyncpg.IntegrityConstraintViolationError) -> JingweiError | None:
        """What a constraint means that the unit's last message broke; ``None`` for one of others'
        tables."""
        tables = [table for table in self.written if table._meta.tablename == error.table_name]
        return _refusal(error, tables, "") if tables else None

    def _pending(self) -> tuple[list[Any], ...]:
        return self.changes, self.notes, self.parting, self.queued, self.deferred, self.told

    async def _one(self, table: type[Row], row_id: uuid.UUID, suffix: str) -> Row:
        shape = shape_of(table)
        found = await self.unit.fetchrow(
            f"SELECT {shape.listed} FROM {shape.source} WHERE id = $1{suffix}", row_id
        )
        if found is None:
            raise NotFound("ROW_NOT_FOUND", record=table.__name__, id=str(row_id))
        row: Row = shape.row(found)
        return row

    async def _add_many(self, table: type[Row], rows: Sequence[Row]) -> list[Row]:
        shape, now = shape_of(table), self.clock.now()
        values = [value for row in rows for value in added(shape, row, now, {})]
        found = await self._write([table], many(table, len(rows)), values)
        by_id = {row.id: row for row in map(shape.row, found)}
        stored = [by_id[row.id] for row in rows]
        for row in stored:
            self._note(row, None, row)
        return stored

    async def _write(
        self, tables: Sequence[type[TenantTable]], sql: str, values: list[Any]
    ) -> list[Any]:
        """Run a writing statement; what the database refuses gets a code of ours.

        A refusal ends the transaction: a handler that wants to go on writes inside a savepoint.
        """
        try:
            return await self.unit.fetch(sql, *values)
        except asyncpg.IntegrityConstraintViolationError as error:
            refusal = _refusal(error, tables, sql)
            if refusal is None:
                raise
            raise refusal from error

    def _note(
        self, row: TenantTable, before: TenantTable | None, after: TenantTable | None
    ) -> None:
        shape = shape_of(type(row))
        was = None if before is None else shape.state(before)
        now = None if after is None else shape.state(after)
        if was is not None and now is not None:
            changed = [name for name in now if was[name] != now[name]]
            was = {name: was[name] for name in changed}
            now = {name: now[name] for name in changed}
        was, now = was and shape.shown(was), now and shape.shown(now)
        path = row.path if isinstance(row, Place) else getattr(row, "place_path", None)
        self.written.add(type(row))
        self.changes.append(Change(type(row)._meta.tablename, row.id, was, now, path))


def qualified(table: type[TenantTable]) -> str:
    """``"schema"."table"`` of a table class."""
    return shape_of(table).source


def _db_name(table: type[TenantTable], name: str) -> str:
    return f'"{table._meta.get_column_by_name(name)._meta.db_column_name}"'


def _refusal(
    error: asyncpg.IntegrityConstraintViolationError, tables: Sequence[type[TenantTable]], sql: str
) -> JingweiError | None:
    """What a broken constraint means, naming the table that it is about."""
    met = (table for table in tables if table._meta.tablename == error.table_name)
    record = next(met, tables[0]).__name__
    if isinstance(error, asyncpg.UniqueViolationError):
        return Conflict("ROW_EXISTS", record=record)
    # A key that restricts has a state of its own from PostgreSQL 18 on.
    if isinstance(error, asyncpg.ForeignKeyViolationError | asyncpg.RestrictViolationError):
        code = "ROW_IN_USE" if sql.startswith("DELETE") else "REFERENCE_UNKNOWN"
        return Conflict(code, record=record, key=error.constraint_name)
    if isinstance(error, asyncpg.CheckViolationError | asyncpg.NotNullViolationError):
        name = error.column_name or error.constraint_name
        return Invalid("VALUE_REFUSED", field=name, record=record)
    return None
