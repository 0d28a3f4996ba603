"""Delivery (投递): a message is claimed, sent while no transaction is open, and written down.

A claim runs out after the channel's time limit: a worker that died has then sent it or not, and it
is sent again, with the same id. Of several workers one has the claim. An attempt counts once it is
claimed, so that a message that is deadly to workers comes to an end as others do. A failed attempt
commits: the message keeps its count and last error, and the job of the next attempt is queued with
it, so neither can be lost without the other.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import structlog

from jingwei_core.database import Unit, current_unit
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.origins import CORE
from jingwei_core.jobs.outside import Outside
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.outbox import attempts as tries
from jingwei_core.outbox.channels import Owned, find_channel, letter_of
from jingwei_core.outbox.event_messages import EVENTS
from jingwei_sdk.channels import Delivered, Later, Letter, Message, Outcome, Rejected
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, NotFound, Refused

if TYPE_CHECKING:
    from jingwei_core.session import CoreContext

_log = structlog.get_logger(__name__)

BACKOFF = Backoff(first_s=5.0, factor=3.0, longest_s=6 * 3600.0, attempts=12)
"""About a day and a half in all: a receiver may be down from Friday evening to Sunday morning."""

_LOCK = """
SELECT channel, payload, status, attempts, leased_until
FROM core.outbox_message WHERE id = $1 FOR UPDATE
"""
_LEASE = """
UPDATE core.outbox_message SET leased_until = $2, attempts = attempts + 1 WHERE id = $1
"""
_LEASE_LEFT_S = 30.0
"""Longer than the channel's own limit by this much: what the worker needs besides."""

WORKER_LOST = "WORKER_LOST"
"""The worker of the last attempt died over it."""

_IS_ACTIVE = "SELECT true FROM core.account WHERE id = $1 AND status = 'active'"
NOT_ACTIVE = "ACCOUNT_NOT_ACTIVE"
"""Whoever was suspended while a letter waited does not get it."""

_OUTCOME = """
UPDATE core.outbox_message
SET status = $2, attempts = $3, last_error = $4, delivered_at = $5, updated_at = $6,
    version = version + 1, leased_until = NULL
WHERE id = $1 AND leased_until IS NOT DISTINCT FROM $7 RETURNING true
"""

_AGAIN = """
UPDATE core.outbox_message SET status = 'waiting', attempts = 0, version = version + 1
WHERE status = 'failed' AND ($1::uuid IS NULL OR id = $1) RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message that is this attempt's until ``until``; ``refused`` where nobody need be asked.
    ``attempts`` counts this one too."""

    ctx: "CoreContext"
    payload: Mapping[str, Any]
    found: Owned
    message: Message
    attempts: int
    until: datetime
    refused: Outcome | None = None


async def claim(ctx: Context, payload: Mapping[str, Any]) -> Claimed | None:
    """Take the message ``payload["message"]`` for one attempt; ``None`` when it is delivered, given
    up, another's for now, or settled at once.

    Raises ``Refused`` (``PLUGIN_OFF``) while the plugin whose channel it waits for is off: the job
    is then parked until it is on again.
    """
    from jingwei_core.session import CoreContext

    assert isinstance(ctx, CoreContext)
    message_id = UUID(payload["message"])
    rows = await ctx.data.fetch(_LOCK, message_id)
    if not rows or rows[0]["status"] != "waiting":
        return None
    row = rows[0]
    stored = row["payload"]
    content = json.loads(stored) if isinstance(stored, str) else stored
    if row["channel"] == EVENTS:
        await _tell(ctx, message_id, content)
        await _ended(ctx, payload, Delivered(), (row["attempts"] + 1, row["leased_until"]))
        return None
    found = find_channel(ctx.registry, row["channel"])
    if found is None:
        await _without_channel(ctx, payload, row)
        return None
    return await _leased(ctx, payload, row, (found, Message(message_id, content, ctx.clock.now())))


async def work(claimed: Claimed) -> Outcome | None:
    """How an attempt by a channel of the core ended, while no transaction is open; a plugin's is
    made in the unit that settles it, which begins with its first use of ``ctx.data``."""
    if claimed.refused is not None or claimed.found.plugin.id != CORE:
        return claimed.refused
    return await tries.attempt(claimed.ctx, claimed.found, claimed.message)


async def settle(ctx: Context, claimed: Claimed, made: Outcome | None) -> None:
    """Keep how the attempt ended, and queue the next; nothing of one whose claim ran out, since the
    message is another's by then."""
    from jingwei_core.session import CoreContext

    assert isinstance(ctx, CoreContext)
    outcome = made or await tries.attempt(ctx, claimed.found, claimed.message)
    await _ended(ctx, claimed.payload, outcome, (claimed.attempts, claimed.until))


async def deliver(ctx: Context, payload: Mapping[str, Any]) -> None:
    """All of an attempt in the context's transaction, for who waits for it; raises as
    :func:`claim` does."""
    await Outside(claim, work, settle)(ctx, payload)


async def _leased(
    ctx: "CoreContext",
    payload: Mapping[str, Any],
    row: Mapping[str, Any],
    about: tuple[Owned, Message],
) -> Claimed | None:
    """The message, if it is nobody else's and may be sent now; else its job is put off. One whose
    attempts are spent when its last claim runs out has failed."""
    (found, message), now = about, ctx.clock.now()
    attempts, leased_until, wait_s = row["attempts"], row["leased_until"], 0.0
    if leased_until is not None and leased_until > now:
        wait_s = (leased_until - now).total_seconds() + 1
    elif leased_until is not None and BACKOFF.is_spent(attempts):
        await _ended(ctx, payload, Rejected(WORKER_LOST), (attempts, leased_until))
        return None
    elif await tries.is_too_soon(ctx, found):
        wait_s = tries.MINUTE.total_seconds()
    if wait_s:
        await ctx.signals.enqueue(OUTBOX_DELIVER, dict(payload), delay_s=wait_s)
        return None
    until = now + timedelta(seconds=found.channel.timeout_s + _LEASE_LEFT_S)
    await current_unit().execute(_LEASE, message.id, until)
    letter, refused = await _letter(ctx, found, message)
    message = replace(message, letter=letter)
    return Claimed(ctx, payload, found, message, attempts + 1, until, refused)


async def _letter(
    ctx: "CoreContext", found: Owned, message: Message
) -> tuple[Letter | None, Outcome | None]:
    """The letter of a channel that reaches persons, and why nobody need be asked to send it."""
    if found.channel.reaches != "person":
        return None, None
    try:
        letter = letter_of(message.data)
    except Invalid as error:
        return None, Rejected(error.code)
    if letter.account is not None and not await ctx.data.fetchval(_IS_ACTIVE, letter.account):
        return letter, Rejected(NOT_ACTIVE)
    return letter, None


async def _without_channel(
    ctx: "CoreContext", payload: Mapping[str, Any], row: Mapping[str, Any]
) -> None:
    """A message of a channel that no enabled package has: its plugin is waited for, unless it is on
    and has the channel no more."""
    code = row["channel"]
    plugin = payload.get("plugin") or _installed_with(ctx, code)
    if plugin and plugin not in ctx.registry.enabled:
        raise Refused("PLUGIN_OFF", plugin=plugin, state="disabled", reason=f"channel {code}")
    unknown = Rejected(f"OUTBOX_CHANNEL_UNKNOWN channel={code}")
    await _ended(ctx, payload, unknown, (row["attempts"], row["leased_until"]))


def _installed_with(ctx: "CoreContext", code: str) -> str:
    """The installed plugin that declares the channel; empty when none does."""
    for found in ctx.platform.host.installed():
        if found.plugin is not None and any(one.code == code for one in found.plugin.channels):
            return found.id
    return ""


async def _ended(
    ctx: "CoreContext",
    payload: Mapping[str, Any],
    outcome: Outcome,
    made: tuple[int, datetime | None],
) -> None:
    """Keep how an attempt ended, and queue the next; ``made`` are the attempts with this one, and
    the end of its claim."""
    attempts, until = made
    status, error, delay_s, now = "delivered", "", 0.0, ctx.clock.now()
    if isinstance(outcome, Later):
        status = "failed" if BACKOFF.is_spent(attempts) else "waiting"
        error = outcome.reason
        asked_s = min(outcome.after_s, BACKOFF.longest_s)
        delay_s = asked_s if asked_s > 0 else BACKOFF.delay_s(attempts)
    elif isinstance(outcome, Rejected):
        status, error = "failed", outcome.reason
    delivered_at = now if status == "delivered" else None
    told = (status, attempts, error, delivered_at, now, until)
    if not await current_unit().fetchval(_OUTCOME, UUID(payload["message"]), *told):
        _log.warning("outbox_claim_lost", message=payload["message"], outcome=status)
        return
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
