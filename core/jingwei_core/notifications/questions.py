"""What is unread (未读数): counted through an index that holds nothing else."""

import msgspec

from jingwei_core.notifications.records import READ
from jingwei_sdk.context import Context
from jingwei_sdk.questions import Question

MOST_COUNTED = 1000
"""Nobody needs to know by how many more; the counting ends there."""

_UNREAD = f"""
SELECT count(*) FROM (
    SELECT 1 FROM core.notification WHERE account = $1 AND read_at IS NULL LIMIT {MOST_COUNTED}
) unread
"""


class Unread(msgspec.Struct, frozen=True):
    """How many of one's own notifications are unread; ``is_more``: at least so many."""

    count: int
    is_more: bool


async def unread(ctx: Context) -> Unread:
    """The actor's own; whoever is no account has none."""
    if ctx.actor.account_id is None:
        return Unread(0, is_more=False)
    count = await ctx.data.fetchval(_UNREAD, ctx.actor.account_id)
    return Unread(count, count >= MOST_COUNTED)


QUESTIONS = (
    Question(
        "unread_notifications",
        Unread,
        unread,
        permission=READ,
        description="How many of your notifications are unread (未读通知数).",
    ),
)
