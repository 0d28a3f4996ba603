"""The unit of work (工作单元): one transaction for one tenant, and the only way to a connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar, Token
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from jingwei_core.database.errors import (
    CONTENTION,
    LOST_CONNECTION,
    Contention,
    NoTenantBound,
    UnitRolledBack,
    is_unstorable,
)
from jingwei_core.database.identifiers import column_list, quoted
from jingwei_sdk.errors import Invalid, Unavailable
from jingwei_sdk.tables import bound_tenant

R = TypeVar("R")
Connection = Any  # asyncpg.Connection or the pool's proxy of one; asyncpg ships no common type
Record = Any

_current: ContextVar["Unit | None"] = ContextVar("jingwei_unit", default=None)


def current_unit() -> "Unit":
    """The innermost open unit of this task; raises ``NoTenantBound`` outside one."""
    unit = _current.get()
    if unit is None or not unit.is_open:
        raise NoTenantBound
    return unit


def open_unit_or_none() -> "Unit | None":
    """The innermost open unit of this task, if there is one."""
    unit = _current.get()
    return unit if unit is not None and unit.is_open else None


class Unit:
    """Statements inside one transaction; safe to use from tasks that run side by side.

    A nested scope (:meth:`savepoint`) is a unit too. While it is open, tasks that were started
    outside it wait, so that savepoints of parallel tasks cannot cross.
    """

    def __init__(
        self, connection: Connection, tenant: UUID | None, parent: "Unit | None" = None
    ) -> None:
        self.tenant = tenant
        self.is_open = True
        self.parent = parent
        self._connection = connection
        self._lock = asyncio.Lock()
        self._depth: int = parent._depth + 1 if parent else 0

    @property
    def connection(self) -> Connection:
        """The asyncpg connection, for the job queue only. Prefer :meth:`exclusive`."""
        self._check_open()
        return self._connection

    async def fetch(self, sql: str, *args: object) -> list[Record]:
        """All rows of a statement."""
        return await self._run(lambda connection: connection.fetch(sql, *args))

    async def fetchrow(self, sql: str, *args: object) -> Record | None:
        """The first row, or ``None``."""
        return await self._run(lambda connection: connection.fetchrow(sql, *args))

    async def fetchval(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or ``None``."""
        return await self._run(lambda connection: connection.fetchval(sql, *args))

    async def execute(self, sql: str, *args: object) -> str:
        """Run a statement; without arguments several, separated by semicolons. The command tag."""
        return await self._run(lambda connection: connection.execute(sql, *args))

    async def executemany(self, sql: str, rows: Iterable[Sequence[object]]) -> None:
        """Run a statement once for each row of arguments, in one round trip."""
        await self._run(lambda connection: connection.executemany(sql, rows))

    async def copy(
        self, table: str, schema: str, columns: Sequence[str], records: Iterable[Sequence[object]]
    ) -> str:
        """Insert many rows by COPY. Row security forbids COPY FROM to the application role on
        PostgreSQL, so a tenant's rows pass through a temporary table of this transaction."""
        return await self._run(
            lambda connection: _copy(connection, (schema, table), columns, records)
        )

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Connection]:
        """The connection for a library that runs its own statements on it; others wait."""
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            yield self._connection

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator["Unit"]:
        """A part that can fail without failing the whole unit."""
        async with self._innermost()._nested(self.tenant) as inner:
            yield inner

    @asynccontextmanager
    async def rebound(self, tenant: UUID | None) -> AsyncIterator["Unit"]:
        """A savepoint in which ``tenant`` is bound instead; for the database room only."""
        async with self._innermost()._nested(tenant) as inner:
            yield inner

    async def close(self) -> None:
        """Let no further statement in and wait for the running one."""
        self.is_open = False
        async with self._lock:
            return

    @asynccontextmanager
    async def _nested(self, tenant: UUID | None) -> AsyncIterator["Unit"]:
        async with self._lock:
            self._check_open()
            inner = Unit(self._connection, tenant, parent=self)
            name = f"unit_{inner._depth}"
            await self._connection.execute(f"SAVEPOINT {name}; {bind(tenant)}")
            try:
                async with entered(inner):
                    yield inner
            except BaseException:
                await undisturbed(self._abandon(inner, name))
                raise
            try:
                await self._leave(inner, f"RELEASE {name}; {bind(self.tenant)}")
            except asyncpg.PostgresError as error:
                await self._connection.execute(f"ROLLBACK TO {name}; RELEASE {name}")
                if isinstance(error, asyncpg.InFailedSQLTransactionError):
                    raise UnitRolledBack from error
                raise

    async def _abandon(self, inner: "Unit", name: str) -> None:
        # A dead connection has rolled everything back already; the first error is the news.
        with suppress(*LOST_CONNECTION):
            await self._leave(inner, f"ROLLBACK TO {name}; RELEASE {name}")

    async def _leave(self, inner: "Unit", sql: str) -> None:
        await inner.close()
        await self._connection.execute(sql)

    async def _run(self, statement: Callable[[Connection], Awaitable[R]]) -> R:
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            try:
                return await statement(self._connection)
            except (asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError) as error:
                if unit.tenant is None and _is_unbound(error):
                    raise NoTenantBound from error
                raise
            except asyncpg.DataError as error:
                if is_unstorable(error):
                    raise Invalid("VALUE_UNSTORABLE") from error
                raise
            except asyncpg.QueryCanceledError as error:
                raise Unavailable("STATEMENT_TIMEOUT") from error
            except asyncpg.LockNotAvailableError as error:
                raise Unavailable("DATABASE_CONTENTION", cause="lock timeout") from error
            except CONTENTION as error:
                raise Contention(type(error).__name__) from error

    def _innermost(self) -> "Unit":
        """The scope this task is in, if it lies inside this unit; else this unit itself."""
        scope = _current.get()
        candidate = scope
        while candidate is not None:
            if candidate is self:
                return scope if scope is not None and scope.is_open else self
            candidate = candidate.parent
        return self

    def _check_open(self) -> None:
        if not self.is_open:
            raise NoTenantBound


@asynccontextmanager
async def entered(unit: Unit) -> AsyncIterator[Unit]:
    """Make ``unit`` the current one of this task and close it at the end."""
    unit_token = _current.set(unit)
    tenant_token = bound_tenant.set(unit.tenant)
    try:
        yield unit
    finally:
        unit.is_open = False
        _reset(bound_tenant, tenant_token)
        _reset(_current, unit_token)


def _reset(variable: ContextVar[Any], token: Token[Any]) -> None:
    try:
        variable.reset(token)
    except ValueError:
        # Left in another context than entered (a generator closed by a framework): the context
        # that holds the value is gone, and the unit itself is closed.
        variable.set(None)


async def undisturbed(work: Awaitable[R]) -> R:
    """Finish ``work`` even if this task is cancelled meanwhile; then the cancellation goes on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def bind(tenant: UUID | None) -> str:
    """The statement that binds ``tenant`` (or none) for the rest of the transaction."""
    # The value is a UUID object, never text of a caller, so it cannot carry SQL.
    value = "" if tenant is None else str(UUID(int=tenant.int))
    return f"SELECT set_config('app.tenant', '{value}', true)"


def _is_unbound(error: asyncpg.PostgresError) -> bool:
    return "app.tenant" in str(error) or 'type uuid: ""' in str(error)


async def _copy(
    connection: Connection,
    target: tuple[str, str],
    columns: Sequence[str],
    records: Iterable[Sequence[object]],
) -> str:
    schema, table = (quoted(part) for part in target)
    names = column_list(tuple(columns))
    await connection.execute(
        f"CREATE TEMPORARY TABLE unit_copy ON COMMIT DROP AS"
        f" SELECT {names} FROM {schema}.{table} WITH NO DATA"
    )
    await connection.copy_records_to_table(
        "unit_copy", schema_name="pg_temp", columns=columns, records=records
    )
    done: str = await connection.execute(
        f"INSERT INTO {schema}.{table} ({names}) SELECT {names} FROM pg_temp.unit_copy;"
    )
    await connection.execute("DROP TABLE pg_temp.unit_copy")
    return done
