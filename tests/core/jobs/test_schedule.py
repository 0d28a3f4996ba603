"""Schedules: in the tenant's time zone, once a tick over all processes, nothing made up."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pytest

from jingwei_core.jobs.schedule import Lane, Scheduler
from jingwei_core.settings import Settings
from jingwei_sdk.plugin import Job
from tests.core.jobs.cities import CHANGZHI, YICHANG, Cities, mark, working
from tests.core.jobs.test_worker import process

# 02:30 in Shanghai is 18:30 UTC of the day before.
BEFORE = datetime(2026, 11, 22, 18, 29, 59, tzinfo=UTC)
AT = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


async def ticks(cities: Cities) -> list[str]:
    rows = await cities.owner("SELECT convert_from(payload, 'UTF8') AS p FROM jobs.pgqueuer")
    return [row["p"] for row in rows]


async def test_a_schedule_starts_at_its_next_tick_in_the_tenants_zone(cities: Cities):
    scheduler = Scheduler(cities)
    cities.clock.at = BEFORE
    assert await scheduler.enqueue_due() == 0
    cities.clock.at = AT
    assert await scheduler.enqueue_due() == 1
    assert await scheduler.enqueue_due() == 0
    # Enabled in Changzhi only, so Yichang has none.
    assert await ticks(cities) == ['{"tick":"2026-11-23T02:30:00+08:00"}']
    assert [row["tenant_id"] for row in await cities.queue_rows()] == [CHANGZHI]


async def test_a_pause_of_all_workers_is_made_up_for_once(cities: Cities):
    cities.clock.at = BEFORE
    await Scheduler(cities).enqueue_due()
    cities.clock.at = datetime(2026, 11, 26, 7, 0, tzinfo=UTC)
    assert await Scheduler(cities).enqueue_due() == 1
    assert await ticks(cities) == ['{"tick":"2026-11-26T02:30:00+08:00"}']


async def test_a_fault_of_one_tenant_holds_up_nobody_else(cities: Cities):
    """Yichang lies in a zone that this machine does not know: neither its schedules nor its parked
    jobs can be looked at."""
    for tenant, note in ((YICHANG, "faulty"), (CHANGZHI, "sound")):
        await cities.enqueue(tenant, "proof.mark", payload={"note": note})
    await cities.owner(
        "UPDATE jobs.pgqueuer SET status = 'failed', headers = headers || '{\"parked\": \"x\"}'"
    )
    await cities.owner("UPDATE platform.tenant SET timezone = 'No/Zone' WHERE slug = 'yichang'")
    cities.clock.at = BEFORE
    with pytest.raises(ExceptionGroup) as told:
        await Scheduler(cities).enqueue_due()
    assert [type(one) for one in told.value.exceptions] == [ZoneInfoNotFoundError]
    cities.clock.at = AT
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM proof.mark", 2)
    marks = await cities.marks()
    assert sorted(marks) == [("changzhi", "2026-11-23T02:30:00+08:00"), ("changzhi", "sound")]
    (left,) = await cities.queue_rows()
    assert left["tenant_id"] == YICHANG


async def test_a_suspended_tenant_has_no_ticks(cities: Cities):
    cities.clock.at = BEFORE
    scheduler = Scheduler(cities)
    await scheduler.enqueue_due()
    await cities.owner("UPDATE platform.tenant SET status = 'suspended' WHERE slug = 'changzhi'")
    cities.clock.at = AT
    assert await scheduler.enqueue_due() == 0
    assert await cities.queue_rows() == []


async def test_a_tick_is_enqueued_once_by_two_processes(cities: Cities, jobs_settings: Settings):
    await cities.owner(
        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
        " VALUES ($1, 'proof-plugin', true)",
        YICHANG,
    )
    with (
        process(jobs_settings, "tick", "60") as first,
        process(jobs_settings, "tick", "60") as other,
    ):
        for started in (first, other):
            assert started.stdin is not None
            started.stdin.write("go\n")
            started.stdin.flush()
        assert (first.wait(30), other.wait(30)) == (0, 0)
    rows = await cities.queue_rows()
    assert sorted(row["tenant_id"] for row in rows) == [YICHANG, CHANGZHI]
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert sorted(await cities.marks()) == [
        ("changzhi", "2026-11-23T02:30:00+08:00"),
        ("yichang", "2026-11-23T02:30:00+08:00"),
    ]


async def test_a_tick_that_ran_already_is_not_enqueued_by_a_late_process(cities: Cities):
    first, late = Scheduler(cities), Scheduler(cities)
    cities.clock.at = BEFORE
    await first.enqueue_due()
    cities.clock.at = AT
    assert await first.enqueue_due() == 1
    await cities.owner("DELETE FROM jobs.pgqueuer")
    assert await late.enqueue_due() == 0
    assert await cities.queue_rows() == []


@pytest.mark.parametrize(
    ("zone", "expression", "now", "last", "following"),
    [
        (
            *("Asia/Shanghai", "30 2 * * *", "2026-11-22T18:30:00+00:00"),
            *("2026-11-23T02:30:00+08:00", "2026-11-24T02:30:00+08:00"),
        ),
        (
            *("Asia/Urumqi", "0 0 1 * *", "2026-11-30T18:00:00+00:00"),
            *("2026-12-01T00:00:00+06:00", "2027-01-01T00:00:00+06:00"),
        ),
        (
            *("Asia/Shanghai", "*/15 * * * *", "2026-11-22T10:07:30+00:00"),
            *("2026-11-22T18:00:00+08:00", "2026-11-22T18:15:00+08:00"),
        ),
    ],
    ids=["at the tick", "month of the zone", "between"],
)
def test_ticks(zone: str, expression: str, now: str, last: str, following: str):
    lane = Lane(YICHANG, ZoneInfo(zone), Job("proof.mark", mark, schedule=expression))
    at = datetime.fromisoformat(now)
    assert lane.last_tick(at).isoformat() == last
    assert lane.next_tick(at).isoformat() == following
