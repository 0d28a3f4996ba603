"""Reads in one trip: bound by the statement itself, on connections that are nobody's."""

import asyncio
import json
import uuid
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from jingwei_core.database import Database, Reading, one_trip, open_database
from jingwei_core.database.lanes import NIL, session_settings
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Invalid, Unavailable

OURS, NEIGHBOUR = uuid.UUID(int=1), uuid.UUID(int=2)
CODES = one_trip("(SELECT coalesce(json_agg(code ORDER BY code), '[]') FROM core.place_level)")
PID = one_trip("pg_backend_pid()")
SLEEP = one_trip("(SELECT $5::text FROM pg_sleep(30))")


async def signed_in(database: Database, tenant: uuid.UUID, *codes: str) -> Reading:
    """An account of a tenant that has these place levels."""
    account = uuid.uuid4()
    async with database.unit(tenant) as unit:
        for code in codes:
            await unit.execute("INSERT INTO core.place_level (code) VALUES ($1)", code)
        await unit.execute(
            "INSERT INTO core.account (id, login, name) VALUES ($1, $2, '网格员')",
            account,
            account.hex,
        )
        policy = await unit.fetchval("SELECT coalesce((SELECT number FROM core.policy_version), 0)")
    return Reading(tenant, account, 0, policy)


async def codes(database: Database, reading: Reading) -> Any:
    answer = await database.read(reading, CODES, ())
    return None if answer is None else json.loads(answer)


async def superuser(database: Database, sql: str, *args: object) -> list[Any]:
    connection = await asyncpg.connect(database.settings.database_url)
    try:
        return list(await connection.fetch(sql, *args))
    finally:
        await connection.close()


async def test_an_answer_is_the_bytes_of_the_tenants_own_rows(database: Database):
    ours = await signed_in(database, OURS, "grid", "网格")
    theirs = await signed_in(database, NEIGHBOUR, "street")
    assert await database.read(ours, CODES, ()) == '["grid", "网格"]'.encode()
    assert await codes(database, theirs) == ["street"]


@pytest.mark.commit
async def test_a_very_long_statement_does_not_stay_prepared(database: Database):
    reading = await signed_in(database, OURS)
    for letters in (1000, 200_000):
        await database.read(reading, one_trip(f"'{'x' * letters}'"), ())
    kept = one_trip("(SELECT max(length(statement)) < 150000 FROM pg_prepared_statements)")
    assert await database.read(reading, kept, ()) == b"true"


async def test_parameters_of_the_expression_follow_those_of_the_reading(database: Database):
    ours = await signed_in(database, OURS, "grid")
    sql = one_trip("(SELECT json_agg(code) FROM core.place_level WHERE code = $5 OR code = $6)")
    assert await database.read(ours, sql, ("grid", "no")) == b'["grid"]'


@pytest.mark.parametrize("change", ["epoch", "policy", "account", "tenant", "suspended"])
async def test_access_that_is_not_as_planned_is_answered_by_nothing(
    database: Database, change: str
):
    ours = await signed_in(database, OURS, "grid")
    if change == "suspended":
        async with database.unit(OURS) as unit:
            await unit.execute("UPDATE core.account SET status = 'suspended'")
            policy = await unit.fetchval("SELECT sum(number)::bigint FROM core.policy_version")
        ours = replace(ours, policy=policy or 0)
    else:
        ours = {
            "epoch": replace(ours, epoch=1),
            "policy": replace(ours, policy=ours.policy + 1),
            "account": replace(ours, account_id=uuid.uuid4()),
            "tenant": replace(ours, tenant=NEIGHBOUR),
        }[change]
    assert await codes(database, ours) is None


async def test_a_text_that_cannot_be_stored_is_refused(database: Database):
    ours = await signed_in(database, OURS)
    sql = one_trip("(SELECT to_json($5::text))")
    for text in ("a\0b", "\ud800"):
        with pytest.raises(Invalid, match="VALUE_UNSTORABLE"):
            await database.read(ours, sql, (text,))


@pytest.mark.commit
async def test_a_lane_is_bound_to_nobody_and_keeps_no_binding(database: Database):
    ours = await signed_in(database, OURS, "grid")
    assert await codes(database, ours) == ["grid"]
    lane = database._lanes._free[0]
    assert await lane.fetchval("SELECT current_setting('app.tenant')") == str(NIL)
    assert await lane.fetchval("SELECT count(*) FROM core.place_level") == 0
    for setting, value in {"plan_cache_mode": "force_generic_plan", "jit": "off"}.items():
        assert await lane.fetchval("SELECT current_setting($1)", setting) == value


@pytest.mark.commit
async def test_rows_that_are_read_before_the_tenant_is_bound_are_nobodys(database: Database):
    """The order that one_trip never has: a lane's nil tenant shows nothing then."""
    ours = await signed_in(database, OURS, "grid")
    assert await codes(database, ours) == ["grid"]
    wrong = (
        "SELECT (SELECT count(*) FROM core.place_level) || ' '"
        " || set_config('app.tenant', $1, true) || ' '"
        " || (SELECT count(*) FROM core.place_level)"
    )
    assert await database._lanes.read(wrong, (str(OURS),)) == f"0 {OURS} 1"


@pytest.mark.commit
@pytest.mark.parametrize("is_stale", [False, True])
async def test_no_table_is_looked_at_before_the_access_was_checked(
    database: Database, is_stale: bool
):
    ours = await signed_in(database, OURS, "grid")
    assert await codes(database, ours) == ["grid"]
    given = replace(ours, policy=ours.policy + is_stale).parameters
    values = f"'{given[0]}', '{given[1]}'::uuid, {given[2]}, {given[3]}"
    lane = await asyncpg.connect(database.url, server_settings=session_settings(database.settings))
    try:
        await lane.execute(f"PREPARE one (text, uuid, int, bigint) AS {CODES}")
        plan = await lane.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE one ({values})")
    finally:
        await lane.close()
    loops = dict(scans(json.loads(plan)[0]["Plan"]))
    assert loops["account"] > 0
    assert loops["place_level"] == (0 if is_stale else 1)


def scans(plan: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The tables of a plan that was run, each with how often it was looked at."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Actual Loops"]
    for part in plan.get("Plans", ()):
        yield from scans(part)


@pytest.mark.commit
async def test_a_read_can_change_nothing(database: Database):
    ours = await signed_in(database, OURS, "grid")
    lane_sql = "WITH gone AS (DELETE FROM core.place_level RETURNING 1) SELECT count(*) FROM gone"
    assert await codes(database, ours) == ["grid"]
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await database._lanes.read(lane_sql, ())


@pytest.mark.commit
async def test_more_reads_than_lanes_take_turns(database: Database, settings: Settings):
    ours = await signed_in(database, OURS, "grid")
    answers = await asyncio.gather(*(codes(database, ours) for _ in range(100)))
    assert answers == [["grid"]] * 100
    rows = await superuser(
        database,
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'jingwei-read'"
        " AND datname = current_database()",
    )
    assert rows[0][0] == settings.read_lanes


@pytest.mark.commit
async def test_a_cancelled_read_ends_in_the_server_and_frees_its_lane(database: Database):
    ours = await signed_in(database, OURS, "grid")
    running = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(30)%'"
        " AND application_name = 'jingwei-read' AND state = 'active'"
        " AND datname = current_database()"
    )
    lanes = database.settings.read_lanes
    tasks = [asyncio.create_task(database.read(ours, SLEEP, ("x",))) for _ in range(lanes * 2)]
    for _ in range(1000):
        if (await superuser(database, running))[0][0] == lanes:
            break
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {asyncio.CancelledError}
    answers = await asyncio.gather(*(codes(database, ours) for _ in range(lanes * 2)))
    assert answers == [["grid"]] * (lanes * 2)
    assert (await superuser(database, running))[0][0] == 0


@pytest.mark.commit
async def test_lanes_that_were_lost_are_replaced(database: Database):
    ours = await signed_in(database, OURS, "grid")
    before = {await database.read(ours, PID, ()) for _ in range(3)}
    end = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'jingwei-read' AND datname = current_database()"
    )
    await superuser(database, end)
    assert await codes(database, ours) == ["grid"]
    assert await database.read(ours, PID, ()) not in before
    await superuser(database, end)
    await asyncio.sleep(0.1)  # now the loss is known before the next read
    assert await codes(database, ours) == ["grid"]
    assert database._lanes._open == 1


@pytest.mark.commit
async def test_a_read_that_loses_its_lane_again_and_again_says_so(database: Database):
    ours = await signed_in(database, OURS, "grid")
    sql = one_trip("(SELECT pg_terminate_backend(pg_backend_pid()) FROM pg_sleep(0))")
    with pytest.raises(Unavailable, match="DATABASE_CONNECTION_LOST") as lost:
        await database.read(ours, sql, ())
    assert lost.value.retryable
    assert await codes(database, ours) == ["grid"]


@pytest.mark.commit
async def test_a_read_that_takes_too_long_is_ended(settings: Settings):
    async with open_database(settings.model_copy(update={"statement_timeout_s": 0.2})) as database:
        ours = await signed_in(database, OURS, "grid")
        with pytest.raises(Unavailable, match="STATEMENT_TIMEOUT"):
            await database.read(ours, SLEEP, ("x",))
        assert await codes(database, ours) == ["grid"]


@pytest.mark.commit
async def test_whoever_waits_too_long_for_a_lane_is_told(settings: Settings):
    chosen = {"connect_timeout_s": 0.5, "read_lanes": 1}
    async with open_database(settings.model_copy(update=chosen)) as database:
        ours = await signed_in(database, OURS, "grid")
        long = asyncio.create_task(database.read(ours, SLEEP, ("x",)))
        await asyncio.sleep(0.1)
        with pytest.raises(Unavailable, match="DATABASE_BUSY") as busy:
            await codes(database, ours)
        assert busy.value.retryable
        long.cancel()
        with suppress(asyncio.CancelledError):
            await long
        assert await codes(database, ours) == ["grid"]


@pytest.mark.commit
async def test_when_too_many_wait_the_next_one_is_told_at_once(settings: Settings):
    async with open_database(settings.model_copy(update={"read_lanes": 1})) as database:
        ours = await signed_in(database, OURS, "grid")
        slow = one_trip("(SELECT json_agg(code) FROM core.place_level, pg_sleep(0.001))")
        outcomes = await asyncio.gather(
            *(database.read(ours, slow, ()) for _ in range(400)), return_exceptions=True
        )
        refused = [one for one in outcomes if isinstance(one, Unavailable)]
        assert {one.code for one in refused} == {"DATABASE_BUSY"}
        assert outcomes.count(b'["grid"]') == 257
        assert await codes(database, ours) == ["grid"]


@pytest.mark.commit
async def test_a_server_that_is_gone_is_told_and_waiters_are_not_left(settings: Settings):
    async with open_database(settings) as database:
        ours = await signed_in(database, OURS, "grid")
        database._lanes._url = "postgresql://app@127.0.0.1:1/nowhere"
        outcomes = await asyncio.gather(
            *(codes(database, ours) for _ in range(40)), return_exceptions=True
        )
    assert {str(outcome.code) for outcome in outcomes if isinstance(outcome, Unavailable)} == {
        "DATABASE_UNREACHABLE"
    }


@pytest.mark.commit
async def test_behind_a_pooler_a_read_brings_its_settings_with_it(settings: Settings):
    pooled = settings.model_copy(update={"statement_cache_size": 0})
    async with open_database(pooled) as database:
        ours = await signed_in(database, OURS, "grid")
        assert await codes(database, ours) == ["grid"]
        assert database._lanes._open == 0


@pytest.mark.commit
async def test_no_answer_holds_a_row_of_another_tenant(database: Database):
    """Hundreds of tenants interleaved on few lanes, with errors and cancellations among them."""
    readings = {
        number: await signed_in(database, uuid.UUID(int=number), f"t{number}")
        for number in range(1, 201)
    }
    fails = one_trip("(SELECT json_agg(code::int) FROM core.place_level)")
    slow = one_trip("(SELECT json_agg(code) FROM core.place_level, pg_sleep(0.02))")

    async def ask(turn: int) -> None:
        number = turn * 7919 % 200 + 1
        reading = readings[number]
        if turn % 5 == 1:
            with pytest.raises(asyncpg.InvalidTextRepresentationError, match=f'"t{number}"'):
                await database.read(reading, fails, ())
        elif turn % 5 == 2:
            with suppress(TimeoutError):
                async with asyncio.timeout(turn % 20 / 1000):
                    assert json.loads(await database.read(reading, slow, ()) or b"") == [
                        f"t{number}"
                    ]
        elif turn % 5 == 3:
            other = replace(reading, account_id=readings[turn % 200 + 1].account_id)
            if other != reading:
                assert await codes(database, other) is None
        else:
            assert await codes(database, reading) == [f"t{number}"]

    for batch in range(0, 2000, 250):
        await asyncio.gather(*(ask(turn) for turn in range(batch, batch + 250)))
    assert database._lanes._open <= database.settings.read_lanes
