"""job carries tenant + plugin version; stops when disabled"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from jingwei_core.evidence.opening import open_store
from jingwei_core.jobs.administration import list_jobs
from jingwei_core.jobs.origins import Origins
from jingwei_core.jobs.queue import JobQueue, NewJob
from jingwei_core.platform import Platform
from jingwei_core.plugins.health import plugin_health
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.session import system_context
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Job, Plugin
from tests.core.jobs.cities import CHANGZHI, CORE, YICHANG, Cities, SetClock, mark, working
from tests.core.jobs.conftest import cities, jobs_settings

__all__ = ["cities", "jobs_settings"]

LEFT = "SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')"
OFF = "UPDATE platform.plugin_state SET enabled = false WHERE plugin_id = 'lamp-patrol'"
MANIFEST = {
    "id": "lamp-patrol",
    "sdk": ">=1,<2",
    "name_zh": "路灯",
    "name_en": "Lamps",
    "description_zh": "路灯",
    "description_en": "Lamps",
    "licence": "Apache-2.0",
}


async def _slowly(ctx: Context, payload: Mapping[str, Any]) -> None:
    await mark(ctx, payload)
    await asyncio.sleep(float(payload["seconds"]))


LAMPS = Plugin(
    id="lamp-patrol",
    package="jingwei_core",
    jobs=(
        Job("lamp-patrol.count", mark, most_waiting=2),
        Job("lamp-patrol.walk", _slowly, timeout_s=0.3),
        Job("lamp-patrol.stroll", _slowly),
    ),
)


class LampCities(Cities):
    """The two cities with a plugin of this version, enabled in both."""

    def __init__(self, before: Cities, version: str) -> None:
        manifest = Manifest(version=version, **MANIFEST)
        host = PluginHost(CORE, [Installed("lamp-patrol", "available", manifest, LAMPS)])
        Platform.__init__(self, before.database, host, open_store(before.database.settings))
        self.clock = SetClock()


@pytest.fixture
async def lamps(cities: Cities) -> LampCities:
    for tenant in (YICHANG, CHANGZHI):
        await cities.owner(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
            " VALUES ($1, 'lamp-patrol', true)",
            tenant,
        )
    return LampCities(cities, "1.4.0")


async def test_a_job_says_whose_it_is_and_waits_for_the_version_that_queued_it(lamps: LampCities):
    tenant = await lamps.tenant("yichang")
    async with system_context(lamps, tenant, "test") as ctx:
        await ctx.signals.enqueue("lamp-patrol.count", {"note": "by a command"})
    await lamps.enqueue(YICHANG, "lamp-patrol.count", payload={"note": "by the schedule"})
    said = [json.loads(row["headers"]) for row in await lamps.queue_rows()]
    told = {"tenant": str(YICHANG), "plugin": "lamp-patrol", "plugin_version": "1.4.0"}
    assert said == [told, told]
    line = (await list_jobs(lamps.database))[0]
    assert (line.tenant, line.plugin, line.version) == ("yichang", "lamp-patrol", "1.4.0")

    async with working(LampCities(lamps, "1.3.9")):
        await lamps.wait_until(LEFT, 0)
        await asyncio.sleep(0.5)
    parked = [json.loads(row["headers"])["parked"] for row in await lamps.queue_rows()]
    assert parked == ["PLUGIN_OLDER", "PLUGIN_OLDER"]
    assert await lamps.marks() == []

    async with working(LampCities(lamps, "1.5.0")):
        await lamps.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert sorted(await lamps.marks()) == [
        ("yichang", "by a command"),
        ("yichang", "by the schedule"),
    ]


async def test_a_tenant_has_as_many_waiting_as_may_and_its_neighbour_its_own(lamps: LampCities):
    tenant = await lamps.tenant("yichang")
    await lamps.enqueue(YICHANG, "lamp-patrol.count")

    async def queue_two() -> None:
        async with system_context(lamps, tenant, "test") as ctx:
            await ctx.signals.enqueue("lamp-patrol.count", {})
            await ctx.signals.enqueue("lamp-patrol.count", {})

    with pytest.raises(Conflict) as refusal:
        await queue_two()
    assert refusal.value.code == "JOB_QUOTA"
    assert len(await lamps.queue_rows()) == 1, "the command that was refused queued nothing"
    async with system_context(lamps, tenant, "test") as ctx:
        with suppress(ValueError):
            async with ctx.data.savepoint():
                await ctx.signals.enqueue("lamp-patrol.count", {})
                raise ValueError
        # What was undone takes nobody's place.
        await ctx.signals.enqueue("lamp-patrol.count", {})
    assert len(await lamps.queue_rows()) == 2
    with pytest.raises(Conflict):
        await lamps.enqueue(YICHANG, "lamp-patrol.count")
    await lamps.enqueue(YICHANG, "proof.mark")
    await lamps.enqueue(CHANGZHI, "lamp-patrol.count")
    assert len(await lamps.queue_rows()) == 4


async def test_all_jobs_of_a_plugin_together_have_a_limit_too(lamps: LampCities):
    """Whatever each of them may: what one plugin has waiting for one tenant, told in its health."""
    tenant = await lamps.tenant("yichang")
    origins = Origins([(LAMPS, "1.4.0"), (CORE, "")], 100, most_together=3)
    queue = lamps.queue = JobQueue(origins)

    async def health() -> list[tuple[str, str, int, str, str]]:
        async with lamps.database.platform() as unit:
            found = await plugin_health(unit, jobs_together=3)
        return [
            (each.tenant, each.point, each.waiting, each.state, each.last_error) for each in found
        ]

    await lamps.enqueue(YICHANG, "lamp-patrol.count")
    await lamps.enqueue(YICHANG, "lamp-patrol.walk")
    assert await health() == [("yichang", "jobs", 2, "healthy", "")]

    async def queue_two() -> None:
        async with system_context(lamps, tenant, "test") as ctx:
            await ctx.signals.enqueue("lamp-patrol.count", {})
            await ctx.signals.enqueue("lamp-patrol.stroll", {})

    async def add_two() -> None:
        async with lamps.database.unit(YICHANG) as unit:
            new = [NewJob("lamp-patrol.stroll"), NewJob("lamp-patrol.walk")]
            await queue.add(unit, YICHANG, new)

    with pytest.raises(Conflict) as refusal:
        await queue_two()
    assert (refusal.value.code, refusal.value.params["plugin"]) == ("PLUGIN_JOB_QUOTA", LAMPS.id)
    assert len(await lamps.queue_rows()) == 2, "the command that was refused queued nothing"
    with pytest.raises(Conflict) as refusal:
        await add_two()
    assert refusal.value.code == "PLUGIN_JOB_QUOTA"
    assert len(await lamps.queue_rows()) == 2
    await lamps.enqueue(YICHANG, "lamp-patrol.stroll")
    assert await health() == [("yichang", "jobs", 3, "failing", "PLUGIN_JOB_QUOTA")]
    await lamps.enqueue(YICHANG, "proof.mark")
    await lamps.enqueue(CHANGZHI, "lamp-patrol.stroll")
    assert len(await lamps.queue_rows()) == 5


async def test_a_run_ends_at_its_time_and_leaves_nothing(lamps: LampCities):
    await lamps.enqueue(YICHANG, "lamp-patrol.walk", payload={"seconds": 60})
    async with working(lamps):
        await lamps.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'failed'", 1)
    assert await lamps.marks() == []
    why = await lamps.owner("SELECT traceback::text FROM jobs.pgqueuer_log WHERE status = 'failed'")
    assert "JobTookTooLong" in why[0][0]


async def test_a_job_stops_when_its_plugin_is_disabled_even_while_it_runs(lamps: LampCities):
    await lamps.enqueue(YICHANG, "lamp-patrol.stroll", payload={"seconds": 1, "note": "running"})
    async with working(lamps):
        await lamps.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 1)
        await lamps.owner(OFF + " AND tenant_id = $1", YICHANG)
        await lamps.wait_until(LEFT, 0)
        assert await lamps.marks() == [], "what it wrote before the switch is undone"
        await lamps.enqueue(YICHANG, "lamp-patrol.count", payload={"note": "later"})
        await lamps.enqueue(CHANGZHI, "lamp-patrol.count", payload={"note": "next door"})
        await lamps.wait_until(LEFT, 0)
        assert await lamps.marks() == [("changzhi", "next door")]
        await lamps.owner(OFF.replace("false", "true"))
        await lamps.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert sorted(await lamps.marks()) == [
        ("changzhi", "next door"),
        ("yichang", "later"),
        ("yichang", "running"),
    ]
