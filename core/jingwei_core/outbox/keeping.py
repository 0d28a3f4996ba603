"""How long messages of the outbox are kept (发件箱留存), whoever's they are: also those of plugins
that were removed since."""

from datetime import timedelta

from jingwei_core.database import current_unit
from jingwei_core.jobs.core_jobs import EVENT_CONSUMER
from jingwei_sdk.context import Context

DELIVERED_KEPT_FOR = timedelta(days=30)
"""As long as an idempotency key and the log of jobs; a rule of this platform. What letters and
payloads say of persons is not kept for longer than it serves (个人信息保护法 art. 19)."""
FAILED_KEPT_FOR = timedelta(days=180)
"""So long an operator can send again what failed for good; a rule of this platform."""

# What a consumer still has to be told stays: its job waits, is parked or failed. The payloads of
# other jobs are not looked into.
_REMOVE = f"""
WITH awaited AS (
    SELECT CASE WHEN q.entrypoint = '{EVENT_CONSUMER}'
        THEN (convert_from(q.payload, 'UTF8')::jsonb ->> 'event')::uuid END AS id
    FROM jobs.pgqueuer q WHERE q.tenant_id = $1
)
DELETE FROM core.outbox_message m
 WHERE (m.status = 'delivered' AND m.delivered_at < $2 OR m.status = 'failed' AND m.updated_at < $3)
   AND NOT EXISTS (SELECT FROM awaited WHERE awaited.id = m.id)
"""
# Whoever has had a message needs no note of it once nobody can be told it again.
_REMOVE_NOTES = """
DELETE FROM core.consumed c
 WHERE c.created_at < $1
   AND NOT EXISTS (SELECT FROM core.outbox_message m WHERE m.id = c.event_id)
"""


async def remove_old(ctx: Context) -> None:
    """Remove the tenant's messages that were delivered :data:`DELIVERED_KEPT_FOR` ago or failed
    :data:`FAILED_KEPT_FOR` ago and that no consumer waits for, and the notes of who has had them.
    """
    unit, now = current_unit(), ctx.clock.now()
    delivered, failed = now - DELIVERED_KEPT_FOR, now - FAILED_KEPT_FOR
    await unit.execute(_REMOVE, ctx.tenant.id, delivered, failed)
    await unit.execute(_REMOVE_NOTES, delivered)
