"""A worker: at least once, back-off, failed jobs kept, parked jobs waiting, a calm end."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment
from pgqueuer.adapters.persistence.queries import Queries

from jingwei_core.database.engine import connect
from jingwei_core.database.errors import LOST_CONNECTION
from jingwei_core.jobs.administration import retry_jobs
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.names import queue_settings
from jingwei_core.jobs.worker import WorkerOptions
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable
from tests.core.jobs.cities import CHANGZHI, FAST, YICHANG, Cities, working
from tests.servers.databases import environment

_LOST = (*LOST_CONNECTION, Unavailable)
LEFT = "SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')"


@contextmanager
def process(settings: Settings, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process of these tests that has said it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.core.jobs.cities", *arguments],
        env=environment(settings),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            assert started.stdout is not None
            while (line := started.stdout.readline()) != "ready\n":
                assert line, "it ended before it was ready"
            yield started
        finally:
            started.kill()


async def enqueue_after_loss(cities: Cities, note: str) -> None:
    """The pool notices a lost connection when it is used; the caller tries again."""
    for _ in range(20):
        try:
            await cities.enqueue(YICHANG, "proof.mark", payload={"note": note})
            return
        except _LOST:
            await asyncio.sleep(0.02)
    raise AssertionError("no connection came back")


async def test_pgqueuer_is_content_with_the_schema(cities: Cities):
    connection = await connect(cities.database.url)
    names = queue_settings()
    plan = await Queries(AsyncpgDriver(connection), QueryBuilderEnvironment(names)).plan_upgrade()
    await connection.close()
    assert list(plan.statements) == []


async def test_a_job_runs_once_and_leaves_the_queue_with_its_own_transaction(cities: Cities):
    number = await cities.enqueue(YICHANG, "proof.mark", payload={"note": "a"})
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert await cities.marks() == [("yichang", "a")]
    log = await cities.owner("SELECT job_id, status::text FROM jobs.pgqueuer_log ORDER BY id")
    assert [tuple(row) for row in log] == [
        (number, "queued"),
        (number, "picked"),
        (number, "successful"),
    ]


async def test_the_jobs_of_a_killed_process_are_taken_again(
    cities: Cities, jobs_settings: Settings
):
    with process(jobs_settings, "work", "0") as worker:
        payload = {"note": "slow", "seconds": 600}
        await cities.enqueue(YICHANG, "proof.mark-slowly", payload=payload)
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 1)
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    assert await cities.marks() == []
    shorter = json.dumps({**payload, "seconds": 0}).encode()
    await cities.owner("UPDATE jobs.pgqueuer SET payload = $1", shorter)
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert await cities.marks() == [("yichang", "slow")]


async def test_a_job_that_kills_its_workers_is_given_up(cities: Cities):
    number = await cities.enqueue(YICHANG, "proof.mark")
    await cities.owner(
        "INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)"
        " SELECT $1, 'picked', 'proof.mark', -1 FROM generate_series(1, 3)",
        number,
    )
    async with working(cities):
        await cities.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
    assert await cities.marks() == []


async def test_failures_are_tried_again_with_growing_waits_and_then_kept(cities: Cities):
    await cities.enqueue(YICHANG, "proof.fail", payload={"how": "later"})
    async with working(cities):
        await cities.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
    row = (await cities.queue_rows())[0]
    assert row["attempts"] == FAST.limits.backoff.attempts - 1
    # What each attempt wrote is gone with it.
    assert await cities.marks() == []
    log = await cities.owner("SELECT status::text FROM jobs.pgqueuer_log ORDER BY id")
    assert [entry["status"] for entry in log] == ["queued", "picked"] * 4 + ["failed"]


@pytest.mark.parametrize(("how", "attempts"), [("never", 0), ("bug", 3)])
async def test_errors_that_cannot_pass_are_not_tried_again(cities: Cities, how: str, attempts: int):
    await cities.enqueue(YICHANG, "proof.fail", payload={"how": how})
    async with working(cities):
        await cities.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
    assert (await cities.queue_rows())[0]["attempts"] == attempts


async def test_what_is_kept_of_a_failure_names_the_place_and_no_value(cities: Cities):
    await cities.enqueue(YICHANG, "proof.fail", payload={"how": "bug"})
    async with working(cities):
        await cities.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
    log = await cities.owner(
        "SELECT traceback::text FROM jobs.pgqueuer_log WHERE traceback <> 'null'"
    )
    texts = [row["traceback"] for row in log]
    assert len(texts) == 4
    assert all("ValueError < cities.py" in text for text in texts)
    assert not any("13900000000" in text for text in texts)


async def test_a_failing_job_does_not_hold_up_the_others(cities: Cities):
    await cities.enqueue(YICHANG, "proof.fail", payload={"how": "later"})
    await cities.enqueue(YICHANG, "proof.fail-at-first", payload={"tries": 3, "note": "third"})
    await cities.enqueue(CHANGZHI, "proof.mark", payload={"note": "other"})
    async with working(cities):
        await cities.wait_until(LEFT, 0)
    assert sorted(await cities.marks()) == [("changzhi", "other"), ("yichang", "third")]


async def test_a_failed_job_can_be_tried_again(cities: Cities):
    number = await cities.enqueue(YICHANG, "proof.fail-at-first", payload={"tries": 6})
    async with working(cities):
        await cities.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
        assert await retry_jobs(cities.database, number=number) == 1
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert await cities.marks() == [("yichang", "")]


async def test_jobs_of_a_plugin_that_is_off_are_parked_and_come_back(cities: Cities):
    await cities.enqueue(YICHANG, "proof-plugin.mark", payload={"note": "parked"})
    await cities.enqueue(CHANGZHI, "proof-plugin.mark", payload={"note": "enabled"})
    async with working(cities):
        await cities.wait_until(LEFT, 0)
        assert await cities.marks() == [("changzhi", "enabled")]
        headers = json.loads((await cities.queue_rows())[0]["headers"])
        assert headers["parked"] == "PLUGIN_OFF"
        assert headers["waits_for"] == headers["plugin"] == "proof-plugin"
        await cities.owner(
            "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
            " VALUES ($1, 'proof-plugin', true)",
            YICHANG,
        )
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert await cities.marks() == [("changzhi", "enabled"), ("yichang", "parked")]


async def test_a_reaction_of_a_plugin_that_is_off_is_parked_too(cities: Cities):
    await cities.enqueue(YICHANG, "proof.fail", payload={"how": "off"})
    async with working(cities):
        await cities.wait_until(LEFT, 0)
        # It stays parked while its plugin stays off, and what it wrote is gone.
        await asyncio.sleep(3 * FAST.keep_s)
    row = (await cities.queue_rows())[0]
    assert (row["status"], json.loads(row["headers"])["waits_for"]) == ("failed", "proof-plugin")
    assert await cities.marks() == []


async def test_jobs_of_a_suspended_tenant_wait(cities: Cities):
    await cities.owner("UPDATE platform.tenant SET status = 'suspended' WHERE slug = 'yichang'")
    await cities.enqueue(YICHANG, "proof.mark", payload={"note": "waited"})
    await cities.enqueue(CHANGZHI, "proof.mark", payload={"note": "ran"})
    async with working(cities):
        await cities.wait_until(LEFT, 0)
        assert await cities.marks() == [("changzhi", "ran")]
        await cities.owner("UPDATE platform.tenant SET status = 'active'")
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert await cities.marks() == [("changzhi", "ran"), ("yichang", "waited")]


async def test_a_job_nobody_declares_is_parked_and_seen(cities: Cities):
    await cities.enqueue(YICHANG, "gone-plugin.work")
    async with working(cities):
        await cities.wait_until(LEFT, 0)
    assert json.loads((await cities.queue_rows())[0]["headers"])["parked"] == "PLUGIN_OFF"


async def test_a_worker_that_is_told_to_stop_ends_what_it_began(cities: Cities):
    await cities.enqueue(YICHANG, "proof.mark-slowly", payload={"note": "end", "seconds": 0.5})
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 1)
    assert await cities.marks() == [("yichang", "end")]
    assert await cities.queue_rows() == []


async def test_a_job_that_does_not_end_in_time_goes_back_to_the_queue(cities: Cities):
    payload = {"note": "long", "seconds": 600}
    await cities.enqueue(YICHANG, "proof.mark-slowly", payload=payload)
    async with working(cities, WorkerOptions(stop_within_s=0.3, poll_s=0.5)):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 1)
    assert await cities.marks() == []
    assert [row["status"] for row in await cities.queue_rows()] == ["queued"]


async def test_a_worker_that_lost_its_job_leaves_no_trace_in_data(cities: Cities):
    await cities.enqueue(YICHANG, "proof.mark-slowly", payload={"note": "mine?", "seconds": 0.5})
    async with working(cities, WorkerOptions(poll_s=0.5)):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 1)
        await cities.owner("UPDATE jobs.pgqueuer SET queue_manager_id = gen_random_uuid()")
        await asyncio.sleep(1)
    assert await cities.marks() == []
    assert [row["status"] for row in await cities.queue_rows()] == ["picked"]


async def test_a_worker_survives_the_loss_of_its_connection(cities: Cities):
    async with working(cities):
        await cities.enqueue(YICHANG, "proof.mark", payload={"note": "before"})
        await cities.wait_until("SELECT count(*) FROM proof.mark", 1)
        administrator = await connect(str(cities.settings.database_url))
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await administrator.close()
        await enqueue_after_loss(cities, "after")
        await cities.wait_until("SELECT count(*) FROM proof.mark", 2)


async def test_several_processes_share_the_work(cities: Cities, jobs_settings: Settings):
    for number in range(60):
        await cities.enqueue(YICHANG, "proof.mark", payload={"note": str(number)})
    with (
        process(jobs_settings, "work", "0") as first,
        process(jobs_settings, "work", "0") as second,
    ):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
        for worker in (first, second):
            worker.terminate()
            assert worker.wait(10) == 0
    assert sorted(int(note) for _, note in await cities.marks()) == list(range(60))


def test_waits_grow_to_a_limit_and_scatter():
    backoff = Backoff(first_s=2, factor=4, longest_s=3600, attempts=8)
    assert [backoff.ceiling_s(failed) for failed in range(1, 9)] == [
        *(2, 8, 32, 128, 512, 2048, 3600, 3600)
    ]
    delays = {backoff.delay_s(3) for _ in range(200)}
    assert 16 <= min(delays) < 20
    assert 28 < max(delays) <= 32
    assert [backoff.is_spent(failed) for failed in (7, 8)] == [False, True]
