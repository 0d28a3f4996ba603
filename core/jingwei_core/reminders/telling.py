"""Telling accounts (发送提醒) what is due: once a day for each matter, and only who is active."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from jingwei_core.commands.plugin_context import given_by_claim
from jingwei_core.notifications.telling import Post, post
from jingwei_core.notifications.texts import stored_params
from jingwei_core.reminders.tables import Reminder
from jingwei_core.session import CoreContext
from jingwei_sdk import reminders
from jingwei_sdk.context import Context

KEPT_FOR = timedelta(days=90)
"""Whoever did not look within this time does not need the reminder any more."""

_ACTIVE = "SELECT id FROM core.account WHERE status = 'active' AND id = ANY($1)"


async def tell(ctx: Context, code: str, declared: reminders.Reminder) -> int:
    """Look for what is due and keep a reminder of each; how many are new.

    Raises what the plugin raises; then nothing is kept.
    """
    assert isinstance(ctx, CoreContext)
    due = await declared.find(given_by_claim(f"reminder:{code}", ctx))
    today = ctx.today()
    told = {
        (row.account, row.subject_type, row.subject_id)
        for row in await ctx.data.find(Reminder, code=code, day=today)
    }
    active = await _active(ctx, due)
    new: dict[tuple[object, str, object], Reminder] = {}
    for one in due:
        key = (one.account, *one.about)
        if one.account in active and key not in told and key not in new:
            new[key] = Reminder(
                account=one.account,
                code=code,
                message=declared.message,
                params=msgspec.to_builtins(dict(one.params)),
                subject_type=one.about[0],
                subject_id=one.about[1],
                day=today,
            )
    for row in await ctx.data.insert_all(list(new.values())):
        await ctx.signals.changed("Reminder", row.id, None)
        await _into_inbox(ctx, row)
    return len(new)


async def _into_inbox(ctx: Context, row: Reminder) -> None:
    """The same for the inbox, and with it for whatever way out the account wants; once."""
    cause = f"reminder:{row.id}"
    about = (row.subject_type, row.subject_id)
    told = Post(row.message, stored_params(row.params), about, cause=cause)
    await post(ctx, (row.account,), told)


async def _active(ctx: Context, due: Sequence[reminders.Due]) -> frozenset[object]:
    rows = await ctx.data.fetch(_ACTIVE, list({one.account for one in due}))
    return frozenset(row["id"] for row in rows)


async def remove_old(ctx: Context) -> None:
    """Remove the reminders of days more than :data:`KEPT_FOR` ago."""
    assert isinstance(ctx, CoreContext)
    await ctx.unit.execute("DELETE FROM core.reminder WHERE day < $1", ctx.today() - KEPT_FOR)
