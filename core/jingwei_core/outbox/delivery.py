"""Delivery (投递): one attempt, its outcome, and the next attempt, in one transaction.

A failed attempt commits: the message keeps its count and last error, and the job of the next
attempt is queued with it, so neither can be lost without the other.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from jingwei_core.database import Unit, current_unit
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.outbox import attempts as tries
from jingwei_core.outbox.channels import Owned, find_channel, letter_of
from jingwei_core.outbox.event_messages import EVENTS
from jingwei_sdk.channels import Delivered, Later, Message, Outcome, Rejected
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, NotFound, Refused

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

BACKOFF = Backoff(first_s=5.0, factor=3.0, longest_s=6 * 3600.0, attempts=12)
"""About a day and a half in all: a receiver may be down from Friday evening to Sunday morning."""

_LOCK = """
SELECT channel, payload, status, attempts FROM core.outbox_message WHERE id = $1 FOR UPDATE
"""

_IS_ACTIVE = "SELECT true FROM core.account WHERE id = $1 AND status = 'active'"
NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
"""Whoever was suspended while a letter waited does not get it."""

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
    """Try to deliver the message ``payload["message"]`` unless it is delivered or given up.

    Raises ``Refused`` (``PLUGIN_OFF``) while the plugin whose channel it waits for is off: the job
    is then parked until it is on again.
    """
    from jingwei_core.session import CoreContext

    assert isinstance(ctx, CoreContext)
    message_id = UUID(payload["message"])
    rows = await ctx.data.fetch(_LOCK, message_id)
    if not rows or rows[0]["status"] != "waiting":
        return
    row, now = rows[0], ctx.clock.now()
    stored = row["payload"]
    content = json.loads(stored) if isinstance(stored, str) else stored
    if row["channel"] == EVENTS:
        await _tell(ctx, message_id, content)
        await _ended(ctx, payload, Delivered(), row["attempts"] + 1)
        return
    found = find_channel(ctx.registry, row["channel"])
    if found is None:
        await _without_channel(ctx, payload, row)
    elif await tries.is_too_soon(ctx, found):
        await ctx.signals.enqueue(
            OUTBOX_DELIVER, dict(payload), delay_s=tries.MINUTE.total_seconds()
        )
    else:
        outcome = await _made(ctx, found, Message(message_id, content, now))
        await _ended(ctx, payload, outcome, row["attempts"] + 1)


async def _made(ctx: "CoreContext", found: Owned, message: Message) -> Outcome:
    """How an attempt ended."""
    if found.channel.reaches == "person":
        try:
            letter = letter_of(message.data)
        except Invalid as error:
            return Rejected(error.code)
        if letter.account is not None and not await ctx.data.fetchval(_IS_ACTIVE, letter.account):
            return Rejected(NOT_ACTIVE)
        message = replace(message, letter=letter)
    return await tries.attempt(ctx, found, message)


async def _without_channel(
    ctx: "CoreContext", payload: Mapping[str, Any], row: Mapping[str, Any]
) -> None:
    """A message of a channel that no enabled package has: its plugin is waited for, unless it is on
    and has the channel no more."""
    code = row["channel"]
    plugin = payload.get("plugin") or _installed_with(ctx, code)
    if plugin and plugin not in ctx.registry.enabled:
        raise Refused("PLUGIN_OFF", plugin=plugin, state="disabled", reason=f"channel {code}")
    await _ended(ctx, payload, Rejected(f"OUTBOX_CHANNEL_UNKNOWN channel={code}"), row["attempts"])


def _installed_with(ctx: "CoreContext", code: str) -> str:
    """The installed plugin that declares the channel; empty when none does."""
    for found in ctx.platform.host.installed():
        if found.plugin is not None and any(one.code == code for one in found.plugin.channels):
            return found.id
    return ""


async def _ended(
    ctx: "CoreContext", payload: Mapping[str, Any], outcome: Outcome, attempts: int
) -> None:
    """Keep how an attempt ended, and queue the next."""
    status, error, delay_s, now = "delivered", "", 0.0, ctx.clock.now()
    if isinstance(outcome, Later):
        status = "failed" if BACKOFF.is_spent(attempts) else "waiting"
        error = outcome.reason
        asked_s = min(outcome.after_s, BACKOFF.longest_s)
        delay_s = asked_s if asked_s > 0 else BACKOFF.delay_s(attempts)
    elif isinstance(outcome, Rejected):
        status, error = "failed", outcome.reason
    delivered_at = now if status == "delivered" else None
    told = (status, attempts, error, delivered_at, now)
    await current_unit().execute(_OUTCOME, UUID(payload["message"]), *told)
    if status == "waiting":
        await ctx.signals.enqueue(OUTBOX_DELIVER, dict(payload), delay_s=delay_s)


async def _tell(ctx: "CoreContext", message_id: UUID, content: Mapping[str, Any]) -> None:
    """Hand a message of an event type to the consumers of the tenant's plugins."""
    from jingwei_core.plugins.publishing import tell_consumers

    await tell_consumers(ctx, message_id, content["type"])


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
