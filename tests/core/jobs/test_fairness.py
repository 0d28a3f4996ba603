"""Tenants take turns: nobody waits behind another's backlog, nobody is starved."""

from datetime import timedelta
from uuid import UUID

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.domain.types import QueueEntrypoint, QueueManagerId
from pgqueuer.ports.repository import EntrypointExecutionParameter

from jingwei_core.database.engine import connect
from jingwei_core.jobs.fair_queries import FairQueries
from jingwei_core.jobs.housekeeping import keep_tags_in_range
from jingwei_core.jobs.names import WAITING
from jingwei_core.jobs.queue import NewJob
from jingwei_core.jobs.worker import WorkerOptions
from tests.core.jobs.cities import CHANGZHI, YICHANG, Cities, working

BACKLOG = 1980
MANAGER = QueueManagerId(UUID("00000000-0000-4000-8000-00000000000a"))
EACH = EntrypointExecutionParameter(concurrency_limit=0)
HEARTBEAT = timedelta(seconds=30)


async def backlog(cities: Cities, size: int = BACKLOG) -> None:
    async with cities.database.unit(YICHANG) as unit:
        new = [NewJob("proof.mark", {"note": str(number)}) for number in range(size)]
        await cities.queue.add(unit, YICHANG, new)


async def test_one_job_behind_1980_of_another_tenant_is_among_the_first(cities: Cities):
    await backlog(cities)
    only = await cities.enqueue(CHANGZHI, "proof.mark", payload={"note": "only"})
    options = WorkerOptions(poll_s=0.5)
    async with working(cities, options):
        await cities.wait_until("SELECT count(*) FROM proof.mark WHERE note = 'only'", 1)
    # When jobs of a batch end is the machine's affair; which are taken first is the queue's.
    log = await cities.owner(
        "SELECT job_id FROM jobs.pgqueuer_log WHERE status = 'picked' ORDER BY id LIMIT $1",
        options.batch,
    )
    assert only in [entry["job_id"] for entry in log]


async def test_a_late_job_does_not_wait_for_the_backlog(cities: Cities):
    await backlog(cities)
    async with working(cities, WorkerOptions(poll_s=0.5)):
        await cities.wait_until("SELECT count(*) >= 200 FROM proof.mark", True)
        seen = len(await cities.marks())
        await cities.enqueue(CHANGZHI, "proof.mark", payload={"note": "late"})
        await cities.wait_until("SELECT count(*) FROM proof.mark WHERE note = 'late'", 1)
    position = (await cities.marks()).index(("changzhi", "late"))
    assert seen <= position < BACKLOG - 200


async def claim(cities: Cities, count: int) -> list[str]:
    """Which city each of the next jobs belongs to, taken one at a time and finished at once."""
    found = []
    connection = await connect(cities.database.url)
    queries = FairQueries.over(AsyncpgDriver(connection))
    names = {QueueEntrypoint("proof.mark"): EACH}
    for _ in range(count):
        jobs = await queries.dequeue(1, names, MANAGER, None, HEARTBEAT)
        await queries.log_jobs([(job, "successful", None) for job in jobs])
        found += [str((job.headers or {})["tenant"]) for job in jobs]
    await connection.close()
    return ["yichang" if tenant == str(YICHANG) else "changzhi" for tenant in found]


async def test_two_backlogs_take_turns(cities: Cities):
    await backlog(cities, 100)
    async with cities.database.unit(CHANGZHI) as unit:
        await cities.queue.add(unit, CHANGZHI, [NewJob("proof.mark")] * 50)
    turns = await claim(cities, 100)
    assert turns == ["yichang", "changzhi"] * 50


async def test_a_steady_trickle_does_not_starve_a_backlog(cities: Cities):
    await backlog(cities, 40)
    turns = []
    for _ in range(40):
        # The trickle is twice as fast as the worker.
        await cities.enqueue(CHANGZHI, "proof.mark")
        await cities.enqueue(CHANGZHI, "proof.mark")
        turns += await claim(cities, 1)
    assert turns.count("yichang") == 20


async def test_credit_is_not_saved_up(cities: Cities):
    """Who was silent for long gets its turn, not all the turns it did not take."""
    await backlog(cities, 60)
    assert await claim(cities, 30) == ["yichang"] * 30
    async with cities.database.unit(CHANGZHI) as unit:
        await cities.queue.add(unit, CHANGZHI, [NewJob("proof.mark")] * 30)
    turns = await claim(cities, 20)
    assert turns.count("yichang") == 10


async def test_jobs_that_waited_for_their_time_do_not_jump_the_queue(cities: Cities):
    async with cities.database.unit(CHANGZHI) as unit:
        await cities.queue.add(unit, CHANGZHI, [NewJob("proof.mark", delay_s=3600)] * 30)
    await backlog(cities, 60)
    assert await claim(cities, 30) == ["yichang"] * 30
    await cities.owner("UPDATE jobs.pgqueuer SET execute_after = now() - interval '1 s'")
    turns = await claim(cities, 20)
    assert turns.count("changzhi") == 10


@pytest.mark.parametrize("ahead", [0, 5], ids=["empty queue", "queue in use"])
async def test_tags_start_anew_before_they_overflow(cities: Cities, ahead: int):
    await cities.owner("UPDATE jobs.virtual_time SET tag = 1073741824 + 1")
    if ahead:
        await backlog(cities, ahead)
    await keep_tags_in_range(cities.database)
    assert (await cities.owner("SELECT tag FROM jobs.virtual_time"))[0][0] == 0
    assert {row["priority"] for row in await cities.queue_rows()} <= {WAITING}
    async with cities.database.unit(CHANGZHI) as unit:
        await cities.queue.add(unit, CHANGZHI, [NewJob("proof.mark")] * 5)
    turns = await claim(cities, ahead + 5)
    assert turns.count("changzhi") == 5
    assert turns.count("yichang") == ahead
    assert await cities.queue_rows() == []
    assert (await cities.owner("SELECT tag FROM jobs.virtual_time"))[0][0] == 5
