"""The unit of work (工作单元): one transaction for one tenant, and the only way to a connection."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from contextvars import ContextVar, Token
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from jingwei_core.database.along import Along
from jingwei_core.database.copying import copy_rows
from jingwei_core.database.errors import LOST_CONNECTION, NoTenantBound, UnitRolledBack, told
from jingwei_core.database.expressions import Expression, bound_call, selects
from jingwei_core.database.reading import tenant_parameter
from jingwei_core.database.undisturbed import undisturbed
from jingwei_sdk._bound import bound_tenant

R = TypeVar("R")
Connection = Any  # asyncpg.Connection or the pool's proxy of one; asyncpg ships no common type
Record = Any

_OUTDATED = "JW001"
"""The SQLSTATE that checks of an opening raise."""

_CALLS = 20
"""Calls that are worth a statement which the server keeps prepared."""

_KEPT = "core.tenant_must_be({uuid})"

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
        self.is_direct: bool = parent is not None and parent.is_direct
        """Whether the connection is the owner's, for migrations: Piccolo's statements run there."""
        self.opened = ""
        """The command tag of the last statement of the opening message."""
        self.along: Along | None = None
        """A read that goes with the unit's last message, where that is possible."""
        self.answer: bytes | None = None
        """What that read answered; ``None`` before the end, and when it did not go along."""
        self.gives_way: Callable[[], None] | None = None
        """Called when a late unit begins otherwise than as a whole: it is no short one then."""
        self._closing: list[str] = []
        self._calls: list[Expression] = []
        self._reads_after = 0
        self._checks: list[Expression] = []
        self._awaited: str | None = None
        self.is_late = False
        """Whether the unit begins with its first statement, or with its last message."""
        self._connection = connection
        self._lock = asyncio.Lock()
        self._depth: int = parent._depth + 1 if parent else 0

    @property
    def connection(self) -> Connection:
        """The asyncpg connection, for the job queue only. Prefer :meth:`exclusive`."""
        self._check_open()
        return self._connection

    def at_the_end(self, sql: str) -> None:
        """Statements that go with the unit's last message: just before its COMMIT or RELEASE, in
        the same round trip. They have no parameters: see :mod:`jingwei_core.database.literals`."""
        self._check_open()
        self._closing.append(sql)

    @property
    def has_begun(self) -> bool:
        """Whether the opening message is sent."""
        return self._awaited is None

    def beforehand(self, check: Expression, instead_of: Expression | None = None) -> bool:
        """Send a check with the opening message; ``False`` when that is sent already.

        The check is an expression that raises when it does not hold, as those of an opening do. It
        comes last, or in the place of another one.
        """
        if not self.is_late or self._awaited is None:
            return False
        if instead_of is None:
            self._checks.append(check)
        else:
            self._checks[self._checks.index(instead_of)] = check
        return True

    def call_at_the_end(self, calls: Iterable[Expression]) -> None:
        """Expressions that go with the unit's last message, before :meth:`at_the_end`."""
        self._check_open()
        self._calls.extend(calls)

    def keeps_tenant(self) -> None:
        """Have the innermost scope fail at its end unless its tenant is bound then as it was in the
        beginning, for scopes in which SQL of strangers ran; no message of its own."""
        unit = self._innermost()
        if unit.tenant is not None and _KEPT not in (call.text for call in unit._calls):
            unit._calls.append(Expression(_KEPT, (unit.tenant,)))

    def reads_along(self, read: Along) -> None:
        """Have a read see what the calls so far have written, in the same message, where that is
        possible: ``answer`` tells when the unit has ended."""
        self.along, self._reads_after = read, len(self._calls)

    def begins_late(self, begin: str, checks: Iterable[Expression]) -> None:
        """Keep the opening message for the first statement; for the database room only."""
        self.is_late, self._awaited = True, begin
        self._checks.extend(checks)

    def begins_whole(self) -> bool:
        """Begin with all that there is to say as one statement, a transaction of its own, if
        nothing was said yet and that is possible; for the database room only."""
        count = len(self._checks) + len(self._calls)
        if not self.is_late or self.has_begun or self._closing or count > _CALLS:
            return False
        self._awaited = None
        return True

    def whole(self, along: Expression | None) -> tuple[str, list[Any]]:
        """That statement and its parameters; ``along`` is the read that goes with it."""
        assert self.tenant is not None
        read = [] if along is None else [along]
        written, last = self._calls[: self._reads_after], self._calls[self._reads_after :]
        told = [*self._checks, *written, *read, *last]
        values = [value for each in told for value in each.values]
        return bound_call(told), [tenant_parameter(self.tenant), *values]

    def closing(self, last: str) -> str:
        """The unit's last message, ending with ``last``; for the database room only."""
        # Checks and calls are one statement, which looks at its columns from left to right.
        begin, told = self._opening(), [*self._checks, *self._calls]
        self._checks.clear()
        said = selects([each.literal for each in told])
        return "; ".join((*begin, *said, *self._closing, last))

    def _opening(self) -> list[str]:
        """What the unit still has to begin with."""
        begin, self._awaited = self._awaited, None
        if self.gives_way is not None:
            self.gives_way()
        return [] if begin is None else [begin]

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
            lambda connection: copy_rows(connection, (schema, table), columns, records)
        )

    @asynccontextmanager
    async def exclusive(self) -> AsyncIterator[Connection]:
        """The connection for a library that runs its own statements on it; others wait."""
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            await unit._begun()
            yield self._connection

    @asynccontextmanager
    async def savepoint(self) -> AsyncIterator["Unit"]:
        """A part that can fail without failing the whole unit.

        Nothing is sent before its first statement, and nothing at all without one.
        """
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            inner = Unit(self._connection, self.tenant, parent=unit)
            inner._awaited = f"SAVEPOINT {inner._name}"
            async with unit._kept_apart(inner, f"RELEASE {inner._name}"):
                yield inner

    @asynccontextmanager
    async def rebound(self, tenant: UUID | None, opening: str = "") -> AsyncIterator["Unit"]:
        """A savepoint in which ``tenant`` is bound instead; for the database room only.

        ``opening`` is sent with the first message and answered by ``opened``.
        """
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            await unit._begun()
            inner = Unit(self._connection, tenant, parent=unit)
            inner._awaited = f"SAVEPOINT {inner._name}; {bind(tenant)}"
            async with unit._kept_apart(inner, f"RELEASE {inner._name}; {bind(unit.tenant)}"):
                await inner._begun(opening)
                yield inner

    async def close(self) -> None:
        """Let no further statement in and wait for the running one."""
        self.is_open = False
        async with self._lock:
            return

    @property
    def _name(self) -> str:
        return f"unit_{self._depth}"

    @asynccontextmanager
    async def _kept_apart(self, inner: "Unit", release: str) -> AsyncIterator[None]:
        """Enter ``inner``; what it did is released at the end, and undone by an exception."""
        try:
            with Entered(inner):
                yield
        except BaseException:
            await undisturbed(self._abandon(inner))
            raise
        try:
            if inner.has_begun:
                await self._leave(inner, inner.closing(release))
        except asyncpg.PostgresError as error:
            await self._connection.execute(_undone(inner._name))
            if isinstance(error, asyncpg.InFailedSQLTransactionError):
                raise UnitRolledBack from error
            refusal = told(error)
            if refusal is None:
                raise
            raise refusal from error

    async def _begun(self, opening: str = "") -> None:
        """Send what this scope begins with, unless it is sent already."""
        if self._awaited is None:
            return
        if self.parent is not None:
            await self.parent._begun()
        message = self._opening()
        if self._checks:
            message.append(f"SELECT {', '.join(each.literal for each in self._checks)}")
            self._checks.clear()
        if opening:
            message.append(opening)
        self.opened = await self.first("; ".join(message))

    async def first(self, message: str) -> str:
        """Send an opening message; the command tag of its last statement. For the database room."""
        try:
            tag: str = await self._connection.execute(message)
        except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            refusal = meant(error)
            if refusal is None:
                raise
            raise refusal from error
        return tag

    async def _abandon(self, inner: "Unit") -> None:
        # A dead connection has rolled everything back already; the first error is the news.
        with suppress(*LOST_CONNECTION):
            await self._leave(inner, _undone(inner._name))

    async def _leave(self, inner: "Unit", sql: str) -> None:
        await inner.close()
        if inner._awaited is None:
            await self._connection.execute(sql)

    async def _run(self, statement: Callable[[Connection], Awaitable[R]]) -> R:
        unit = self._innermost()
        async with unit._lock:
            unit._check_open()
            try:
                await unit._begun()
                return await statement(self._connection)
            except (asyncpg.UndefinedObjectError, asyncpg.InvalidTextRepresentationError) as error:
                if unit.tenant is None and _is_unbound(error):
                    raise NoTenantBound from error
                raise
            except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                refusal = told(error)
                if refusal is None:
                    raise
                raise refusal from error

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


class Outdated(Exception):
    """What the unit was begun with is not so any more: nothing was written, begin it anew."""


def meant(error: BaseException) -> Exception | None:
    """What a failed opening or closing means; ``None`` for a fault of the statement."""
    if getattr(error, "sqlstate", None) == _OUTDATED:
        return Outdated()
    return told(error)


class Entered:
    """Make ``unit`` the current one of this task and close it at the end."""

    __slots__ = ("_tenant_token", "_unit", "_unit_token")

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def __enter__(self) -> Unit:
        """The unit."""
        self._unit_token = _current.set(self._unit)
        self._tenant_token = bound_tenant.set(self._unit.tenant)
        return self._unit

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self._unit.is_open = False
        _reset(bound_tenant, self._tenant_token)
        _reset(_current, self._unit_token)


def _reset(variable: ContextVar[Any], token: Token[Any]) -> None:
    try:
        variable.reset(token)
    except ValueError:
        # Left in another context than entered (a generator closed by a framework): the context
        # that holds the value is gone, and the unit itself is closed.
        variable.set(None)


def bind(tenant: UUID | None) -> str:
    """The statement that binds ``tenant`` (or none) for the rest of the transaction."""
    # The value is a UUID object, never text of a caller, so it cannot carry SQL.
    value = "" if tenant is None else str(UUID(int=tenant.int))
    return f"SET LOCAL app.tenant = '{value}'"


def _undone(name: str) -> str:
    return f"ROLLBACK TO {name}; RELEASE {name}"


def _is_unbound(error: asyncpg.PostgresError) -> bool:
    return "app.tenant" in str(error) or 'type uuid: ""' in str(error)
