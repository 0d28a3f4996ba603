import asyncio
import uuid
from contextlib import aclosing, suppress
from typing import Any

import asyncpg
import pytest

from jingwei_core.database import (
    Database,
    NoTenantBound,
    OtherTenant,
    UnitRolledBack,
    current_unit,
)
from jingwei_core.places.tables import PlaceLevel
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused, Unavailable

OURS, NEIGHBOUR = uuid.UUID(int=1), uuid.UUID(int=2)
INSERT = "INSERT INTO core.place_level (tenant_id, code) VALUES ($1, $2)"
COUNT = "SELECT count(*) FROM core.place_level"


async def run(database: Database, tenant: uuid.UUID, *codes: str, then: str = "") -> None:
    """Add levels in one unit, run a last statement, and fail if it is the word ``raise``."""
    async with database.unit(tenant) as unit:
        for code in codes:
            await unit.execute(INSERT, tenant, code)
        if then == "raise":
            raise KeyError
        if then:
            await unit.execute(then)


async def count(database: Database, tenant: uuid.UUID) -> int:
    async with database.unit(tenant) as unit:
        return int(await unit.fetchval(COUNT))


async def test_a_unit_keeps_its_work_and_the_neighbour_sees_nothing(database: Database):
    async with database.unit(OURS) as unit:
        assert await unit.execute(INSERT, OURS, "grid") == "INSERT 0 1"
    assert await count(database, OURS) == 1
    assert await count(database, NEIGHBOUR) == 0


async def test_an_exception_undoes_the_unit(database: Database):
    with pytest.raises(KeyError):
        await run(database, OURS, "grid", then="raise")
    assert await count(database, OURS) == 0


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO core.place_level (tenant_id, code) VALUES ('{neighbour}', 'stolen')",
        "UPDATE core.place_level SET tenant_id = '{neighbour}'",
    ],
)
async def test_writing_for_another_tenant_is_refused_and_leaves_no_trace(
    database: Database, sql: str
):
    async with database.unit(OURS) as unit:
        await unit.execute(INSERT, OURS, "grid")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.unit(OURS) as unit:
            await unit.execute(sql.format(neighbour=NEIGHBOUR))
    assert await count(database, OURS) == 1
    assert await count(database, NEIGHBOUR) == 0


async def test_another_tenants_rows_cannot_be_changed_or_removed(database: Database):
    async with database.unit(NEIGHBOUR) as unit:
        await unit.execute(INSERT, NEIGHBOUR, "grid")
    async with database.unit(OURS) as unit:
        assert await unit.execute("UPDATE core.place_level SET code = 'x'") == "UPDATE 0"
        assert await unit.execute("DELETE FROM core.place_level") == "DELETE 0"
    assert await count(database, NEIGHBOUR) == 1


async def test_a_statement_without_a_unit_raises_with_a_stable_code(database: Database):
    with pytest.raises(NoTenantBound) as refusal:
        current_unit()
    assert refusal.value.code == "NO_TENANT_BOUND"
    with pytest.raises(NoTenantBound):
        await PlaceLevel.select()
    with pytest.raises(Refused) as unbound:
        PlaceLevel(code="grid")
    assert unbound.value.code == "NO_TENANT_BOUND"


async def test_a_platform_unit_reads_no_tenants_table(database: Database):
    # The test of the tenant is run when a row is met: in an empty table nothing need be asked.
    async with database.unit(OURS) as unit:
        await unit.execute(INSERT, OURS, "grid")
    async with database.platform() as unit:
        assert await unit.fetchval("SELECT count(*) FROM platform.tenant") == 0
    for sql in (COUNT, "DELETE FROM core.place_level", "UPDATE core.place_level SET code = 'x'"):
        with pytest.raises(NoTenantBound):
            async with database.platform() as unit:
                await unit.fetch(sql)


async def test_no_table_shows_a_row_to_whoever_is_bound_to_no_tenant(database: Database):
    """Also where there are rows: the test of the tenant fails, it does not let them through."""
    async with database.unit(OURS) as unit:
        await unit.execute(INSERT, OURS, "grid")
    with pytest.raises(NoTenantBound):
        async with database.platform() as unit:
            await unit.fetch(COUNT)
    async with database.unit(NEIGHBOUR) as unit:
        await unit.execute("RESET app.tenant")
        with suppress(asyncpg.PostgresError):
            async with unit.savepoint() as inner:
                assert await inner.fetch("SELECT FROM core.place_level") == []


async def test_a_unit_that_is_over_refuses_statements(database: Database):
    async with database.unit(OURS) as unit:
        pass
    with pytest.raises(NoTenantBound):
        await unit.fetch("SELECT 1")


async def test_the_same_tenant_inside_is_a_savepoint_and_another_is_refused(database: Database):
    async with database.unit(OURS) as outer:
        await outer.execute(INSERT, OURS, "kept")
        with pytest.raises(KeyError):
            await run(database, OURS, "undone", then="raise")
        with pytest.raises(OtherTenant) as refusal:
            async with database.unit(NEIGHBOUR):
                pass
        assert refusal.value.code == "UNIT_OF_ANOTHER_TENANT"
        assert [row["code"] for row in await outer.fetch("SELECT code FROM core.place_level")] == [
            "kept"
        ]


async def test_a_platform_unit_inside_unbinds_and_binds_again(database: Database):
    async with database.unit(OURS) as unit:
        async with database.platform() as inner:
            assert await inner.fetchval("SELECT current_setting('app.tenant')") == ""
        assert await unit.fetchval("SELECT current_setting('app.tenant')") == str(OURS)


async def test_a_failed_statement_in_a_savepoint_spares_the_rest(database: Database):
    async with database.unit(OURS) as unit:
        await unit.execute(INSERT, OURS, "grid")
        with pytest.raises(asyncpg.DivisionByZeroError):
            async with unit.savepoint():
                await unit.fetch("SELECT 1/0")
        assert await unit.fetchval(COUNT) == 1


async def test_parallel_statements_of_one_unit_take_turns(database: Database):
    async with database.unit(OURS) as unit:
        answers = await asyncio.gather(*(unit.fetchval("SELECT $1::int", n) for n in range(5)))
    assert answers == [0, 1, 2, 3, 4]


async def test_parallel_savepoints_do_not_cross(database: Database):
    async def attempt(code: str, *, fails: bool) -> None:
        async with database.unit(OURS) as inner:
            await inner.execute(INSERT, OURS, code)
            await asyncio.sleep(0)
            if fails:
                raise KeyError

    async with database.unit(OURS) as unit:
        outcomes = await asyncio.gather(
            *(attempt(f"level-{n}", fails=n % 2 == 1) for n in range(6)), return_exceptions=True
        )
        assert [type(outcome) for outcome in outcomes] == [type(None), KeyError] * 3
        rows = await unit.fetch("SELECT code FROM core.place_level ORDER BY code")
    assert [row["code"] for row in rows] == ["level-0", "level-2", "level-4"]


async def test_piccolo_statements_run_through_the_unit_of_a_migration(database: Database):
    async def delete_and_fail() -> None:
        async with PlaceLevel._meta.db.transaction():
            await PlaceLevel.delete(force=True)
            raise KeyError

    async with database.owner() as unit:
        await PlaceLevel(tenant_id=OURS, code="grid", rank=5).save()
        with pytest.raises(KeyError):
            await delete_and_fail()
        assert await PlaceLevel.count().where(PlaceLevel.tenant_id == OURS) == 1
        with pytest.raises(Refused) as refusal:
            await PlaceLevel.select().batch()
        assert refusal.value.code == "ENGINE_FEATURE_REFUSED"
        # A transaction beside the test's own, of which nothing may stay.
        await unit.execute(f"DELETE FROM core.place_level WHERE tenant_id = '{OURS}'")


async def test_in_a_tenants_unit_no_statement_of_piccolo_is_sent(database: Database):
    """Its raw text could bind another tenant, and its writing is in no audit row."""
    engine: Any = PlaceLevel._meta.db
    rebind = "SELECT set_config('app.tenant', {}, true)"
    async with database.unit(OURS) as unit:
        await unit.execute(INSERT, OURS, "grid")
        for attempt in (
            lambda: PlaceLevel.raw(rebind, str(NEIGHBOUR)),
            PlaceLevel.select,
            lambda: PlaceLevel.delete(force=True),
            lambda: PlaceLevel(code="x", rank=1).save(),
            lambda: PlaceLevel.alter().drop_table(),
            lambda: engine.run_ddl(f"SET LOCAL app.tenant = '{NEIGHBOUR}'"),
            lambda: engine.transaction().__aenter__(),
        ):
            with pytest.raises(Refused) as refusal:
                await attempt()
            assert refusal.value.code == "PICCOLO_STATEMENT_REFUSED"
        assert await unit.fetchval("SELECT current_setting('app.tenant')") == str(OURS)
        assert await unit.fetchval("SELECT count(*) FROM core.place_level") == 1


async def test_copy_brings_many_rows_and_obeys_row_security(database: Database):
    rows = [(OURS, f"level-{n}") for n in range(1000)]
    async with database.unit(OURS) as unit:
        tag = await unit.copy("place_level", "core", ["tenant_id", "code"], rows)
        assert tag == "INSERT 0 1000"
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.unit(OURS) as unit:
            await unit.copy("place_level", "core", ["tenant_id", "code"], [(NEIGHBOUR, "x")])
    assert await count(database, OURS) == 1000


@pytest.mark.commit
async def test_a_swallowed_failure_is_not_taken_for_a_commit(database: Database):
    async def swallow() -> None:
        async with database.unit(OURS) as unit:
            await unit.execute(INSERT, OURS, "grid")
            with suppress(asyncpg.DivisionByZeroError):
                await unit.fetch("SELECT 1/0")

    with pytest.raises(UnitRolledBack) as refusal:
        await swallow()
    assert refusal.value.code == "UNIT_ROLLED_BACK"
    assert await count(database, OURS) == 0


@pytest.mark.commit
async def test_a_failing_commit_gives_the_connection_back(database: Database, settings: Settings):
    async with database.owner() as unit:
        await unit.execute(
            "ALTER TABLE core.place_level ADD CONSTRAINT late UNIQUE (tenant_id, rank)"
            " DEFERRABLE INITIALLY DEFERRED"
        )
    for _ in range(settings.pool_size + 1):
        with pytest.raises(asyncpg.UniqueViolationError):
            await run(database, OURS, "one", "two")
    assert await count(database, OURS) == 0


@pytest.mark.commit
async def test_cancelled_requests_leave_the_pool_clean(database: Database, settings: Settings):
    async def request() -> None:
        async with database.unit(OURS) as unit:
            await unit.execute(INSERT, OURS, uuid.uuid4().hex)
            await unit.fetch("SELECT pg_sleep(30)")

    tasks = [asyncio.create_task(request()) for _ in range(12)]
    await asyncio.sleep(0.3)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    counts = await asyncio.gather(*(count(database, OURS) for _ in range(settings.pool_size * 2)))
    assert set(counts) == {0}


@pytest.mark.commit
async def test_a_killed_connection_is_replaced(database: Database):
    async with database.unit(OURS) as unit:
        pid = await unit.fetchval("SELECT pg_backend_pid()")
    connection = await asyncpg.connect(database.settings.database_url)
    await connection.execute("SELECT pg_terminate_backend($1)", pid)
    await connection.close()
    await asyncio.sleep(0.1)
    assert await count(database, OURS) == 0


@pytest.mark.commit
@pytest.mark.parametrize("noticed_after_s", [0, 0.2])
async def test_a_connection_lost_inside_a_unit_is_told_as_such(
    database: Database, noticed_after_s: float
):
    async def lose_it() -> None:
        async with database.unit(OURS) as unit:
            await unit.execute(INSERT, OURS, "grid")
            pid = await unit.fetchval("SELECT pg_backend_pid()")
            connection = await asyncpg.connect(database.settings.database_url)
            await connection.execute("SELECT pg_terminate_backend($1)", pid)
            await connection.close()
            # At once the statement meets the loss; a little later the pool has met it first.
            await asyncio.sleep(noticed_after_s)
            await unit.execute(INSERT, OURS, "second")

    with pytest.raises(Unavailable, match="DATABASE_CONNECTION_LOST") as lost:
        await lose_it()
    assert lost.value.retryable
    assert await count(database, OURS) == 0


@pytest.mark.commit
async def test_an_error_of_the_caller_stays_what_it_is(database: Database):
    async def fail() -> None:
        async with database.unit(OURS):
            raise OSError("of the caller")

    with pytest.raises(OSError, match="of the caller"):
        await fail()


@pytest.mark.commit
async def test_a_task_that_outlives_its_unit_is_refused(database: Database):
    ended = asyncio.Event()

    async def late() -> None:
        await ended.wait()
        await current_unit().fetch("SELECT 1")

    async with database.unit(OURS):
        task = asyncio.create_task(late())
    ended.set()
    with pytest.raises(NoTenantBound):
        await task


@pytest.mark.commit
async def test_nothing_of_a_rehearsal_is_kept(database: Database):
    async with database.rehearsal() as rehearsed:
        for tenant in (OURS, NEIGHBOUR):
            async with rehearsed.unit(tenant) as unit:
                await unit.execute(INSERT, tenant, "grid")
        assert await count(rehearsed, OURS) == 1
        assert await count(rehearsed, NEIGHBOUR) == 1
    assert await count(database, OURS) == 0
    assert await count(database, NEIGHBOUR) == 0


@pytest.mark.commit
async def test_listening_survives_a_lost_connection(database: Database):
    heard = database.listen("probe")
    assert await anext(heard) is None
    async with database.unit(OURS) as unit:
        await unit.execute("SELECT pg_notify('probe', 'first')")
    assert await anext(heard) == "first"
    connection = await asyncpg.connect(database.settings.database_url)
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'jingwei-listen' AND datname = current_database()"
    )
    await connection.close()
    assert await asyncio.wait_for(anext(heard), 10) is None
    async with database.unit(OURS) as unit:
        await unit.execute("SELECT pg_notify('probe', 'second')")
    assert await asyncio.wait_for(anext(heard), 10) == "second"
    await heard.aclose()


@pytest.mark.commit
async def test_whoever_stops_listening_leaves_no_task_behind(database: Database):
    before = asyncio.all_tasks()

    async def follow() -> None:
        async with aclosing(database.listen("probe")) as heard:
            async for _ in heard:
                listening.set()

    listening = asyncio.Event()
    task = asyncio.create_task(follow())
    await asyncio.wait_for(listening.wait(), 10)
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.commit
async def test_operations_read_every_tenant_and_change_nothing(database: Database):
    for tenant in (OURS, NEIGHBOUR):
        async with database.unit(tenant) as unit:
            await unit.execute(INSERT, tenant, "grid")
    async with database.ops() as unit:
        assert await unit.fetchval(COUNT) == 2
    with pytest.raises(asyncpg.PostgresError):
        async with database.ops() as unit:
            await unit.execute("DELETE FROM core.place_level")
    assert await count(database, OURS) == 1
