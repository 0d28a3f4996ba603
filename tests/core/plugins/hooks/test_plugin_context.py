"""The context that a plugin's code is given: what it may send, and what it cannot reach."""

import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

import pytest
from piccolo.columns import Text

from jingwei_core.commands.data import UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.database import Database
from jingwei_core.jobs.running import run_job
from jingwei_core.places.tables import PlaceLevel
from jingwei_core.plugins.breaker import BreakerRules
from jingwei_core.plugins.health import plugin_health
from jingwei_core.plugins.outcomes import Outcomes
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import JingweiError, Refused
from jingwei_sdk.hook_specs import before_event_transition
from jingwei_sdk.payloads import EventTransition
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.tables import TenantTable
from tests.core.database.plugin_sql_texts import ATTACKS
from tests.core.plugins.hooks.hearing_world import GIVEN, THERE, hearing

_BOUND = "SELECT current_setting('app.tenant')"
_REBIND = "SELECT set_config('app.tenant', $1, true)"
_LEVELS = "SELECT code FROM core.place_level ORDER BY code"


class Forged(TenantTable, tablename="x", schema="jobs"):
    """A table of a schema that is the platform's."""

    code = Text()


class Spliced(TenantTable, tablename='x" CROSS JOIN pg_class "y', schema="aaa"):
    """A name that goes on as SQL."""

    code = Text()


class Renamed(TenantTable, tablename="x", schema="aaa"):
    """A column that does so."""

    code = Text(db_column_name='code" FROM core.account --')


async def test_no_attack_is_sent_and_nothing_changes(database: Database) -> None:
    platform = await hearing(database, Plugin(id="aaa", package="x"))
    async with await platform.context() as ctx:
        await ctx.data.insert(PlaceLevel(code="kept", rank=1))
        data = given_to("aaa", ctx).data
        assert isinstance(ctx.data, UnitData)
        changes = list(ctx.data.changes)
        sent: list[str] = []
        ctx.unit._run = _noting(sent)  # type: ignore[method-assign]
        for sql in (sql for texts in ATTACKS.values() for sql in texts):
            for ask in (data.fetch, data.fetchval):
                with pytest.raises(Refused) as refused:
                    await ask(sql, str(THERE))
                assert refused.value.code == "PLUGIN_SQL_REFUSED", sql
                assert "app.tenant" not in str(refused.value.params), "no value is told"
        assert sent == []
        del ctx.unit._run
        assert await ctx.data.fetchval(_BOUND) == str(ctx.tenant.id)
        assert [row["code"] for row in await ctx.data.fetch(_LEVELS)] == ["kept"]
        assert ctx.data.changes == changes


def _noting(sent: list[str]) -> Any:
    async def run(statement: Any) -> Any:
        sent.append(repr(statement))

    return run


async def test_tables_that_no_package_can_have_are_refused(database: Database) -> None:
    platform = await hearing(database, Plugin(id="aaa", package="x"))
    async with await platform.context() as ctx:
        data = given_to("aaa", ctx).data
        for table in (Forged, Spliced, Renamed):
            row = table(code="x")
            for attempt in (
                lambda table=table: data.get(table, uuid.UUID(int=1)),
                lambda table=table: data.lock(table, uuid.UUID(int=1)),
                lambda table=table: data.find(table, code="x"),
                lambda row=row: data.insert(row),
                lambda row=row: data.insert_all([row]),
                lambda row=row: data.update(row, code="y"),
                lambda row=row: data.delete(row),
            ):
                with pytest.raises(Refused) as refused:
                    await attempt()
                assert refused.value.code == "PLUGIN_SQL_REFUSED"
        assert await ctx.data.fetchval(_BOUND) == str(ctx.tenant.id)


async def test_a_plugin_has_what_the_sdk_promises_and_no_more(database: Database) -> None:
    platform = await hearing(database, Plugin(id="aaa", package="x"))
    async with await platform.context() as ctx:
        assert given_to("core", ctx) is ctx
        given = given_to("aaa", ctx)
        assert type(given) is Context
        assert [name for name in ("unit", "platform", "registry") if hasattr(given, name)] == []
        public = {name for name in dir(given.data) if not name.startswith("_")}
        assert public == {
            *("get", "lock", "find", "insert", "insert_all", "update", "delete"),
            *("fetch", "fetchval", "savepoint"),
        }
        level = await given.data.insert(PlaceLevel(code="a", rank=1))
        async with given.data.savepoint():
            await given.data.update(level, rank=2)
        (found,) = await given.data.find(PlaceLevel, code="a")
        assert (found.rank, found.tenant_id) == (2, ctx.tenant.id)
        assert (given.now().tzinfo, given.tenant) == (ctx.now().tzinfo, ctx.tenant)


@pytest.mark.parametrize("in_savepoint", [True, False])
async def test_what_bound_another_tenant_by_another_way_is_not_kept(
    database: Database, in_savepoint: bool
) -> None:
    """The second belt: code that reaches for private names, after SQL that was checked."""
    platform = await hearing(database, Plugin(id="aaa", package="x"))

    async def reach(ctx: CoreContext) -> None:
        given = given_to("aaa", ctx)
        assert await given.data.fetchval("SELECT 1") == 1
        await ctx.data.insert(PlaceLevel(code="mine", rank=1))
        await ctx.unit.execute(f"SET LOCAL app.tenant = '{THERE}'")
        await ctx.unit.execute(
            "INSERT INTO core.place_level (tenant_id, code) VALUES ($1, 'theirs')", THERE
        )

    async def work() -> None:
        async with await platform.context() as ctx:
            if not in_savepoint:
                await reach(ctx)
                return
            async with ctx.data.savepoint():
                await reach(ctx)

    with pytest.raises(Refused) as refused:
        await work()
    assert refused.value.code == "TENANT_BINDING_CHANGED"
    for slug in ("here", "there"):
        async with await platform.context(slug) as ctx:
            assert await ctx.data.fetchval(_BOUND) == str(ctx.tenant.id)
            assert await ctx.data.fetch(_LEVELS) == []


async def test_a_plugin_that_is_refused_has_failed(database: Database) -> None:
    """The step goes on and the breaker counts."""
    given: list[Context] = []
    failed: list[str] = []

    async def reach(ctx: Context, step: EventTransition) -> None:
        given.append(ctx)
        await ctx.data.fetchval(_REBIND, str(THERE))

    rules = BreakerRules(failures=2, open_s=60, seen_within_s=0.0)
    plugin = Plugin(id="aaa", package="x", hooks=(before_event_transition(reach),))
    platform = await hearing(database, plugin, outcomes=Outcomes(rules))
    for _ in range(3):
        async with await platform.context() as ctx:
            await platform.hooks.veto(ctx, before_event_transition, GIVEN[EventTransition])
            assert await ctx.data.fetchval(_BOUND) == str(ctx.tenant.id)
            assert isinstance(ctx.data, UnitData)
            (told,) = ctx.data.changes
            assert told.after is not None
            failed.append(told.after["failed"])
    assert failed == ["PluginSqlRefused", "PluginSqlRefused", "BreakerOpen"]
    assert [type(each) for each in given] == [Context, Context]


async def test_it_has_failed_too_where_a_refusal_is_an_answer(database: Database) -> None:
    """What a command or a question of a plugin raises is for the caller; this is its fault."""
    platform = await hearing(database, Plugin(id="aaa", package="x"))
    async with await platform.context() as ctx:
        point = (ctx.tenant.id, "aaa", "question:x")
        data = given_to("aaa", ctx).data
        for sql in (_REBIND, "DO 'BEGIN END'"):
            with pytest.raises(Refused):
                await platform.hooks.guarded(
                    point, partial(data.fetchval, sql), 5.0, (JingweiError,)
                )
    await platform.hooks.outcomes.store(database)
    async with database.platform() as unit:
        (told,) = await plugin_health(unit)
    assert (told.point, told.failed, told.last_error) == ("question:x", 2, "PluginSqlRefused")


async def test_a_job_of_a_plugin_is_given_the_same(database: Database) -> None:
    given: list[Context] = []

    async def work(ctx: Context, payload: Mapping[str, Any]) -> None:
        given.append(ctx)

    job = Job("aaa.work", work)
    platform = await hearing(database, Plugin(id="aaa", package="x", jobs=(job,)))
    async with await platform.context() as ctx:
        await run_job(ctx, job, {})
    assert [type(each) for each in given] == [Context]
