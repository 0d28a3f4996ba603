"""Pausing (暂缓): a plugin's job that failed again and again waits until its breaker closes.

It is put off before it runs, so the wait costs none of its attempts.
"""

from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

import structlog
from pgqueuer.domain.models import Job as QueuedJob

from jingwei_core.jobs.names import WAITING
from jingwei_core.jobs.origins import CORE
from jingwei_core.plugins.breaker import Point
from jingwei_sdk.context import Tenant
from jingwei_sdk.plugin import Job

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_log = structlog.get_logger(__name__)

_PUT_OFF = f"""
WITH put_off AS (
    UPDATE jobs.pgqueuer
    SET status = 'queued', priority = {WAITING}, execute_after = now() + $3::interval,
        updated = now(), queue_manager_id = NULL
    WHERE id = $1 AND queue_manager_id = $2 AND status = 'picked'
    RETURNING id, entrypoint, priority
)
INSERT INTO jobs.pgqueuer_log (job_id, status, entrypoint, priority)
SELECT id, 'queued', entrypoint, priority FROM put_off
"""


def point_of(platform: "Platform", tenant_id: UUID, job: Job) -> Point | None:
    """What a plugin's job is counted under; ``None`` for a job of the core."""
    plugin = platform.queue.origins.of(job.name).plugin
    return None if plugin == CORE else (tenant_id, plugin, f"job:{job.name}")


async def put_off_if_paused(
    platform: "Platform", job: QueuedJob, tenant: Tenant, declared: Job
) -> bool:
    """Whether the job's breaker is open; then it waits as long as a breaker stays open."""
    point, breakers = point_of(platform, tenant.id, declared), platform.hooks.outcomes.breakers
    if point is None or not breakers.is_open(point):
        return False
    _log.info("job_put_off", job=job.entrypoint, number=job.id, plugin=point[1])
    wait = timedelta(seconds=breakers.rules.open_s)
    async with platform.database.platform() as unit:
        await unit.execute(_PUT_OFF, job.id, job.queue_manager_id, wait)
    return True
