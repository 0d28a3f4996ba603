"""``jingwei jobs``: what an operator sees and repairs."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jingwei_core.session import system_context
from tests.core.jobs.cities import CHANGZHI, YICHANG, Cities
from tests.fixtures.command_line import CommandLine
from tests.servers.databases import environment

Run = Callable[..., Awaitable[Any]]


@pytest.fixture
def jobs(cities: Cities, jingwei: CommandLine) -> Run:
    """Run ``jingwei jobs`` on the database of these tests; its exit code and its JSON or text."""

    async def run(*words: str) -> tuple[int, Any]:
        told = await jingwei(cities.settings, "jobs", *words)
        text = told.err if told.code else told.out
        return told.code, json.loads(text) if "--json" in words else text

    return run


async def failed_job(cities: Cities) -> int:
    number = await cities.enqueue(YICHANG, "proof.mark", payload={"note": "a"})
    await cities.owner("UPDATE jobs.pgqueuer SET status = 'failed', attempts = 7")
    assert number is not None
    return number


async def test_jobs_are_listed_by_tenant_and_status(cities: Cities, jobs: Run):
    number = await failed_job(cities)
    late = await cities.enqueue(CHANGZHI, "proof.mark", delay_s=3600)
    code, every = await jobs("list", "--json")
    assert code == 0
    assert [(line["number"], line["tenant"], line["status"]) for line in every] == [
        (late, "changzhi", "waiting"),
        (number, "yichang", "failed"),
    ]
    for option in (("--tenant", "yichang"), ("--status", "failed")):
        code, found = await jobs("list", *option, "--json")
        assert [line["number"] for line in found] == [number]


async def test_a_job_is_shown_with_its_history(cities: Cities, jobs: Run):
    number = await failed_job(cities)
    code, found = await jobs("show", str(number), "--json")
    assert (code, found["job"], found["payload"], found["attempts"]) == (
        *(0, "proof.mark", {"note": "a"}, 7),
    )
    assert [step["status"] for step in found["history"]] == ["queued"]
    code, text = await jobs("show", str(number))
    assert (code, "proof.mark" in text) == (0, True)


async def test_a_failed_job_is_queued_again(cities: Cities, jobs: Run):
    number = await failed_job(cities)
    assert await jobs("retry", str(number), "--json") == (0, {"queued": 1})
    rows = await cities.queue_rows()
    assert [(row["status"], row["attempts"]) for row in rows] == [("queued", 0)]


async def test_all_failed_jobs_of_a_tenant_are_queued_again(cities: Cities, jobs: Run):
    await failed_job(cities)
    answer = await jobs("retry", "--all", "--tenant", "changzhi", "--json")
    assert answer == (0, {"queued": 0})
    assert await jobs("retry", "--all", "--json") == (0, {"queued": 1})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("retry", "4711"), "JOB_NOT_FAILED"), (("show", "4711"), "JOB_NOT_FOUND")],
)
async def test_a_job_that_is_not_there_is_an_error_with_a_next_step(
    jobs: Run, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], code: str
):
    exit_code, text = await jobs(*arguments)
    assert exit_code == 1
    assert code in text
    assert "jingwei jobs list" in text


@pytest.mark.parametrize("arguments", [("retry",), ("retry", "1", "--all")])
async def test_retry_wants_one_or_all(cities: Cities, jobs: Run, arguments: tuple[str, ...]):
    await failed_job(cities)
    exit_code, _ = await jobs(*arguments)
    assert exit_code == 2
    assert [row["status"] for row in await cities.queue_rows()] == ["failed"]


async def test_the_outbox_is_listed_without_content_and_retried(cities: Cities, jobs: Run):
    state = await cities.tenant_by_id(YICHANG)
    async with system_context(cities, state.tenant, "test") as ctx:
        message = await ctx.signals.send("log", {"phone": "13900000000"})
    code, listed = await jobs("outbox", "yichang", "--json")
    assert code == 0
    assert [(line["message"], line["status"]) for line in listed] == [(str(message), "waiting")]
    assert "13900000000" not in json.dumps(listed)
    assert await jobs("outbox", "changzhi", "--json") == (0, [])
    code, text = await jobs("outbox", "yichang", "--retry", str(message))
    assert (code, "OUTBOX_MESSAGE_NOT_FAILED" in text) == (1, True)
    assert len(await cities.queue_rows()) == 1
    await cities.owner("UPDATE core.outbox_message SET status = 'failed'")
    answer = await jobs("outbox", "yichang", "--retry-all", "--json")
    assert answer == (0, {"queued": 1})
    assert len(await cities.queue_rows()) == 2


async def test_a_worker_runs_until_the_queue_is_empty(cities: Cities, jobs: Run):
    # This process knows no proof jobs: they are parked, and the message of the log is delivered.
    await cities.enqueue(YICHANG, "proof.mark")
    state = await cities.tenant_by_id(YICHANG)
    async with system_context(cities, state.tenant, "test") as ctx:
        await ctx.signals.send("log", {})
    command = ["-m", "jingwei_core.cli.main", "jobs", "run", "--until-empty", "--concurrency", "2"]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, *command, env=environment(cities.settings)
    )
    assert await worker.wait() == 0
    code, left = await jobs("list", "--json")
    assert (code, [(line["job"], line["status"], line["reason"]) for line in left]) == (
        0,
        [("proof.mark", "parked", "PLUGIN_OFF")],
    )
