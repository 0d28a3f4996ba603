"""The core's own jobs (核心任务), declared as a plugin declares its own.

The rooms that do the work are imported when a job runs: their modules need contexts, and contexts
need the queue.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jingwei_core.database import current_unit
from jingwei_core.jobs.outside import Outside
from jingwei_core.reminders.jobs import remove_old_reminders
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Job

PLUGIN_REACTION = "core.plugin-reaction"
EVENT_CONSUMER = "core.event-consumer"
OUTBOX_DELIVER = "core.outbox-deliver"
OUTBOX_CLEANUP = "core.outbox-cleanup"
EVIDENCE_GARBAGE = "core.evidence-garbage"
TOKEN_CLEANUP = "core.token-cleanup"  # noqa: S105 - the name of a job
KEY_CLEANUP = "core.key-cleanup"
EVENT_LADDER = "core.event-ladder"
MERGE_TELLING = "core.merge-telling"
REMINDER_CLEANUP = "core.reminder-cleanup"
PUBLIC_CONTACTS = "core.public-contacts"
MEETINGS_PLAN = "core.meetings-plan"
NOTIFICATION_SEND = "core.notification-send"
NOTIFICATION_ASSIGNED = "core.notification-assigned"
NOTIFICATION_CLEANUP = "core.notification-cleanup"

PLUGIN_WITHIN_S = 600.0
"""Longer than any hook's own limit, which is what stops a plugin and counts it."""

TOKEN_KEPT_FOR = timedelta(days=7)
"""An expired refresh token stays this long, so that its reuse is still recognised as such."""

KEY_KEPT_FOR = timedelta(days=30)
"""An idempotency key is good for so long: more than any device works without a network."""

_REMOVE_TOKENS = "DELETE FROM core.refresh_token WHERE expires_at < $1"
_REMOVE_KEYS = "DELETE FROM core.command_key WHERE created_at < $1"


async def react(ctx: Context, payload: Mapping[str, Any]) -> None:
    """One plugin's reaction to one step of an event."""
    from jingwei_core.plugins.hooks import run_reaction

    await run_reaction(ctx, payload)


async def consume_event(ctx: Context, payload: Mapping[str, Any]) -> None:
    """One consumer of a plugin and one message of an event type."""
    from jingwei_core.plugins.publishing import run_consumer
    from jingwei_core.session import CoreContext

    assert isinstance(ctx, CoreContext)
    await run_consumer(ctx, payload)


async def claim_message(ctx: Context, payload: Mapping[str, Any]) -> Any:
    """Take one message of the outbox for one attempt."""
    from jingwei_core.outbox.delivery import claim

    return await claim(ctx, payload)


async def send_message(claimed: Any) -> Any:
    """Make the attempt, while no transaction is open."""
    from jingwei_core.outbox.delivery import work

    return await work(claimed)


async def settle_message(ctx: Context, claimed: Any, made: Any) -> None:
    """Keep how it ended."""
    from jingwei_core.outbox.delivery import settle

    await settle(ctx, claimed, made)


async def remove_old_messages(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove messages of the outbox that were delivered or given up long ago."""
    from jingwei_core.outbox.keeping import remove_old

    await remove_old(ctx)


async def send_notifications(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Send what waits for accounts, or say when it is looked at again."""
    from jingwei_core.notifications.sending import send

    await send(ctx, payload)


async def tell_assigned(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Tell those whom a step has assigned an event to."""
    from jingwei_core.notifications.assigned import tell_assigned as tell

    await tell(ctx, payload)


async def remove_old_notifications(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove notifications that the tenant's rules keep no longer; look again at those left."""
    from jingwei_core.notifications.keeping import look_again, remove_old

    await remove_old(ctx)
    await look_again(ctx)


async def climb_ladder(ctx: Context, payload: Mapping[str, Any]) -> None:
    """What happens by itself when limits of events have passed, a page at a time."""
    from jingwei_core.routing.ladder import climb

    await climb(ctx, payload)


async def tell_merged(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Tell reporters of merged events how the other one ended."""
    from jingwei_core.routing.merging import tell_ends

    await tell_ends(ctx, payload)


async def collect_garbage(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove uploads that were never committed."""
    from jingwei_core.evidence.garbage import collect

    await collect(ctx, payload)


async def remove_expired_tokens(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove refresh tokens that expired more than :data:`TOKEN_KEPT_FOR` ago."""
    await current_unit().execute(_REMOVE_TOKENS, ctx.now() - TOKEN_KEPT_FOR)


async def remove_old_keys(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove idempotency keys, with the answers kept for them, older than :data:`KEY_KEPT_FOR`."""
    await current_unit().execute(_REMOVE_KEYS, ctx.now() - KEY_KEPT_FOR)


async def plan_meetings(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Plan the next meeting of each series where it is not planned yet."""
    from jingwei_core.meetings.planning import plan_next

    await plan_next(ctx, payload)


async def remove_public_contacts(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove contacts of public reports that the tenant's rules keep no longer."""
    from jingwei_core.public_reports.removing import remove_old

    await remove_old(ctx, payload)


JOBS: tuple[Job, ...] = (
    Job(PLUGIN_REACTION, react, timeout_s=PLUGIN_WITHIN_S),
    Job(EVENT_CONSUMER, consume_event, timeout_s=PLUGIN_WITHIN_S),
    Job(OUTBOX_DELIVER, Outside(claim_message, send_message, settle_message)),
    Job(OUTBOX_CLEANUP, remove_old_messages, schedule="45 3 * * *"),
    Job(NOTIFICATION_SEND, send_notifications),
    Job(NOTIFICATION_ASSIGNED, tell_assigned),
    Job(NOTIFICATION_CLEANUP, remove_old_notifications, schedule="5 4 * * *"),
    Job(EVENT_LADDER, climb_ladder, schedule="*/5 * * * *"),
    Job(MERGE_TELLING, tell_merged, schedule="*/5 * * * *"),
    Job(EVIDENCE_GARBAGE, collect_garbage, schedule="20 * * * *"),
    Job(TOKEN_CLEANUP, remove_expired_tokens, schedule="40 3 * * *"),
    Job(KEY_CLEANUP, remove_old_keys, schedule="50 3 * * *"),
    Job(MEETINGS_PLAN, plan_meetings, schedule="10 5 * * *"),
    Job(PUBLIC_CONTACTS, remove_public_contacts, schedule="25 * * * *"),
    Job(REMINDER_CLEANUP, remove_old_reminders, schedule="55 3 * * *"),
)
