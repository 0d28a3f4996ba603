"""The worker runs what work safety asks for: reactions and scheduled jobs, each audited."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.database import Database
from jingwei_core.jobs.worker import Worker, WorkerOptions
from jingwei_core.platform import assemble
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from tests.plugins.world import PLUGIN, TENANTS, City, Clock, add_people

FAST = WorkerOptions(poll_s=0.2, keep_s=0.2, stop_within_s=5.0)


async def work_until(city: City, done: Callable[[], Awaitable[bool]]) -> None:
    worker = Worker(city.platform, FAST)
    running = asyncio.create_task(worker.run())
    try:
        async with asyncio.timeout(30):
            while not await done():  # noqa: ASYNC110 - the worker says nothing
                await asyncio.sleep(0.05)
    finally:
        worker.stop()
        await running


@pytest.fixture
async def city(database: Database) -> City:
    platform, clock = assemble(database), Clock()
    await apply_package(platform, load_package(TENANTS / "yichang"))
    city = City(platform, await platform.tenant("yichang"), clock)
    await add_people(city)
    platform.clock = clock
    return city


async def last_entry(city: City) -> Any:
    rows = await city.fetch(
        "SELECT command, actor_kind, actor_name, target_id, changes FROM core.audit_entry"
        " WHERE command NOT LIKE '%on_plugin_enabled' ORDER BY sequence DESC LIMIT 1"
    )
    return rows[0]


@pytest.mark.commit
async def test_a_worker_settles_the_hazard_of_a_cancelled_event(city: City) -> None:
    hazard = await city.hazard(await city.enterprise())
    await city.act(hazard["event"], "cancel")

    async def is_settled() -> bool:
        return (await city.hazard_row(hazard["id"]))["status"] != "open"

    await work_until(city, is_settled)

    assert (await city.hazard_row(hazard["id"]))["status"] == "withdrawn"
    entry = await last_entry(city)
    assert tuple(entry)[:4] == (
        "safety-production:on_event_transitioned",
        "system",
        "job:core.plugin-reaction",
        hazard["event"],
    )
    (change,) = json.loads(entry["changes"])
    assert (change["table"], uuid.UUID(change["id"])) == ("hazard", hazard["id"])
    assert change["after"]["status"] == "withdrawn"


@pytest.mark.commit
async def test_what_a_job_writes_is_audited(city: City) -> None:
    hazard = await city.hazard(await city.enterprise(), rectify_by="2026-11-23")
    city.clock.instant += timedelta(days=1)
    async with city.system() as ctx:
        await ctx.signals.enqueue(f"{PLUGIN}.mark-overdue", {})

    async def is_marked() -> bool:
        return (await city.hazard_row(hazard["id"]))["overdue_since"] is not None

    await work_until(city, is_marked)

    entry = await last_entry(city)
    assert (entry["command"], entry["actor_kind"]) == (f"job:{PLUGIN}.mark-overdue", "system")
    (change,) = json.loads(entry["changes"])
    assert change["after"]["overdue_since"] == "2026-11-24"
