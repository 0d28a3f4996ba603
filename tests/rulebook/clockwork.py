"""Time passes (时间推进): the city's clock is turned, and what is due by it is done as by a worker.

The queue counts by the database's clock, which no test turns. So a job is due as long after it was
queued by the city's clock as it was to wait by the database's.
"""

import json
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.jobs.running import run_job
from jingwei_core.jobs.schedule import Scheduler
from jingwei_core.platform import Platform
from jingwei_core.session import Request, system_context
from jingwei_sdk.context import Tenant
from tests.core.events.frozen_clock import FrozenClock

ZONE = ZoneInfo("Asia/Shanghai")
LOOKED_AT = (time(5, 10), time(7, 30), time(8, 30), time(17, 30))
"""Times of each day at which schedules are looked at: plans at night, the end of quiet hours, the
digest, the end of work."""
_QUEUED = """
SELECT id, entrypoint, payload, extract(epoch FROM execute_after - created)::float AS delay_s
  FROM jobs.pgqueuer WHERE tenant_id = $1 AND status = 'queued' ORDER BY id
"""


def at(day: int, hour: int, minute: int = 0, month: int = 9) -> datetime:
    """An instant of the week in the city's time."""
    return datetime(2026, month, day, hour, minute, tzinfo=ZONE)


def said(day: int, hour: int, minute: int = 0, month: int = 9) -> str:
    """The same as the API says it."""
    return at(day, hour, minute, month).astimezone(UTC).isoformat()


class Clockwork:
    """Turns the clock of one tenant."""

    def __init__(self, platform: Platform, tenant: Tenant) -> None:
        self._platform, self._tenant = platform, tenant
        self._scheduler = Scheduler(platform)
        self._due: dict[int, datetime] = {}
        self.turns = 0
        """How often jobs may have run so far."""

    @property
    def clock(self) -> FrozenClock:
        clock = self._platform.clock
        assert isinstance(clock, FrozenClock)
        return clock

    async def settle(self) -> None:
        """Run the jobs that are due now, and those that they queue."""
        self.turns += 1
        while due := await self._due_now():
            for row in due:
                await self._run(row)

    async def turn(self, until: datetime) -> None:
        """Let time pass until an instant: on the way each job runs when it is due."""
        await self.settle()
        while self.clock.now() < until:
            stops = [*self._stops(until), *self._due.values()]
            self.clock.instant = min(stop for stop in stops if stop > self.clock.now())
            await self._scheduler.enqueue_due()
            await self.settle()

    def _stops(self, until: datetime) -> list[datetime]:
        now = self.clock.now().astimezone(ZONE)
        days = [now.date() + timedelta(days=more) for more in (0, 1)]
        wanted = [datetime.combine(day, hour, tzinfo=ZONE) for day in days for hour in LOOKED_AT]
        return [until, *(stop for stop in wanted if now < stop < until)]

    async def _due_now(self) -> list[dict[str, object]]:
        async with self._platform.database.owner() as unit:
            rows = [dict(row) for row in await unit.fetch(_QUEUED, self._tenant.id)]
        now = self.clock.now()
        for row in rows:
            self._due.setdefault(row["id"], now + timedelta(seconds=round(row["delay_s"])))
        self._due = {row["id"]: self._due[row["id"]] for row in rows}
        return [row for row in rows if self._due[row["id"]] <= now]

    async def _run(self, row: dict[str, object]) -> None:
        async with self._platform.database.owner() as unit:
            await unit.execute("DELETE FROM jobs.pgqueuer WHERE id = $1", row["id"])
        self._due.pop(int(str(row["id"])), None)
        name = str(row["entrypoint"])
        registry = await self._platform.registry(self._tenant.id)
        payload = row["payload"]
        assert isinstance(payload, bytes | None)
        told, request = f"job:{name}", Request(request_id=f"job-{row['id']}")
        async with system_context(self._platform, self._tenant, told, request) as ctx:
            await run_job(ctx, registry.jobs[name], json.loads(payload or b"{}"))
            assert isinstance(ctx.data, UnitData)
            if ctx.data.changes:
                await append_audit(ctx, told, None)
