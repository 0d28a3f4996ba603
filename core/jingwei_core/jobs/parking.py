"""Parked jobs (挂起的任务): kept with a reason until their tenant or plugin is back.

A parked job has pgqueuer's status ``failed`` and the header ``parked``, so no worker looks at it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from packaging.version import Version
from pgqueuer.domain.models import Job as QueuedJob

from jingwei_core.database import Database
from jingwei_core.jobs.faults import Faults
from jingwei_core.jobs.names import WAITING
from jingwei_core.reminders.jobs import jobs_of
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import NotFound
from jingwei_sdk.plugin import Job

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_log = structlog.get_logger(__name__)

_PARK = """
WITH parked AS (
    UPDATE jobs.pgqueuer
    SET status = 'failed', updated = now(), queue_manager_id = NULL,
        headers = headers || jsonb_build_object('parked', $3::text, 'waits_for', $4::text)
    WHERE id = $1 AND queue_manager_id = $2 AND status = 'picked'
    RETURNING id, entrypoint, priority
)
INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'failed', entrypoint, priority FROM parked
"""

_KINDS = """
SELECT DISTINCT tenant_id, entrypoint, coalesce(headers ->> 'waits_for', '') AS waits_for,
    coalesce(headers ->> 'plugin_version', '') AS version
FROM jobs.pgqueuer WHERE status = 'failed' AND headers ? 'parked'
"""

# The key is given up: it was about enqueuing twice, and another job may hold it by now.
_FREE = f"""
WITH freed AS (
    UPDATE jobs.pgqueuer
    SET status = 'queued', priority = {WAITING}, execute_after = now(), updated = now(),
        dedupe_key = NULL, headers = headers - 'parked' - 'waits_for'
    WHERE status = 'failed' AND headers ? 'parked'
        AND tenant_id = $1 AND entrypoint = $2 AND coalesce(headers ->> 'waits_for', '') = $3
        AND coalesce(headers ->> 'plugin_version', '') = $4
    RETURNING id, entrypoint, priority
), logged AS (
    INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
    SELECT id, 'queued', entrypoint, priority FROM freed RETURNING 1
)
SELECT count(*) FROM logged
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A job by its name, and the version of the plugin that queued it; empty when not known."""

    name: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Parked:
    """Why a job cannot run now: a code, and the plugin that would have to be enabled, if any."""

    reason: str
    plugin: str = ""


async def find_declared(
    platform: "Platform", tenant_id: UUID, job: Wanted
) -> tuple[Tenant, Job] | Parked:
    """The tenant and the declaration of a job, or why it has to wait.

    A job that a newer version of its plugin has queued waits for a process that runs that version:
    older code would read a payload that it does not know.
    """
    try:
        state = await platform.tenant_by_id(tenant_id)
    except NotFound as error:
        return Parked(error.code)
    if state.status != "active":
        return Parked("TENANT_SUSPENDED")
    declared = (await platform.registry(tenant_id)).jobs.get(job.name)
    if declared is None:
        return Parked("PLUGIN_OFF", _plugin_with(platform, job.name))
    running = platform.queue.origins.of(job.name)
    if job.version and running.version and Version(job.version) > Version(running.version):
        return Parked("PLUGIN_OLDER", running.plugin)
    return state.tenant, declared


async def park(database: Database, job: QueuedJob, reason: Parked) -> None:
    """Set a picked job aside."""
    _log.info("job_parked", job=job.entrypoint, number=job.id, reason=reason.reason)
    async with database.platform() as unit:
        await unit.execute(_PARK, job.id, job.queue_manager_id, reason.reason, reason.plugin)


async def free_parked(platform: "Platform") -> int:
    """Queue the parked jobs that can run again; how many there were.

    Raises an ``ExceptionGroup`` of what failed, after all others were queued.
    """
    async with platform.database.platform() as unit:
        kinds = await unit.fetch(_KINDS)
    freed, faults = 0, Faults()
    for tenant_id, name, plugin, version in kinds:
        with faults.noted():
            if await _may_run(platform, tenant_id, Wanted(name, version), plugin):
                async with platform.database.platform() as unit:
                    freed += await unit.fetchval(_FREE, tenant_id, name, plugin, version)
    faults.tell("some parked jobs were not looked at")
    return freed


async def _may_run(platform: "Platform", tenant_id: UUID, job: Wanted, plugin: str) -> bool:
    if isinstance(await find_declared(platform, tenant_id, job), Parked):
        return False
    return not plugin or plugin in (await platform.registry(tenant_id)).enabled


def _plugin_with(platform: "Platform", name: str) -> str:
    """The installed plugin that declares the job; empty when none does."""
    for found in platform.host.installed():
        if found.plugin is not None and name in {job.name for job in jobs_of(found.plugin)}:
            return found.id
    return ""
