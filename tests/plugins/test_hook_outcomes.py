"""A hook that fails is an outcome on record: the step goes on, what the hook wrote is undone."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost, discover
from jingwei_core.registers.tables import Organisation
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.hook_specs import before_event_transition
from jingwei_sdk.hooks import EventTransition, Veto, hookimpl
from jingwei_sdk.plugin import Plugin
from tests.plugins.world import GRID, PLUGIN, City

Answer = Callable[[Context, EventTransition], Awaitable[Veto | None]]


class Scripted:
    """Hooks that do what a test says."""

    def __init__(self) -> None:
        self.before: Answer | None = None
        self.after: Answer | None = None

    @hookimpl
    async def before_event_transition(self, ctx: Context, change: EventTransition) -> Veto | None:
        return await self.before(ctx, change) if self.before else None

    @hookimpl
    async def on_event_transitioned(self, ctx: Context, change: EventTransition) -> None:
        if self.after:
            await self.after(ctx, change)


@pytest.fixture
def scripted() -> Scripted:
    return Scripted()


@pytest.fixture
async def city(platform: Platform, yichang: City, scripted: Scripted) -> City:
    """Yichang with a second plugin, whose hooks come before those of work safety."""
    plugin = Plugin(id="aaa-scripted", package="tests", hooks=scripted)
    installed = [*discover(), Installed("aaa-scripted", "available", plugin=plugin)]
    host = PluginHost(core_contribution(), installed)
    other = Platform(platform.database, host, open_store(platform.settings))
    other.clock = yichang.clock
    async with platform.database.platform() as unit:
        await unit.execute(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
            " VALUES ($1, 'aaa-scripted', true)",
            yichang.tenant.id,
        )
    return City(other, yichang.tenant, yichang.clock, yichang.people)


async def last_audit(city: City) -> list[dict[str, Any]]:
    changes: list[dict[str, Any]] = json.loads(
        await city.value("SELECT changes FROM core.audit_entry ORDER BY sequence DESC LIMIT 1")
    )
    return changes


async def event(city: City) -> uuid.UUID:
    hazard = await city.hazard(await city.enterprise())
    found: uuid.UUID = hazard["event"]
    return found


async def test_a_failing_veto_hook_stops_nothing_and_is_on_record(
    city: City, scripted: Scripted
) -> None:
    opened = await event(city)
    place = await city.place(GRID)

    async def write_and_fail(ctx: Context, change: EventTransition) -> None:
        await ctx.data.insert(Organisation(name="假的", search_text="", place_id=place))
        raise ValueError("13900000000")

    scripted.before = write_and_fail
    before = await city.value("SELECT count(*) FROM core.organisation")

    await city.act(opened, "file")

    assert await city.value("SELECT state FROM core.event") == "filed"
    assert await city.value("SELECT count(*) FROM core.organisation") == before
    told = [change for change in await last_audit(city) if change["table"] == "plugin_hook"]
    assert [change["after"] for change in told] == [
        {"plugin": "aaa-scripted", "hook": "before_event_transition", "failed": "ValueError"}
    ]
    everything = await city.value(
        "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC"
    )
    assert "13900000000" not in everything
    assert "假的" not in everything


async def test_a_veto_hook_that_takes_too_long_is_not_waited_for(
    city: City, scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = await event(city)
    impatient = replace(before_event_transition, timeout_s=0.05)
    registry = city.platform.host.registry(frozenset({"aaa-scripted", PLUGIN}))
    heard = [replace(one, hook=impatient) for one in registry.hooks[impatient.name]]
    monkeypatch.setitem(registry.hooks, impatient.name, tuple(heard))

    async def sleep(ctx: Context, change: EventTransition) -> None:
        await asyncio.sleep(20)

    scripted.before = sleep
    await city.act(opened, "file")
    assert await city.value("SELECT state FROM core.event") == "filed"
    failed = [
        change["after"]["failed"]
        for change in await last_audit(city)
        if change["table"] == "plugin_hook"
    ]
    assert failed == ["TimeoutError"]


async def test_a_veto_of_another_plugin_still_counts_beside_a_failing_one(
    city: City, scripted: Scripted
) -> None:
    opened = await event(city)
    await city.act(opened, "file", "verify", "dispatch", "handle", "check")

    async def fail(ctx: Context, change: EventTransition) -> None:
        raise ValueError

    scripted.before = fail
    before = await city.state()
    with pytest.raises(Conflict) as refusal:
        await city.act(opened, "close")
    assert refusal.value.code == "SAFETY_HAZARD_NOT_RECTIFIED"
    assert await city.state() == before


async def test_each_plugin_reacts_in_a_job_of_its_own(city: City, scripted: Scripted) -> None:
    heard: list[str] = []

    async def hear(ctx: Context, change: EventTransition) -> None:
        heard.append(f"{change.action}:{change.subject_type}")

    scripted.after = hear
    await event(city)
    assert heard == []
    assert await city.react() == 2
    assert heard == ["report:SafetyHazard"]
