"""Housekeeping of inboxes (收件箱维护): what is kept for how long, and what was left waiting."""

from datetime import timedelta

from jingwei_core.jobs.core_jobs import NOTIFICATION_SEND
from jingwei_core.notifications.rules import rules_of
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

_REMOVE = """
DELETE FROM core.notification
 WHERE read_at < $1 OR (read_at IS NULL AND created_at < $2)
"""


LEFT_BEHIND = timedelta(hours=1)
"""What should have been looked at so long ago has no job any more: it failed for good."""
MOST_ACCOUNTS = 1000

_LEFT_WAITING = f"""
SELECT DISTINCT account FROM core.notification
 WHERE outward = 'waiting' AND coalesce(waits_until, created_at) < $1 LIMIT {MOST_ACCOUNTS}
"""


async def look_again(ctx: Context) -> None:
    """Queue a look at what waits for an account and was left behind; one job for each account, so
    that the fault of one keeps no other waiting."""
    before = ctx.clock.now() - LEFT_BEHIND
    for row in await ctx.data.fetch(_LEFT_WAITING, before):
        await ctx.signals.enqueue(NOTIFICATION_SEND, {"accounts": [str(row["account"])]})


async def remove_old(ctx: Context) -> None:
    """Remove what was read, or was made and never read, longer ago than the rules keep it."""
    assert isinstance(ctx, CoreContext)
    kept, now = (await rules_of(ctx)).kept, ctx.clock.now()
    read, unread = timedelta(days=kept.read_days), timedelta(days=kept.unread_days)
    await ctx.unit.execute(_REMOVE, now - read, now - unread)
