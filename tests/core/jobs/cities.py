"""A platform with two cities and jobs made for these tests; also run as a process of its own.

    python -m tests.core.jobs.cities work|tick SECONDS     settings come from the environment

Everything is real but the contributions: `proof.*` jobs write a row for each run, so that tests
count what happened.
"""

import asyncio
import signal
import sys
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from jingwei_core.database import current_unit, open_database
from jingwei_core.database.engine import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.jobs.running import Limits
from jingwei_core.jobs.schedule import Scheduler
from jingwei_core.jobs.worker import Worker, WorkerOptions
from jingwei_core.outbox.channels import CHANNELS
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.settings import Settings
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, Refused, Unavailable
from jingwei_sdk.plugin import Job, Plugin

YICHANG = UUID("00000000-0000-7000-8000-000000000001")
CHANGZHI = UUID("00000000-0000-7000-8000-000000000002")
SLUGS = {YICHANG: "yichang", CHANGZHI: "changzhi"}

# Short waits, so that a test sees all attempts; the shape is that of production.
FAST = WorkerOptions(
    heartbeat_s=1.0,
    poll_s=0.5,
    keep_s=0.2,
    stop_within_s=5.0,
    limits=Limits(Backoff(first_s=0.05, factor=2.0, longest_s=0.2, attempts=4)),
)


async def mark(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Write one row: this job ran to its end."""
    await current_unit().execute(
        "INSERT INTO proof.mark (tenant_id, note) VALUES ($1, $2)",
        ctx.tenant.id,
        str(payload.get("note", payload.get("tick", ""))),
    )


async def mark_slowly(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Write the row, then take a while before the end."""
    await mark(ctx, payload)
    await asyncio.sleep(float(payload["seconds"]))


async def fail(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Write a row and raise what the payload asks for, with a value that must not get out."""
    await mark(ctx, payload)
    errors: dict[str, Exception] = {
        "later": Unavailable("PROOF_LATER", cause="13900000000"),
        "never": Invalid("PROOF_NEVER", cause="13900000000"),
        "bug": ValueError("13900000000"),
        "off": Refused("PLUGIN_OFF", plugin="proof-plugin"),
    }
    raise errors[payload["how"]]


async def fail_at_first(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Fail until the sequence has reached the wanted number."""
    if await current_unit().fetchval("SELECT nextval('proof.tries')") < payload["tries"]:
        raise Unavailable("PROOF_LATER")
    await mark(ctx, payload)


CORE = Plugin(
    id="core",
    package="jingwei_core",
    jobs=(
        *(job for job in JOBS if job.schedule is None),
        Job("proof.mark", mark),
        Job("proof.mark-slowly", mark_slowly),
        Job("proof.fail", fail),
        Job("proof.fail-at-first", fail_at_first),
    ),
    channels=CHANNELS,
)
EXTRA = Plugin(
    id="proof-plugin",
    package="jingwei_core",
    jobs=(Job("proof-plugin.mark", mark), Job("proof-plugin.daily", mark, schedule="30 2 * * *")),
)


@dataclass
class SetClock:
    """A clock that tests set."""

    at: datetime | None = None

    def now(self) -> datetime:
        return self.at or datetime.now(UTC)


class Cities(Platform):
    """A platform with the contributions of these tests."""

    clock: SetClock

    def __init__(self, database: Database, extra: Plugin = EXTRA) -> None:
        host = PluginHost(CORE, [Installed(extra.id, "available", None, extra)])
        super().__init__(database, host, open_store(database.settings))
        self.clock = SetClock()

    async def enqueue(self, tenant_id: UUID, job: str, **options: Any) -> int | None:
        """One job in a transaction of its own."""
        payload = options.pop("payload", {})
        async with self.database.unit(tenant_id) as unit:
            return await self.queue.enqueue(unit, tenant_id, job, payload, **options)

    async def owner(self, sql: str, *args: object) -> list[Any]:
        async with self.database.owner() as unit:
            return await unit.fetch(sql, *args)

    async def marks(self) -> list[tuple[str, str]]:
        """City and note of each run that came to its end, in the order of their writing."""
        rows = await self.owner("SELECT tenant_id, note FROM proof.mark ORDER BY id")
        return [(SLUGS[row["tenant_id"]], row["note"]) for row in rows]

    async def queue_rows(self) -> list[Any]:
        return await self.owner("SELECT * FROM jobs.pgqueuer ORDER BY id")

    async def wait_until(self, sql: str, expected: object, timeout_s: float = 8) -> None:
        """Until the statement's only value is the expected one."""
        value = None
        try:
            async with asyncio.timeout(timeout_s), self.database.owner() as unit:
                while value != expected:
                    value = await unit.fetchval(sql)
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{sql} stayed {value!r}, not {expected!r}") from None


@asynccontextmanager
async def working(cities: Cities, options: WorkerOptions = FAST) -> Any:
    """A worker at work in this process, stopped at the end."""
    worker = Worker(cities, options)
    running = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        worker.stop()
        await running


async def run_process(what: str, seconds: float) -> None:
    async with open_database(Settings()) as database:
        cities = Cities(database)
        if what == "work":
            worker = Worker(cities, FAST)
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, worker.stop)
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            await worker.run()
            return
        await tick(cities, seconds)


async def tick(cities: Cities, seconds: float) -> None:
    """Let a scheduler pass 02:30 in both cities at once, several times."""
    scheduler = Scheduler(cities)
    start = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for minute in range(int(seconds)):
        cities.clock.at = start + timedelta(minutes=minute * 10)
        await scheduler.enqueue_due()


if __name__ == "__main__":
    asyncio.run(run_process(sys.argv[1], float(sys.argv[2])))
