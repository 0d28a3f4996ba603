"""The database (数据库): a pool of the application role, and units of work on it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from uuid import UUID

import asyncpg

from jingwei_core.database.along import ANSWER, PooledConnection
from jingwei_core.database.connections import Connections, is_gone
from jingwei_core.database.errors import LOST_CONNECTION, OtherTenant, UnitRolledBack
from jingwei_core.database.expressions import Expression
from jingwei_core.database.lanes import Lanes
from jingwei_core.database.listener import listen
from jingwei_core.database.piccolo_engine import install_engine
from jingwei_core.database.reading import Reading, tenant_parameter
from jingwei_core.database.turns import Turns
from jingwei_core.database.undisturbed import undisturbed
from jingwei_core.database.unit import (
    Connection,
    Entered,
    Unit,
    bind,
    meant,
    open_unit_or_none,
)
from jingwei_core.database.urls import app_url, owner_url
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

MINIMUM_VERSION = 150000
_ROLLBACK_TIMEOUT_S = 5.0


class Database:
    """The platform's database; make it with :func:`open_database`, one for each process."""

    def __init__(self, connections: Connections, settings: Settings, url: str) -> None:
        self._connections = connections
        self._settings = settings
        self._url = url
        self._lanes = Lanes(url, settings)
        self._turns = Turns(settings.read_lanes)

    @property
    def url(self) -> str:
        """The application role's connection URL; it holds a password."""
        return self._url

    @property
    def settings(self) -> Settings:
        """What this database was opened with."""
        return self._settings

    @property
    def reads_apart(self) -> bool:
        """Whether :meth:`read` and :meth:`ask` see only what is committed, also inside a unit."""
        return bool(self._settings.statement_cache_size)

    @asynccontextmanager
    async def late_unit(self, tenant: UUID, checks: Sequence[Expression]) -> AsyncIterator[Unit]:
        """A unit that begins with its first statement, or else with its last message: a unit that
        reads nothing takes one round trip.

        ``checks`` raise when they do not hold: the unit then ends with ``Outdated``, from whichever
        statement came first. Only outside any other unit, and where :attr:`reads_apart`.
        """
        async with self._turns() as turn, self._outermost(tenant, late=checks) as unit:
            unit.gives_way = turn.end
            yield unit

    def unit(self, tenant: UUID, opening: str = "") -> AbstractAsyncContextManager[Unit]:
        """One transaction for ``tenant``: committed at the end, rolled back by an exception.

        ``opening`` is a statement of literals that is sent with the first message; ``opened`` of
        the unit is its command tag. Inside a unit of the same tenant it is a savepoint of that one.
        Raises ``OtherTenant`` inside a unit of another tenant, and ``UnitRolledBack`` if a failed
        statement was swallowed.
        """
        return self._scope(tenant, opening)

    async def read(self, reading: Reading, sql: str, args: Sequence[object]) -> bytes | None:
        """The answer of a statement made by ``one_trip``; ``args`` are its own parameters.

        ``None`` says that the access in ``reading`` has changed. Raises ``Unavailable``:
        ``STATEMENT_TIMEOUT``, ``DATABASE_UNREACHABLE``, ``DATABASE_CONNECTION_LOST``. Cancelling
        the task cancels the statement in the server.
        """
        return await self._answer(reading.tenant, sql, (*reading.parameters, *args))

    async def ask(self, tenant: UUID, sql: str, args: Sequence[object]) -> bytes | None:
        """The answer of a statement made by ``bound_trip``, otherwise as :meth:`read`."""
        return await self._answer(tenant, sql, (tenant_parameter(tenant), *args))

    def platform(self) -> AbstractAsyncContextManager[Unit]:
        """One transaction for the platform's own tables; a tenant's table raises
        ``NoTenantBound``."""
        return self._scope(None)

    def owner(self) -> AbstractAsyncContextManager[Unit]:
        """One transaction as the owner with maintenance switched on: all tenants, all rights.

        For migrations only. Raises ``Unavailable`` (``OWNER_URL_MISSING``) where only the
        application's URL is set.
        """
        sql = f"SET LOCAL ROLE {self._settings.owner_role}; SET LOCAL app.maintenance = 'on'"
        return direct_unit(owner_url(self._settings), sql)

    def ops(self) -> AbstractAsyncContextManager[Unit]:
        """One read-only transaction over all tenants (运维), for back-up and support."""
        sql = f"SET LOCAL ROLE {self._settings.ops_role}; SET TRANSACTION READ ONLY"
        return direct_unit(owner_url(self._settings), sql)

    def listen(self, channel: str, presence: int | None = None) -> AsyncIterator[str | None]:
        """The payloads of NOTIFY on ``channel``, for as long as the caller iterates.

        ``None`` comes whenever listening begins, at first and after each lost connection: what was
        sent before is unknown, so read your state now. ``presence`` is the advisory lock by which
        writers see that somebody listens: what commits after the ``None`` is heard then, though
        they send nothing while nobody does.
        """
        return listen(self._url, channel, presence)

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator["Database"]:
        """A database in which nothing is kept: its units are savepoints of one transaction that is
        rolled back at the end. For dry runs and tests.

        Units of different tasks wait for one another. Deferred constraints are checked at the end
        of each unit, as COMMIT would. NOTIFY is not delivered and ``now()`` stands still.
        """
        connection = await self._connections.lend()
        try:
            await connection.execute(self._begin(None))
            yield _Rehearsal(connection, self)
        finally:
            await undisturbed(self._return(connection))

    async def close(self) -> None:
        """Wait for open units and close every connection."""
        await self._lanes.close()
        await self._connections.close()

    async def _answer(self, tenant: UUID, sql: str, args: Sequence[object]) -> bytes | None:
        if self._settings.statement_cache_size:
            answer: bytes | None = await self._lanes.read(sql, args)
            return answer
        # Behind a pooler a session is not ours to set up: the transaction brings what a lane has.
        return await self._answer_in_unit(tenant, sql, args)

    async def _answer_in_unit(self, tenant: UUID, sql: str, args: Sequence[object]) -> bytes | None:
        async with self.unit(tenant) as unit:
            answer: bytes | None = await unit.fetchval(sql, *args)
            return answer

    @asynccontextmanager
    async def _scope(self, tenant: UUID | None, opening: str = "") -> AsyncIterator[Unit]:
        outer = open_unit_or_none()
        if outer is None:
            async with self._outermost(tenant, opening) as unit:
                yield unit
            return
        if tenant is not None and outer.tenant not in (None, tenant):
            raise OtherTenant(outer.tenant, tenant)
        async with outer.rebound(tenant, opening) as unit:
            yield unit

    @asynccontextmanager
    async def _outermost(
        self, tenant: UUID | None, opening: str = "", *, late: Sequence[Expression] = ()
    ) -> AsyncIterator[Unit]:
        connection = await self._connections.lend()
        unit = Unit(connection, tenant)
        committed = False
        begin = self._begin(tenant)
        try:
            if late:
                unit.begins_late(begin, late)
            else:
                unit.opened = await unit.first(f"{begin}; {opening}" if opening else begin)
            with Entered(unit):
                yield unit
                await unit.close()
            committed = await _commit(connection, unit)
        except LOST_CONNECTION as error:
            if is_gone(connection):
                raise Unavailable("DATABASE_CONNECTION_LOST") from error
            raise
        finally:
            if committed or not unit.has_begun:
                await self._connections.hand_on(connection)
            else:
                await undisturbed(self._finish(unit, connection))

    async def _finish(self, unit: Unit, connection: Connection) -> None:
        await unit.close()
        await self._return(connection)

    async def _return(self, connection: Connection) -> None:
        """Give the connection of a transaction that did not commit back clean, or not at all."""
        try:
            if not is_gone(connection):
                async with asyncio.timeout(_ROLLBACK_TIMEOUT_S):
                    await connection.execute("ROLLBACK")
        except LOST_CONNECTION:
            # The pool may have noticed the loss first and taken the connection back by itself.
            with suppress(asyncpg.InterfaceError):
                connection.terminate()
        finally:
            await self._connections.release(connection)

    def _begin(self, tenant: UUID | None) -> str:
        begin = f"BEGIN; {bind(tenant)}"
        if self._settings.statement_cache_size:
            return begin
        # Behind a pooler a session is not ours to set up: each transaction says it.
        sets = (f"SET LOCAL {name} = '{value}'" for name, value in _limits(self._settings).items())
        return "; ".join((begin, *sets))


class _Rehearsal(Database):
    """Units as savepoints of one transaction; see :meth:`Database.rehearsal`."""

    def __init__(self, connection: Connection, original: Database) -> None:
        super().__init__(original._connections, original._settings, original._url)
        self._root = Unit(connection, None)

    @property
    def reads_apart(self) -> bool:
        """Never: everything happens on one connection."""
        return False

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[Database]:
        async with self._root.savepoint():
            yield self

    async def _answer(self, tenant: UUID, sql: str, args: Sequence[object]) -> bytes | None:
        return await self._answer_in_unit(tenant, sql, args)

    async def close(self) -> None:
        """Nothing: the connection belongs to the database this was made from."""

    @asynccontextmanager
    async def _outermost(
        self, tenant: UUID | None, opening: str = "", *, late: Sequence[Expression] = ()
    ) -> AsyncIterator[Unit]:
        async with self._root.rebound(tenant, opening) as unit:
            yield unit
            unit.at_the_end("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


@asynccontextmanager
async def direct_unit(url: str, setup: str) -> AsyncIterator[Unit]:
    """A unit on a connection of its own, opened and closed with it; ``setup`` runs first.

    Raises ``Unavailable`` (``DATABASE_UNREACHABLE``, ``DATABASE_CONNECTION_LOST``).
    """
    install_engine()
    connection = await connect(url)
    unit = Unit(connection, None)
    unit.is_direct = True
    try:
        await connection.execute(f"BEGIN; {setup}")
        with Entered(unit):
            yield unit
            await unit.close()
        if await connection.execute("COMMIT") != "COMMIT":
            raise UnitRolledBack
    except LOST_CONNECTION as error:
        if is_gone(connection):
            raise Unavailable("DATABASE_CONNECTION_LOST") from error
        raise
    finally:
        await undisturbed(_close(connection))


async def connect(url: str, timeout_s: float = 30) -> Connection:
    """A plain connection; raises ``Unavailable`` saying why there is none.

    Those who ask administer: no request waits for it, so it may outlast a checkpoint of a disk that
    is busy.
    """
    try:
        return await asyncpg.connect(url, timeout=timeout_s)
    except asyncpg.InvalidPasswordError as error:
        raise Unavailable("DATABASE_PASSWORD", cause=str(error)) from error
    except (TimeoutError, OSError, asyncpg.PostgresError) as error:
        raise Unavailable("DATABASE_UNREACHABLE", cause=str(error) or "timeout") from error


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[Database]:
    """The database that the settings name, started first if it is the embedded one.

    Raises ``Unavailable``: ``DATABASE_UNREACHABLE``, ``DATABASE_PASSWORD``, ``DATABASE_TOO_OLD``,
    ``DATABASE_ROLE_POWERFUL`` (the application role could pass row security).
    """
    url = await asyncio.to_thread(app_url, settings)
    database = await _open(settings, url)
    try:
        yield database
    finally:
        await database.close()


async def _open(settings: Settings, url: str) -> Database:
    install_engine()
    probe = await connect(url, settings.connect_timeout_s)
    try:
        await _check_server(probe)
    finally:
        await _close(probe)
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=settings.pool_size,
        statement_cache_size=settings.statement_cache_size,
        reset=_nothing_to_reset,
        connection_class=PooledConnection,
        timeout=settings.connect_timeout_s,
        server_settings=_session(settings),
    )
    return Database(Connections(pool, settings.connect_timeout_s), settings, url)


def _session(settings: Settings) -> dict[str, str]:
    """What a session of the pool is told when it begins."""
    name = {"application_name": "jingwei"}
    return {**name, **_limits(settings)} if settings.statement_cache_size else name


def _limits(settings: Settings) -> dict[str, str]:
    limits = {
        "statement_timeout": settings.statement_timeout_s,
        "lock_timeout": settings.lock_timeout_s,
        "idle_in_transaction_session_timeout": settings.idle_in_unit_timeout_s,
    }
    return {**{k: f"{round(v * 1000)}ms" for k, v in limits.items()}, "TimeZone": "UTC"}


async def _commit(connection: Connection, unit: Unit) -> bool:
    """Send the unit's last message; raises ``UnitRolledBack`` if a failure was swallowed."""
    try:
        if unit.begins_whole():
            # A statement outside any transaction commits what it did, or tells why not.
            along = await connection.along(unit.along) if unit.along else None
            sql, values = unit.whole(along)
            (row,) = await connection.fetch(sql, *values)
            unit.answer = row[ANSWER] if along else None
            return True
        # A failed transaction answers COMMIT with ROLLBACK, and with no error.
        if await connection.execute(unit.closing("COMMIT")) == "COMMIT":
            return True
    except asyncpg.InFailedSQLTransactionError as error:
        raise UnitRolledBack from error
    except asyncpg.PostgresError as error:
        refusal = meant(error)
        if refusal is None:
            raise
        raise refusal from error
    raise UnitRolledBack


async def _check_server(connection: Connection) -> None:
    row = await connection.fetchrow(
        "SELECT current_setting('server_version_num')::int AS version, rolname,"
        " rolsuper OR rolbypassrls AS powerful FROM pg_roles WHERE rolname = current_user"
    )
    if row["version"] < MINIMUM_VERSION:
        raise Unavailable("DATABASE_TOO_OLD", version=row["version"], minimum=MINIMUM_VERSION)
    if row["powerful"]:
        raise Unavailable("DATABASE_ROLE_POWERFUL", role=row["rolname"])


async def _nothing_to_reset(connection: Connection) -> None:
    """Units leave no session state behind, so the costly RESET ALL is not needed."""


async def _close(connection: Connection) -> None:
    with suppress(*LOST_CONNECTION):
        await connection.close(timeout=_ROLLBACK_TIMEOUT_S)
