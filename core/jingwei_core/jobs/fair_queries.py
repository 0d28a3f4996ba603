"""pgqueuer's statements with what Jingwei adds: fair tags, and no hand on a job of another worker.

Each addition answers something pgqueuer 1.6 was seen to do (docs/jobs.md): a cancelled task deletes
its job, and a worker that was believed dead finishes, fails or repeats the job of its successor.
"""

from datetime import timedelta
from typing import TYPE_CHECKING

from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.models import Job, TracebackRecord
from pgqueuer.domain.types import JOB_STATUS, QueueEntrypoint, QueueManagerId
from pgqueuer.ports.driver import Driver
from pgqueuer.ports.repository import EntrypointExecutionParameter

from jingwei_core.jobs.names import WAITING, queue_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

_PROMOTED = 500

_PROMOTE = f"""
WITH due AS (
    SELECT id, tenant_id FROM jobs.pgqueuer
    WHERE status = 'queued' AND priority = {WAITING} AND execute_after <= now()
    ORDER BY execute_after LIMIT {_PROMOTED} FOR UPDATE SKIP LOCKED
), lanes AS (
    SELECT tenant_id, jobs.last_tag(tenant_id) AS last FROM due GROUP BY tenant_id
), tagged AS (
    SELECT due.id,
        lanes.last + row_number() OVER (PARTITION BY tenant_id ORDER BY due.id) AS tag
    FROM due JOIN lanes USING (tenant_id)
)
UPDATE jobs.pgqueuer job SET priority = -least(tagged.tag, 2147483647)::int
FROM tagged WHERE job.id = tagged.id
"""

_ADVANCE = "UPDATE jobs.virtual_time SET tag = $1 WHERE tag < $1"

_WAIT = f"""
UPDATE jobs.pgqueuer SET priority = {WAITING}
WHERE id = $1 AND status = 'queued' AND execute_after > now()
"""

_MINE = """
SELECT job.id FROM jobs.pgqueuer job
JOIN unnest($1::bigint[], $2::uuid[]) AS mine (id, worker)
    ON job.id = mine.id AND job.queue_manager_id = mine.worker
WHERE job.status = 'picked'
"""

_RELEASE = f"""
WITH released AS (
    UPDATE jobs.pgqueuer
    SET status = 'queued', priority = {WAITING}, execute_after = now(), updated = now(),
        queue_manager_id = NULL
    WHERE id = ANY($1::bigint[]) RETURNING id, entrypoint, priority
)
INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, priority FROM released
"""

Entry = tuple[Job, JOB_STATUS, TracebackRecord | None]


class FairQueries(Queries):
    """What a worker's queue manager asks the database."""

    @classmethod
    def over(cls, driver: Driver) -> "FairQueries":
        """The statements over one connection, with our names."""
        names = queue_settings()
        return cls(
            driver,
            QueryBuilderEnvironment(names),
            QueryQueueBuilder(names),
            QuerySchedulerBuilder(names),
        )

    async def dequeue(
        self,
        batch_size: int,
        entrypoints: dict[QueueEntrypoint, EntrypointExecutionParameter],
        queue_manager_id: QueueManagerId,
        global_concurrency_limit: int | None,
        heartbeat_timeout: timedelta,
    ) -> list[Job]:
        """The next jobs by tag; jobs whose time has come get their tag first."""
        while await self.driver.execute(_PROMOTE) == f"UPDATE {_PROMOTED}":
            pass
        jobs = await super().dequeue(
            batch_size, entrypoints, queue_manager_id, global_concurrency_limit, heartbeat_timeout
        )
        served = max((-job.priority for job in jobs if job.priority > WAITING), default=0)
        if served > 0:
            await self.driver.execute(_ADVANCE, served)
        return jobs

    async def retry_job(
        self, job: Job, delay: timedelta, traceback_record: TracebackRecord | None
    ) -> None:
        """Queue the job again after ``delay``, at the end of its tenant's lane."""
        if await self._mine([job]):
            await super().retry_job(job, delay, traceback_record)
            await self.driver.execute(_WAIT, job.id)

    async def log_jobs(self, job_status: list[Entry]) -> None:
        """Finish jobs that are still this worker's; a cancelled one goes back to the queue."""
        mine = await self._mine([job for job, _, _ in job_status])
        released = [job.id for job, status, _ in job_status if status == "canceled"]
        if released:
            await self.driver.execute(_RELEASE, [number for number in released if number in mine])
        rest = [entry for entry in job_status if entry[0].id in mine and entry[1] != "canceled"]
        if rest:
            await super().log_jobs(rest)

    async def _mine(self, jobs: "Sequence[Job]") -> set[int]:
        numbers, workers = [job.id for job in jobs], [job.queue_manager_id for job in jobs]
        rows = await self.driver.fetch(_MINE, numbers, workers)
        return {number for row in rows if isinstance(number := row["id"], int)}
