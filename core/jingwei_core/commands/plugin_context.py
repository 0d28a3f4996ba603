"""The context as a plugin's code is given it (插件上下文): what the SDK promises, and no more.

The core trusts its own code and gives it the unit, the platform and any SQL. A plugin gets another
object: its SQL is read before it is sent (:mod:`jingwei_core.database.plugin_sql`), its tables are
such as a package can have, and the services act for the context that they were given with, whatever
context they are handed. This stops mistakes and texts that were put together from input; it is no
prison for code that reaches for private names or opens connections of its own.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from jingwei_core.commands.data import UnitData
from jingwei_core.database.plugin_sql import PluginSqlRefused, check_statement, is_closed
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Clock, Context, Events, OpenEvent, Records, Row, Tenant
from jingwei_sdk.progress import PublicProgress
from jingwei_sdk.tables import TenantTable, columns_of

CORE = "core"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_TABLES = 1024


def given_to(owner: str, ctx: CoreContext) -> Context:
    """The context that code of this package is given: the core's own code gets it whole."""
    return ctx if owner == CORE else _given(ctx)


def given_by_claim(claim: str, ctx: CoreContext) -> Context:
    """The same for who has claimed this in the context's registry, such as ``command:event.act``;
    what nobody has claimed is a stranger's."""
    return given_to(ctx.registry.owners.get(claim, ""), ctx)


def _given(ctx: CoreContext) -> Context:
    assert isinstance(ctx.data, UnitData)
    return Context(
        tenant=ctx.tenant,
        actor=ctx.actor,
        permissions=ctx.permissions,
        clock=ctx.clock,
        locale=ctx.locale,
        request_id=ctx.request_id,
        data=PluginData(ctx.data),
        signals=ctx.signals,
        events=_EventsOf(ctx),
        records=_RecordsOf(ctx),
        settings=ctx.settings,
        typed_settings=ctx.typed_settings,
    )


class PluginData:
    """:class:`jingwei_sdk.context.Data` for a plugin's code.

    Raises ``Refused`` (``PLUGIN_SQL_REFUSED``) for what is not sent; then nothing has changed.
    """

    __slots__ = ("__data",)

    def __init__(self, data: UnitData) -> None:
        self.__data = data

    async def get(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row; raises ``NotFound``."""
        _check_table(table)
        return await self.__data.get(table, row_id)

    async def lock(self, table: type[Row], row_id: uuid.UUID) -> Row:
        """The row, locked until the transaction ends; raises ``NotFound``."""
        _check_table(table)
        return await self.__data.lock(table, row_id)

    async def find(self, table: type[Row], **equal: object) -> list[Row]:
        """The rows whose columns equal the given values, oldest first."""
        _check_table(table)
        return await self.__data.find(table, **equal)

    async def insert(self, row: Row) -> Row:
        """Store a new row; raises ``Conflict`` (``ROW_EXISTS``)."""
        _check_table(type(row))
        return await self.__data.insert(row)

    async def insert_all(self, rows: Sequence[Row]) -> list[Row]:
        """Store new rows, in the order given."""
        for table in {type(row) for row in rows}:
            _check_table(table)
        return await self.__data.insert_all(rows)

    async def update(self, row: Row, **changes: object) -> Row:
        """Change columns of a row; raises ``Conflict`` (``ROW_CHANGED``)."""
        _check_table(type(row))
        return await self.__data.update(row, **changes)

    async def delete(self, row: TenantTable) -> None:
        """Remove a row that was read here."""
        _check_table(type(row))
        await self.__data.delete(row)

    async def fetch(self, sql: str, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows of one reading statement that is understood."""
        check_statement(sql)
        rows = await self.__data.fetch(sql, *args)
        self.__data.unit.keeps_tenant()
        return rows

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or ``None``."""
        check_statement(sql)
        value = await self.__data.fetchval(sql, *args)
        self.__data.unit.keeps_tenant()
        return value

    def savepoint(self) -> AbstractAsyncContextManager[object]:
        """A part that can fail without failing the whole."""
        return self.__data.savepoint()


@dataclass(frozen=True, slots=True)
class PluginStage:
    """:class:`jingwei_sdk.commands.Stage` for a plugin's code."""

    tenant: Tenant
    clock: Clock

    def now(self) -> datetime:
        """The platform's time."""
        return self.clock.now()


class _EventsOf:
    """The event service, for one context."""

    __slots__ = ("__ctx", "__events")

    def __init__(self, ctx: CoreContext) -> None:
        self.__ctx = ctx
        self.__events: Events = ctx.events

    async def open(self, ctx: Context, new: OpenEvent) -> uuid.UUID:
        return await self.__events.open(self.__ctx, new)

    async def progress(self, ctx: Context, event_id: uuid.UUID) -> PublicProgress:
        return await self.__events.progress(self.__ctx, event_id)

    async def act(
        self, ctx: Context, event_id: uuid.UUID, action: str, *, note: str = "", reason: str = ""
    ) -> None:
        await self.__events.act(self.__ctx, event_id, action, note=note, reason=reason)


class _RecordsOf:
    """Records in sight of one context's actor."""

    __slots__ = ("__ctx", "__records")

    def __init__(self, ctx: CoreContext) -> None:
        self.__ctx = ctx
        self.__records: Records = ctx.records

    async def get(self, ctx: Context, record: str, row_id: uuid.UUID) -> Mapping[str, Any]:
        return await self.__records.get(self.__ctx, record, row_id)

    async def many(
        self, ctx: Context, record: str, values: Sequence[uuid.UUID], *, by: str = "id"
    ) -> Mapping[uuid.UUID, Mapping[str, Any]]:
        return await self.__records.many(self.__ctx, record, values, by=by)

    async def some(
        self, ctx: Context, record: str, *, most: int = 100, **equal: object
    ) -> Sequence[Mapping[str, Any]]:
        return await self.__records.some(self.__ctx, record, most=most, **equal)

    async def count(
        self, ctx: Context, record: str, values: Sequence[uuid.UUID], *, by: str, **equal: object
    ) -> Mapping[uuid.UUID, int]:
        return await self.__records.count(self.__ctx, record, values, by=by, **equal)


@lru_cache(_TABLES)
def _check_table(table: type[TenantTable]) -> None:
    """Names of tables and columns go into statements as they are."""
    meta = table._meta
    schema = meta.schema or ""
    names = (schema, meta.tablename, *(column._meta.db_column_name for column in columns_of(table)))
    for name in names:
        if not _PLAIN.fullmatch(name):
            raise PluginSqlRefused(name)
    if is_closed(schema):
        raise PluginSqlRefused(f"{schema}.{meta.tablename}")
