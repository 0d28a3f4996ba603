"""Worker processes: they answer, they end, and what they open cannot stop the service."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest

from jingwei_core.evidence.facts import Expected, ImageFacts, ImageFormat, Limits
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_sdk.errors import Invalid
from tests.core.evidence import pictures as made

BEIJING = ZoneInfo("Asia/Shanghai")


@pytest.fixture
async def workers() -> AsyncIterator[ImageWorkers]:
    async with ImageWorkers(processes=2, time_limit_s=10) as started:
        yield started


def file_of(tmp_path: Path, data: bytes) -> tuple[Path, Expected]:
    digest = hashlib.sha256(data).hexdigest()
    path = tmp_path / digest
    path.write_bytes(data)
    return path, Expected("image/jpeg", len(data), digest)


async def inspected(workers: ImageWorkers, tmp_path: Path, data: bytes) -> ImageFacts:
    path, expected = file_of(tmp_path, data)
    return await workers.inspect(path, expected, Limits(), BEIJING)


def worker_pids() -> set[int]:
    children = psutil.Process().children()
    return {child.pid for child in children if "jingwei_core.evidence.worker" in child.cmdline()}


async def test_facts_and_pictures_come_back_whole(workers: ImageWorkers, tmp_path: Path):
    data = made.jpeg(800, 600, exif=made.camera_exif(gps=made.gps(30.7, 111.3)))
    facts = await inspected(workers, tmp_path, data)
    path, _ = file_of(tmp_path, data)
    target = tmp_path / "target"
    picture = await workers.derive(path, ImageFormat.JPEG, target, 320)

    assert (facts.width, facts.height, facts.sha256) == (800, 600, path.name)
    assert facts.taken_at is not None
    assert facts.taken_at.isoformat() == "2026-11-22T16:30:05+08:00"
    assert facts.position is not None
    assert (facts.position.lon, facts.position.crs) == (111.3, "EPSG:4326")
    assert (picture.width, picture.height, picture.size) == (320, 240, target.stat().st_size)


async def test_a_refusal_comes_back_with_its_field_and_parameters(
    workers: ImageWorkers, tmp_path: Path
):
    with pytest.raises(Invalid) as refusal:
        await inspected(workers, tmp_path, made.png())
    assert (refusal.value.code, refusal.value.field) == ("EVIDENCE_TYPE", "content_type")
    assert refusal.value.params == {"content_type": "image/jpeg", "found": "image/png"}


async def test_processes_are_few_and_used_again(workers: ImageWorkers, tmp_path: Path):
    before = worker_pids()
    await asyncio.gather(*(inspected(workers, tmp_path, made.jpeg(64 + n, 48)) for n in range(12)))
    assert len(worker_pids() - before) == 2
    await workers.close()
    assert worker_pids() == before


async def test_a_picture_that_takes_too_long_is_cut_off(tmp_path: Path):
    slow = made.jpeg_of_many_scans(4000, 4000, 2000)
    assert len(slow) < 20_000_000
    others = worker_pids()
    async with ImageWorkers(processes=1, time_limit_s=1) as workers:
        await inspected(workers, tmp_path, made.jpeg())
        overrun, start = worker_pids() - others, time.monotonic()
        with pytest.raises(Invalid) as refusal:
            await inspected(workers, tmp_path, slow)
        assert time.monotonic() - start < 2
        assert (refusal.value.code, refusal.value.params) == ("EVIDENCE_BOMB", {"found": "time"})
        assert len(overrun) == 1
        assert worker_pids() == others
        assert (await inspected(workers, tmp_path, made.jpeg())).width == 64


async def test_a_picture_that_takes_too_much_memory_is_refused(tmp_path: Path):
    path, told = file_of(tmp_path, made.png_bomb(8000, 8000))
    expected = Expected("image/png", told.size, told.sha256)
    async with ImageWorkers(processes=1, memory_bytes=250 * 1024**2) as workers:
        with pytest.raises(Invalid) as refusal:
            await workers.inspect(path, expected, Limits(), BEIJING)
        assert refusal.value.code == "EVIDENCE_BOMB"
        assert refusal.value.params == {"found": "memory"}
        assert (await inspected(workers, tmp_path, made.jpeg())).width == 64


async def kill_worker(pid: int) -> None:
    process = psutil.Process(pid)
    process.kill()
    await asyncio.to_thread(process.wait, 5)
    await asyncio.sleep(0.1)


async def test_a_worker_that_dies_takes_one_job_with_it(workers: ImageWorkers, tmp_path: Path):
    before = worker_pids()
    slow = made.jpeg_of_many_scans(4000, 4000, 200)
    job = asyncio.create_task(inspected(workers, tmp_path, slow))
    await asyncio.sleep(0.5)
    (pid,) = worker_pids() - before
    await kill_worker(pid)
    with pytest.raises(Invalid) as refusal:
        await job
    assert refusal.value.code == "EVIDENCE_CORRUPT"
    assert (await inspected(workers, tmp_path, made.jpeg())).width == 64


async def test_a_worker_that_died_idle_is_replaced(workers: ImageWorkers, tmp_path: Path):
    before = worker_pids()
    await inspected(workers, tmp_path, made.jpeg())
    (pid,) = worker_pids() - before
    await kill_worker(pid)
    assert (await inspected(workers, tmp_path, made.jpeg())).width == 64


async def test_an_abandoned_job_does_not_answer_the_next(workers: ImageWorkers, tmp_path: Path):
    slow = made.jpeg_of_many_scans(4000, 4000, 200)
    job = asyncio.create_task(inspected(workers, tmp_path, slow))
    await asyncio.sleep(0.5)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    assert (await inspected(workers, tmp_path, made.jpeg())).width == 64


async def test_a_worker_inherits_no_secret(
    workers: ImageWorkers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("JINGWEI_DATABASE_URL", "postgresql://user:hunter2@db/jingwei")
    before = worker_pids()
    await inspected(workers, tmp_path, made.jpeg())
    (pid,) = worker_pids() - before
    assert "hunter2" not in repr(psutil.Process(pid).environ())


async def test_what_interrupts_the_server_in_its_terminal_does_not_reach_a_worker(
    workers: ImageWorkers, tmp_path: Path
):
    before = worker_pids()
    await inspected(workers, tmp_path, made.jpeg())
    (pid,) = worker_pids() - before

    assert os.getpgid(pid) == pid != os.getpgrp()
