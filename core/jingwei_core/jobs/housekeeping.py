"""Beside the work (维护): tags kept in range, unknown names made known, the log kept short."""

from typing import TYPE_CHECKING

from jingwei_core.jobs.names import WAITING

if TYPE_CHECKING:
    from jingwei_core.database import Database

LOG_DAYS = 30
_RESET_AT = 2**30

_RESET = f"UPDATE jobs.virtual_time SET tag = 0 WHERE tag > {_RESET_AT}"

# After a reset the old tags are far ahead, also those of transactions that committed later: they go
# back to waiting, and get a tag of the new count when a worker next asks for jobs.
_CATCH_UP = f"""
UPDATE jobs.pgqueuer SET priority = {WAITING}
WHERE status = 'queued' AND priority > {WAITING}
    AND priority < -((SELECT tag FROM jobs.virtual_time) + {_RESET_AT})
"""

# One index probe for each name, however long the queue is.
_NAMES = """
WITH RECURSIVE names AS (
    (SELECT entrypoint FROM jobs.pgqueuer WHERE status = 'queued' ORDER BY entrypoint LIMIT 1)
    UNION ALL
    SELECT (SELECT job.entrypoint FROM jobs.pgqueuer job
            WHERE job.status = 'queued' AND job.entrypoint > names.entrypoint
            ORDER BY job.entrypoint LIMIT 1)
    FROM names WHERE names.entrypoint IS NOT NULL
)
SELECT entrypoint FROM names WHERE entrypoint IS NOT NULL
"""

_PURGE = f"""
DELETE FROM jobs.pgqueuer_log WHERE id IN (
    SELECT log.id FROM jobs.pgqueuer_log log
    WHERE log.created < now() - interval '{LOG_DAYS} days'
        AND NOT EXISTS (SELECT FROM jobs.pgqueuer job WHERE job.id = log.job_id)
    ORDER BY log.created LIMIT 5000)
"""


async def keep_tags_in_range(database: "Database") -> None:
    """Start counting anew once tags have passed 2**30, half of what pgqueuer's int4 holds."""
    async with database.platform() as unit:
        await unit.execute(_RESET)
        await unit.execute(_CATCH_UP)


async def queued_names(database: "Database") -> set[str]:
    """The names of all queued jobs, also of those that no installed package declares."""
    async with database.platform() as unit:
        return {row["entrypoint"] for row in await unit.fetch(_NAMES)}


async def forget_old_log(database: "Database") -> None:
    """Remove up to 5,000 log entries older than :data:`LOG_DAYS` days whose job is gone."""
    async with database.platform() as unit:
        await unit.execute(_PURGE)
