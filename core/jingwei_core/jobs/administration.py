"""Seeing and repairing the queue (任务管理): what the command line shows and does."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from jingwei_core.jobs.names import WAITING
from jingwei_sdk.errors import NotFound

if TYPE_CHECKING:
    from jingwei_core.database import Database

JobStatus = Literal["queued", "waiting", "running", "failed", "parked"]

# One word for what pgqueuer spreads over status, time and headers.
_STATUS = """
CASE WHEN job.status = 'picked' THEN 'running'
     WHEN job.status = 'failed' AND job.headers ? 'parked' THEN 'parked'
     WHEN job.status = 'queued' AND job.execute_after > now() THEN 'waiting'
     ELSE job.status::text END
"""

_LIST = f"""
SELECT * FROM (
    SELECT job.id AS number, tenant.slug AS tenant, job.entrypoint AS job, {_STATUS} AS status,
        job.attempts, job.created, job.execute_after, job.headers ->> 'parked' AS reason,
        job.headers ->> 'plugin' AS plugin, job.headers ->> 'plugin_version' AS version
    FROM jobs.pgqueuer job LEFT JOIN platform.tenant tenant ON tenant.id = job.tenant_id
) found
WHERE ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR status = $2)
ORDER BY number DESC LIMIT $3
"""

_SHOW = f"""
SELECT job.id AS number, tenant.slug AS tenant, job.entrypoint AS job, {_STATUS} AS status,
    job.attempts, job.created, job.execute_after, job.headers ->> 'parked' AS reason,
    job.headers ->> 'plugin' AS plugin, job.headers ->> 'plugin_version' AS version, job.payload
FROM jobs.pgqueuer job LEFT JOIN platform.tenant tenant ON tenant.id = job.tenant_id
WHERE job.id = $1
"""

_HISTORY = """
SELECT created, status::text AS status, traceback ->> 'exception_message' AS why
FROM jobs.pgqueuer_log WHERE job_id = $1 ORDER BY id
"""

_RETRY = f"""
WITH freed AS (
    UPDATE jobs.pgqueuer
    SET status = 'queued', priority = {WAITING}, execute_after = now(), updated = now(),
        attempts = 0, dedupe_key = NULL, headers = headers - 'parked' - 'waits_for'
    WHERE status = 'failed' AND ($1::bigint IS NULL OR id = $1)
        AND ($2::uuid IS NULL OR tenant_id = $2)
    RETURNING id, entrypoint, priority
), logged AS (
    INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, priority FROM freed RETURNING 1
)
SELECT count(*) FROM logged
"""


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job of the queue; ``reason`` says why it is parked, ``plugin`` and ``version`` whose code
    queued it."""

    number: int
    tenant: str | None
    job: str
    status: JobStatus
    attempts: int
    created: datetime
    execute_after: datetime
    reason: str | None
    plugin: str | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class JobDetails:
    """One job with its payload and what happened to it: time, status, and why."""

    line: JobLine
    payload: Mapping[str, Any]
    history: tuple[tuple[datetime, str, str | None], ...]


async def list_jobs(
    database: "Database", *, tenant: str | None = None, status: str | None = None, limit: int = 50
) -> list[JobLine]:
    """The newest jobs of the queue; finished ones have left it."""
    async with database.platform() as unit:
        return [JobLine(**row) for row in await unit.fetch(_LIST, tenant, status, limit)]


async def show_job(database: "Database", number: int) -> JobDetails:
    """One job; raises ``NotFound`` (``JOB_NOT_FOUND``) when it is done or never was."""
    async with database.platform() as unit:
        row = await unit.fetchrow(_SHOW, number)
        history = await unit.fetch(_HISTORY, number)
    if row is None:
        raise NotFound("JOB_NOT_FOUND", number=number)
    fields = dict(row)
    payload = json.loads(fields.pop("payload") or b"{}")
    return JobDetails(JobLine(**fields), payload, tuple(tuple(entry) for entry in history))


async def retry_jobs(
    database: "Database", *, number: int | None = None, tenant_id: UUID | None = None
) -> int:
    """Queue failed and parked jobs again, one or all (of a tenant); how many.

    Raises ``NotFound`` (``JOB_NOT_FAILED``) if the one named is not failed.
    """
    async with database.platform() as unit:
        count: int = await unit.fetchval(_RETRY, number, tenant_id)
    if number is not None and count == 0:
        raise NotFound("JOB_NOT_FAILED", number=number)
    return count
