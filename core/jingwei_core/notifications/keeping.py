"""How long an inbox keeps what it has (保存期限): by the tenant's rules, read or not."""

from datetime import timedelta

from jingwei_core.notifications.rules import rules_of
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

_REMOVE = """
DELETE FROM core.notification
 WHERE read_at < $1 OR (read_at IS NULL AND created_at < $2)
"""


async def remove_old(ctx: Context) -> None:
    """Remove what was read, or was made and never read, longer ago than the rules keep it."""
    assert isinstance(ctx, CoreContext)
    kept, now = (await rules_of(ctx)).kept, ctx.clock.now()
    read, unread = timedelta(days=kept.read_days), timedelta(days=kept.unread_days)
    await ctx.unit.execute(_REMOVE, now - read, now - unread)
