"""Delivery (投递): one attempt, its outcome, and the next attempt, in one transaction.

A failed attempt commits: the message keeps its count and last error, and the job of the next
attempt is queued with it, so neither can be lost without the other.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.database import Unit, current_unit
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.outbox.channels import Message, open_channel
from jingwei_core.outbox.event_messages import EVENTS
from jingwei_core.outbox.outbox_settings import read_outbox_settings
from jingwei_sdk.context import Context
from jingwei_sdk.errors import JingweiError, NotFound, Unavailable

BACKOFF = Backoff(first_s=5.0, factor=3.0, longest_s=6 * 3600.0, attempts=12)
"""About a day and a half in all: a receiver may be down from Friday evening to Sunday morning."""

_LOCK = """
SELECT channel, payload, status, attempts FROM core.outbox_message WHERE id = $1 FOR UPDATE
"""

_OUTCOME = """
UPDATE core.outbox_message
SET status = $2, attempts = $3, last_error = $4, delivered_at = $5, updated_at = $6,
    version = version + 1
WHERE id = $1
"""

_AGAIN = """
UPDATE core.outbox_message SET status = 'waiting', attempts = 0, version = version + 1
WHERE status = 'failed' AND ($1::uuid IS NULL OR id = $1) RETURNING id
"""


async def deliver(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Try to deliver the message ``payload["message"]`` unless it is delivered or given up."""
    message_id = UUID(payload["message"])
    rows = await ctx.data.fetch(_LOCK, message_id)
    if not rows or rows[0]["status"] != "waiting":
        return
    row, now = rows[0], ctx.clock.now()
    stored = row["payload"]
    content = json.loads(stored) if isinstance(stored, str) else stored
    message = Message(message_id, ctx.tenant.slug, content, now)
    attempts = row["attempts"] + 1
    status, error, delay_s = "delivered", "", 0.0
    try:
        if row["channel"] == EVENTS:
            await _tell(ctx, message)
        else:
            channel = open_channel(row["channel"], ctx.tenant.slug, read_outbox_settings())
            await channel.deliver(message)
    except Unavailable as failure:
        is_last = BACKOFF.is_spent(attempts)
        status, error = ("failed" if is_last else "waiting"), str(failure)
        delay_s = BACKOFF.delay_s(attempts)
    except JingweiError as failure:
        status, error = "failed", str(failure)
    delivered_at = now if status == "delivered" else None
    outcome = (status, attempts, error, delivered_at, now)
    await current_unit().execute(_OUTCOME, message_id, *outcome)
    if status == "waiting":
        await ctx.signals.enqueue(OUTBOX_DELIVER, dict(payload), delay_s=delay_s)


async def _tell(ctx: Context, message: Message) -> None:
    """Hand a message of an event type to the consumers of the tenant's plugins."""
    from jingwei_core.plugins.publishing import tell_consumers
    from jingwei_core.session import CoreContext

    assert isinstance(ctx, CoreContext)
    await tell_consumers(ctx, message.id, message.payload["type"])


async def deliver_again(
    unit: Unit, queue: JobQueue, tenant_id: UUID, message_id: UUID | None
) -> int:
    """Queue a failed message again, or all of the tenant's; how many.

    Raises ``NotFound`` (``OUTBOX_MESSAGE_NOT_FAILED``) if the one named is not failed.
    """
    rows = await unit.fetch(_AGAIN, message_id)
    if message_id is not None and not rows:
        raise NotFound("OUTBOX_MESSAGE_NOT_FAILED", message=str(message_id))
    for row in rows:
        await queue.enqueue(unit, tenant_id, OUTBOX_DELIVER, {"message": str(row["id"])})
    return len(rows)
