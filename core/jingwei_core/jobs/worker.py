"""The worker (后台进程): takes jobs of all tenants, in turn, until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.types import Channel, QueueEntrypoint, QueueExecutionMode

from jingwei_core.database.engine import connect
from jingwei_core.jobs.fair_queries import FairQueries
from jingwei_core.jobs.faults import Faults
from jingwei_core.jobs.housekeeping import forget_old_log, keep_tags_in_range, queued_names
from jingwei_core.jobs.names import CHANNEL
from jingwei_core.jobs.parking import free_parked
from jingwei_core.jobs.running import JobRunner, Limits
from jingwei_core.jobs.schedule import Scheduler
from jingwei_core.reminders.jobs import jobs_of
from jingwei_core.rollups.folding import fold_waiting

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_log = structlog.get_logger(__name__)
_RECONNECT = 30.0
_LOG_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """How a worker works; times in seconds.

    ``batch`` jobs are taken at once and up to ``concurrency`` run side by side, each with a
    connection of the pool. A worker silent for ``heartbeat_s`` loses its jobs to others.
    """

    batch: int = 5
    concurrency: int = 10
    heartbeat_s: float = 30.0
    poll_s: float = 15.0
    keep_s: float = 5.0
    stop_within_s: float = 30.0
    limits: Limits = field(default_factory=Limits)


class Worker:
    """One worker; run as many processes as you like, on one database."""

    def __init__(self, platform: "Platform", options: WorkerOptions | None = None) -> None:
        self._platform = platform
        self._options = options or WorkerOptions()
        self._runner = JobRunner(platform, self._options.limits)
        self._scheduler = Scheduler(platform)
        self._stopping = asyncio.Event()
        self._manager: QueueManager | None = None

    def stop(self) -> None:
        """Take no more jobs; :meth:`run` returns when the running ones have ended.

        A job that does not end within ``stop_within_s`` is cancelled, rolled back and queued again.
        """
        self._stopping.set()
        if self._manager is not None:
            self._manager.shutdown.set()

    async def run(self) -> None:
        """Work until :meth:`stop`, through lost connections."""
        keeper = asyncio.create_task(self._repeat(self._options.keep_s, self._keep))
        folder = asyncio.create_task(self._repeat(self._options.keep_s, self._fold))
        cleaner = asyncio.create_task(self._repeat(_LOG_EVERY_S, self._forget))
        claims = asyncio.create_task(self._claim_for_ever())
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({claims, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({claims}, timeout=self._options.stop_within_s)
        finally:
            tasks = (keeper, folder, cleaner, claims, stopped)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Work until the queue is empty, waiting jobs included, and return."""
        await self._keep()
        await self._claim(QueueExecutionMode.drain)

    async def _claim_for_ever(self) -> None:
        wait_s = 0.1
        while not self._stopping.is_set():
            started = asyncio.get_running_loop().time()
            try:
                await self._claim(QueueExecutionMode.continuous)
            except Exception:  # noqa: BLE001 - whatever ended it, jobs must go on
                _log.exception("worker_interrupted", retry_in_s=wait_s)
                lasted_s = asyncio.get_running_loop().time() - started
                wait_s = 0.1 if lasted_s > _RECONNECT else min(wait_s * 2, _RECONNECT)
                await self._sleep(wait_s)

    async def _claim(self, mode: QueueExecutionMode) -> None:
        options = self._options
        connection = await connect(self._platform.database.url)
        try:
            queries = FairQueries.over(AsyncpgDriver(connection))
            self._manager = QueueManager(queries, channel=Channel(CHANNEL))
            self._register(await queued_names(self._platform.database))
            if self._stopping.is_set():
                return
            await self._manager.run(
                dequeue_timeout=timedelta(seconds=options.poll_s),
                batch_size=options.batch,
                mode=mode,
                max_concurrent_tasks=options.concurrency,
                shutdown_on_listener_failure=True,
                heartbeat_timeout=timedelta(seconds=options.heartbeat_s),
                # Statistics are kept by priority, and ours differ from job to job.
                log_aggregation_interval=timedelta(0),
            )
        finally:
            self._manager = None
            await connection.close(timeout=5)

    def _register(self, queued: set[str]) -> None:
        """Let pgqueuer take these names: one that nobody declares is parked, not left unseen."""
        if self._manager is None:
            return
        installed = [found.plugin for found in self._platform.host.installed()]
        plugins = [self._platform.host.core, *(plugin for plugin in installed if plugin)]
        declared = {job.name for plugin in plugins for job in jobs_of(plugin)}
        for name in sorted(declared | queued):
            if QueueEntrypoint(name) not in self._manager.entrypoint_registry:
                self._manager.register_executor(name, self._runner)

    async def _keep(self) -> None:
        faults = Faults()
        with faults.noted():
            await keep_tags_in_range(self._platform.database)
        with faults.noted():
            await free_parked(self._platform)
        with faults.noted():
            await self._scheduler.enqueue_due()
        with faults.noted():
            self._register(await queued_names(self._platform.database))
        faults.tell("some of the queue was not kept")

    async def _fold(self) -> None:
        await fold_waiting(self._platform)

    async def _forget(self) -> None:
        await forget_old_log(self._platform.database)

    async def _repeat(self, every_s: float, work: Callable[[], Awaitable[None]]) -> None:
        while not self._stopping.is_set():
            try:
                await work()
            except Exception:  # noqa: BLE001 - one failing chore must not end the others
                _log.exception("worker_upkeep_failed", work=work.__name__)
            await self._sleep(every_s)

    async def _sleep(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return
