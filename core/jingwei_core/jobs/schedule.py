"""Scheduled jobs (定时任务): cron in the tenant's time zone, one enqueue a tick over all processes.

pgqueuer's own schedules run in UTC and are registered when a process starts; tenants have time
zones and switch plugins while it runs. So ticks are a table of ours: whoever moves the last tick
forward enqueues, in the same transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from croniter import CroniterError, croniter

from jingwei_core.database import Unit
from jingwei_core.jobs.faults import Faults
from jingwei_core.plugins.snapshot import ENABLED
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import Job

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_log = structlog.get_logger(__name__)

_TENANTS = f"""
SELECT t.id, t.timezone, array({ENABLED}) AS enabled
FROM platform.tenant t WHERE t.status = 'active' ORDER BY t.id
"""

# A schedule seen for the first time starts with its next tick; nothing is made up for the past.
_TICK = """
INSERT INTO jobs.tick AS kept (tenant_id, job, schedule, ticked_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (tenant_id, job, schedule) DO UPDATE SET ticked_at = excluded.ticked_at
    WHERE kept.ticked_at < excluded.ticked_at
RETURNING xmax = 0 AS is_first
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """One schedule of one tenant."""

    tenant_id: UUID
    zone: ZoneInfo
    job: Job

    @property
    def expression(self) -> str:
        """The cron expression."""
        return self.job.schedule or ""

    def last_tick(self, now: datetime) -> datetime:
        """The latest tick at or before ``now``."""
        after = now.astimezone(self.zone) + timedelta(microseconds=1)
        tick: datetime = croniter(self.expression, after).get_prev(datetime)
        return tick

    def next_tick(self, now: datetime) -> datetime:
        """The first tick after ``now``."""
        tick: datetime = croniter(self.expression, now.astimezone(self.zone)).get_next(datetime)
        return tick


class Scheduler:
    """Enqueues what is due; several processes may each have one."""

    def __init__(self, platform: "Platform") -> None:
        self._platform = platform
        self._next: dict[tuple[UUID, str, str, str], datetime] = {}
        self._jobs: dict[frozenset[str], tuple[Job, ...]] = {}
        self._known_at: tuple[object, int] = (None, 0)

    async def enqueue_due(self) -> int:
        """Enqueue the jobs whose tick has come since the last call; how many this process did.

        After a pause of all workers a schedule runs once, for its latest tick. Raises an
        ``ExceptionGroup`` of what failed, after everybody else's were enqueued.
        """
        now, enqueued, faults = self._platform.clock.now(), 0, Faults()
        async with self._platform.database.platform() as unit:
            tenants = await unit.fetch(_TENANTS)
        for tenant in tenants:
            lanes: list[Lane] = []
            with faults.noted():
                lanes = self._lanes(tenant)
            for lane in lanes:
                with faults.noted():
                    enqueued += await self._try(lane, now)
        faults.tell("some schedules were not looked at")
        return enqueued

    def _lanes(self, tenant: Mapping[str, object]) -> list[Lane]:
        enabled = tenant["enabled"]
        assert isinstance(enabled, list)
        assert isinstance(tenant["id"], UUID)
        zone = ZoneInfo(str(tenant["timezone"]))
        return [Lane(tenant["id"], zone, job) for job in self._scheduled(frozenset(enabled))]

    def _scheduled(self, enabled: frozenset[str]) -> tuple[Job, ...]:
        """The jobs with a schedule of a set of plugins. Remembered: hundreds of tenants are asked
        for every few seconds, more than registries are kept."""
        host = self._platform.host
        if self._known_at != (host, host.changes):
            self._known_at = (host, host.changes)
            self._jobs.clear()
        jobs = self._jobs.get(enabled)
        if jobs is None:
            found = host.registry(enabled).jobs.values()
            jobs = self._jobs[enabled] = tuple(job for job in found if job.schedule)
        return jobs

    async def _try(self, lane: Lane, now: datetime) -> int:
        key = (lane.tenant_id, lane.job.name, lane.expression, lane.zone.key)
        if key in self._next and now < self._next[key]:
            return 0
        try:
            tick, following = lane.last_tick(now), lane.next_tick(now)
        except CroniterError as error:
            _log.warning("schedule_unreadable", job=lane.job.name, cause=str(error))
            return 0
        async with self._platform.database.platform() as unit:
            enqueued = await self._enqueue(unit, lane, tick)
        self._next[key] = following
        return enqueued

    async def _enqueue(self, unit: Unit, lane: Lane, tick: datetime) -> int:
        name = lane.job.name
        moved = await unit.fetchrow(_TICK, lane.tenant_id, name, lane.expression, tick)
        if moved is None or moved["is_first"]:
            return 0
        payload = {"tick": tick.isoformat()}
        try:
            await self._platform.queue.enqueue(
                unit, lane.tenant_id, name, payload, dedupe_key=tick.isoformat()
            )
        except Conflict as error:
            # As many of them wait already as may: this tick is let go.
            _log.warning("schedule_skipped", job=name, code=error.code)
            return 0
        return 1
