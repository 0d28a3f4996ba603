"""Row 23: a faulty plugin is isolated at the call: outcome per plugin, timeout, breaker state per
(plugin, tenant)."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from jingwei_core.commands.data import UnitData
from jingwei_core.database import Database
from jingwei_core.jobs.worker import Worker
from jingwei_core.plugins import dispatcher, hooks
from jingwei_core.plugins.breaker import BreakerRules
from jingwei_core.plugins.health import PluginHealth, plugin_health
from jingwei_core.plugins.outcomes import Outcomes
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Unavailable
from jingwei_sdk.hook_specs import (
    before_event_transition,
    extend_subject_export,
    on_event_transitioned,
)
from jingwei_sdk.hooks import Failure, Hook
from jingwei_sdk.payloads import EventTransition, SubjectExport, Veto
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.records import Computed, Extension
from tests.core.jobs.cities import FAST
from tests.core.plugins.hooks.hearing_world import GIVEN, HearingPlatform, hearing, hears
from tests.fixtures.command_line import CommandLine

SECRET = "13900000000"
STEP: EventTransition = GIVEN[EventTransition]
RULES = BreakerRules(failures=3, open_s=60, seen_within_s=0.0)


class Faulty:
    """What the faulty plugin does, and how often it was called."""

    def __init__(self) -> None:
        self.calls = 0
        self.way = "raise"

    async def act(self, ctx: Context) -> Any:
        self.calls += 1
        if self.way == "write":
            # A statement that fails would leave the whole transaction unusable.
            await ctx.data.fetchval("SELECT 1 / 0")
        if self.way == "hang":
            await asyncio.sleep(20)
        if self.way == "raise":
            raise ValueError(SECRET)
        return SECRET if self.way == "lie" else None


def plugin_of(faulty: Faulty, hook: Hook[Any, Any] = before_event_transition) -> Plugin:
    async def implementation(ctx: Context, given: Any) -> Any:
        return await faulty.act(ctx)

    async def work(ctx: Context, payload: Mapping[str, Any]) -> None:
        await faulty.act(ctx)

    async def values(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> Sequence[object]:
        await faulty.act(ctx)
        return [1 for _ in rows]

    field = Computed(int, ("id",), values, permission="event.read")
    return Plugin(
        id="aaa",
        package="x",
        hooks=(hook(implementation),),
        jobs=(Job("aaa.work", work),),
        extensions=(Extension("Event", computed={"aaa_count": field}),),
    )


SOUND = Plugin(id="bbb", package="x", hooks=(hears(before_event_transition, lambda _: Veto("NO")),))


async def refusal(platform: HearingPlatform, slug: str = "here") -> Conflict:
    """The veto of the sound plugin, which comes after the faulty one."""
    async with await platform.context(slug) as ctx:
        with pytest.raises(Conflict) as refused:
            await platform.hooks.veto(ctx, before_event_transition, STEP)
    return refused.value


async def health(platform: HearingPlatform) -> list[PluginHealth]:
    await platform.hooks.outcomes.store(platform.database)
    async with platform.database.platform() as unit:
        return list(await plugin_health(unit))


@pytest.mark.parametrize("way", ["raise", "write", "lie"])
async def test_others_are_asked_and_the_transaction_lives_on(database: Database, way: str) -> None:
    faulty = Faulty()
    faulty.way = way
    platform = await hearing(database, plugin_of(faulty), SOUND)
    async with await platform.context() as ctx:
        with pytest.raises(Conflict) as refused:
            await platform.hooks.veto(ctx, before_event_transition, STEP)
        assert await ctx.data.fetchval("SELECT 1") == 1
        assert isinstance(ctx.data, UnitData)
        (told,) = ctx.data.changes
    assert (refused.value.code, refused.value.params["plugin"]) == ("NO", "bbb")
    assert told.after is not None
    assert told.after["plugin"] == "aaa"
    one, other = await health(platform)
    assert (one.plugin, one.failed, one.succeeded, one.state) == ("aaa", 1, 0, "failing")
    assert (other.plugin, other.failed, other.succeeded) == ("bbb", 0, 1)
    assert SECRET not in repr((one, told))


async def test_a_hook_that_takes_too_long_is_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = Faulty()
    faulty.way = "hang"
    platform = await hearing(database, plugin_of(faulty), SOUND)
    impatient = replace(before_event_transition, timeout_s=0.05)
    _let_all_be(platform, impatient, monkeypatch)
    async with asyncio.timeout(10):
        assert (await refusal(platform)).code == "NO"
    assert [(one.plugin, one.timed_out) for one in await health(platform)] == [
        ("aaa", 1),
        ("bbb", 0),
    ]


async def test_a_sync_hook_that_took_too_long_has_no_say(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(ctx: Context, given: EventTransition) -> Veto | None:
        sum(range(300_000))
        return Veto("LATE")

    slowly = Plugin(id="aaa", package="x", hooks=(before_event_transition(slow),))
    platform = await hearing(database, slowly)
    _let_all_be(platform, replace(before_event_transition, timeout_s=0.0001), monkeypatch)
    async with await platform.context() as ctx:
        await platform.hooks.veto(ctx, before_event_transition, STEP)
    assert [one.timed_out for one in await health(platform)] == [1]


async def test_the_breaker_opens_for_one_tenant_and_is_told_to_other_processes(
    database: Database,
) -> None:
    faulty = Faulty()
    platform = await hearing(database, plugin_of(faulty), SOUND, outcomes=Outcomes(RULES))
    for _ in range(5):
        assert (await refusal(platform)).code == "NO"
    assert faulty.calls == 3, "after three failures it is not called"

    assert (await refusal(platform, "there")).code == "NO"
    assert faulty.calls == 4, "the other tenant has a breaker of its own"

    paused = {(one.tenant, one.plugin): one.state for one in await health(platform)}
    assert paused == {
        ("here", "aaa"): "paused",
        ("there", "aaa"): "failing",
        ("here", "bbb"): "healthy",
        ("there", "bbb"): "healthy",
    }
    # Another process: nothing of what the first one counted, only what it reads of the tenant.
    other = await hearing(database, plugin_of(faulty), SOUND, outcomes=Outcomes(RULES))
    assert (await refusal(other)).code == "NO"
    assert faulty.calls == 4


async def test_a_trial_after_the_pause_closes_the_breaker_or_opens_it_again(
    database: Database,
) -> None:
    faulty = Faulty()
    outcomes = Outcomes(replace(RULES, open_s=0.0))
    platform = await hearing(database, plugin_of(faulty), SOUND, outcomes=outcomes)
    for _ in range(4):
        await refusal(platform)
    assert faulty.calls == 4, "the fourth call was a trial"
    await health(platform)
    faulty.way = "work"
    await refusal(platform)
    (one, _) = await health(platform)
    assert (one.state, one.succeeded, one.failed, one.last_error) == ("healthy", 1, 4, "")
    assert not outcomes.breakers.failed(("x", "aaa", "y"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("failure", "error", "code"),
    [(Failure.DENY, Conflict, "HOOK_DENIED"), (Failure.ABORT, Unavailable, "HOOK_FAILED")],
)
async def test_what_a_failure_means_is_said_by_the_hook(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    failure: Failure,
    error: type[Exception],
    code: str,
) -> None:
    faulty = Faulty()
    platform = await hearing(database, plugin_of(faulty, extend_subject_export))
    strict = replace(extend_subject_export, failure=failure)
    _let_all_be(platform, strict, monkeypatch)
    before = await _accounts(platform)

    async def command() -> None:
        async with await platform.context() as ctx:
            await ctx.unit.execute("INSERT INTO core.account (login, name) VALUES ('x', 'x')")
            await platform.hooks.fold(ctx, strict, GIVEN[SubjectExport])

    with pytest.raises(error) as refused:
        await command()
    assert getattr(refused.value, "code", "") == code
    assert await _accounts(platform) == before, "nothing was done"


async def test_computed_fields_and_jobs_have_breakers_too(database: Database) -> None:
    faulty = Faulty()
    platform = await hearing(database, plugin_of(faulty), outcomes=Outcomes(RULES))
    async with await platform.context() as ctx:
        field = ctx.registry.computed(ctx.registry.record("Event"))["aaa_count"]

        async def values() -> Sequence[object]:
            return await field.resolve(ctx, [{}])

        for _ in range(3):
            with pytest.raises(ValueError, match=SECRET):
                await platform.hooks.computed(ctx, ("Event", "aaa_count"), values)
        with pytest.raises(Unavailable) as paused:
            await platform.hooks.computed(ctx, ("Event", "aaa_count"), values)
    assert paused.value.code == "PLUGIN_PAUSED"
    assert faulty.calls == 3
    (one,) = await health(platform)
    assert (one.point, one.state, one.failed) == ("field:Event.aaa_count", "paused", 3)


async def test_reactions_wait_while_their_breaker_is_open(database: Database) -> None:
    faulty = Faulty()
    plugin = plugin_of(faulty, on_event_transitioned)
    platform = await hearing(database, plugin, outcomes=Outcomes(RULES))
    async with await platform.context() as ctx:
        await platform.hooks.collect(ctx, on_event_transitioned, STEP)
    (job,) = await platform.queued()

    async def react() -> None:
        async with await platform.context() as ctx:
            await hooks.run_reaction(ctx, job)

    for _ in range(RULES.failures):
        with pytest.raises(ValueError, match=SECRET):
            await react()
    await react()
    assert faulty.calls == RULES.failures
    assert await platform.queued() == [job, job], "told once more, when the breaker closes"
    assert await _put_off(platform) == 1


async def test_reactions_and_computed_fields_that_take_too_long_are_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = Faulty()
    faulty.way = "hang"
    impatient = replace(on_event_transitioned, timeout_s=0.05)
    platform = await hearing(database, plugin_of(faulty, on_event_transitioned))
    async with await platform.context() as ctx:
        await platform.hooks.collect(ctx, on_event_transitioned, STEP)
    (job,) = await platform.queued()
    monkeypatch.setitem(hooks._HOOKS, impatient.name, impatient)
    monkeypatch.setattr(dispatcher, "COMPUTED_WITHIN_S", 0.05)

    async def react() -> None:
        async with await platform.context() as ctx:
            await hooks.run_reaction(ctx, job)

    async def read() -> None:
        async with await platform.context() as ctx:
            field = ctx.registry.computed(ctx.registry.record("Event"))["aaa_count"]
            work = partial(field.resolve, ctx, [{}])
            await platform.hooks.computed(ctx, ("Event", "aaa_count"), work)

    async with asyncio.timeout(10):
        for run in (react, read):
            with pytest.raises(dispatcher.TookTooLong):
                await run()
    told = {
        one.point: (one.timed_out, one.failed, one.last_error) for one in await health(platform)
    }
    assert told == {
        "on_event_transitioned": (1, 0, "TookTooLong"),
        "field:Event.aaa_count": (1, 0, "TookTooLong"),
    }


@pytest.mark.commit
async def test_jobs_wait_while_their_breaker_is_open(database: Database) -> None:
    faulty = Faulty()
    platform = await hearing(database, plugin_of(faulty), outcomes=Outcomes(RULES))
    async with await platform.context() as ctx:
        for _ in range(4):
            await ctx.signals.enqueue("aaa.work", {})
    worker = Worker(platform, replace(FAST, batch=1, concurrency=2))
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(30):
            while await _put_off(platform) < 4:  # noqa: ASYNC110 - the worker says nothing
                await asyncio.sleep(0.05)
    finally:
        worker.stop()
        await running
    assert faulty.calls in (3, 4), "two may run side by side"
    (one,) = await health(platform)
    assert (one.point, one.state, one.failed) == ("job:aaa.work", "paused", faulty.calls)


async def test_a_reader_without_a_right_opens_no_breaker(database: Database) -> None:
    faulty = Faulty()
    platform = await hearing(database, plugin_of(faulty), outcomes=Outcomes(RULES))

    async def refuse() -> None:
        raise Denied("PERMISSION_DENIED", permission="event.read")

    async with await platform.context() as ctx:
        for _ in range(5):
            with pytest.raises(Denied):
                await platform.hooks.computed(ctx, ("Event", "aaa_count"), refuse)
    assert await health(platform) == []


@pytest.mark.commit
async def test_the_command_line_shows_it_and_calls_the_plugin_again(
    database: Database, jingwei: CommandLine
) -> None:
    faulty = Faulty()
    shipped = "safety-production"
    plugin = replace(plugin_of(faulty), id=shipped, jobs=(), extensions=())
    platform = await hearing(database, plugin, outcomes=Outcomes(RULES))
    for _ in range(4):
        async with await platform.context() as ctx:
            await platform.hooks.veto(ctx, before_event_transition, STEP)
    await platform.hooks.outcomes.store(database)

    told = await jingwei(database.settings, "plugin", "health", "--tenant", "here", "--json")
    (one,) = json.loads(told.out)
    assert (one["plugin"], one["point"], one["state"]) == (shipped, STEP_HOOK, "paused")
    assert (one["failed"], one["last_error"]) == (3, "ValueError")

    done = await jingwei(database.settings, "plugin", "reset-breaker", "here", shipped, "--json")
    assert json.loads(done.out)["called_again"] == [STEP_HOOK]
    platform.forget()
    faulty.way = "work"
    async with await platform.context() as ctx:
        await platform.hooks.veto(ctx, before_event_transition, STEP)
    assert faulty.calls == 4, "called again, by the process that had paused it"
    again = await jingwei(database.settings, "plugin", "reset-breaker", "here", shipped)
    assert (again.code, "nothing was paused" in again.out) == (0, True)


STEP_HOOK = before_event_transition.name


def _let_all_be(
    platform: HearingPlatform, hook: Hook[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Specify the hook differently on this platform."""
    for plugins in ({"aaa"}, {"aaa", "bbb"}):
        registry = platform.host.registry(frozenset(plugins))
        heard = tuple(replace(one, hook=hook) for one in registry.hooks[hook.name])
        monkeypatch.setitem(registry.hooks, hook.name, heard)


async def _put_off(platform: HearingPlatform) -> int:
    """How many jobs are queued for when the breaker closes."""
    async with await platform.context() as ctx:
        count: int = await ctx.data.fetchval(
            "SELECT count(*) FROM jobs.pgqueuer WHERE status = 'queued'"
            " AND execute_after > now() + interval '30 seconds'"
        )
    return count


async def _accounts(platform: HearingPlatform) -> int:
    async with await platform.context() as ctx:
        count: int = await ctx.data.fetchval("SELECT count(*) FROM core.account")
    return count
