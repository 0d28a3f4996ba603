"""What an account does with its notifications: reading them off, and choosing how to be reached."""

import uuid
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from jingwei_core.notifications.channels import person_channels
from jingwei_core.notifications.hours import time_of_day
from jingwei_core.notifications.records import NOTIFICATION, NOTIFICATION_SETTING, READ
from jingwei_core.notifications.tables import Notification, NotificationSetting
from jingwei_core.session import CoreContext
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Denied, Invalid

Codes = Annotated[list[str], msgspec.Meta(max_length=10)]
TimeOfDay = Annotated[str, msgspec.Meta(max_length=5, description="HH:MM, the tenant's time")]
Times = Annotated[list[TimeOfDay], msgspec.Meta(max_length=6)]

_TOLD = 100
"""So many rows that were read off together are told to subscribers one by one."""
_READ_ALL = """
UPDATE core.notification SET read_at = $2, updated_at = $2, version = version + 1
 WHERE account = $1 AND read_at IS NULL AND created_at <= $3 RETURNING id
"""


class ReadUntil(msgspec.Struct, frozen=True):
    """Up to when notifications are read off: what was made later stays unread; now unless said."""

    until: datetime | None = None


class ReadOff(msgspec.Struct, frozen=True):
    """How many were read off."""

    count: int


class Choice(msgspec.Struct, frozen=True):
    """How to be reached; null is as the tenant's rules say, an empty list is not at all."""

    now_channels: Codes | None = None
    usual_channels: Codes | None = None
    digest_channels: Codes | None = None
    quiet_from: TimeOfDay | None = None
    quiet_to: TimeOfDay | None = None
    digest_at: Times | None = None
    locale: Literal["zh", "en"] | None = None


@command("notification.read", permission=READ, on=NOTIFICATION)
async def read_one(ctx: Context, target: Notification) -> Notification:
    """标为已读: read off a notification; one that was read stays as it is."""
    read_at: datetime | None = target.read_at
    if read_at is not None:
        return target
    stored = await ctx.data.update(target, read_at=ctx.clock.now())
    await ctx.signals.changed("Notification", stored.id, None)
    return stored


@command("notification.read-all", permission=READ, tenant_wide=True)
async def read_all(ctx: Context, given: ReadUntil) -> ReadOff:
    """全部已读: read off all of one's own notifications."""
    assert isinstance(ctx, CoreContext)
    now = ctx.clock.now()
    rows = await ctx.unit.fetch(_READ_ALL, _self(ctx), now, given.until or now)
    for row in rows[:_TOLD]:
        await ctx.signals.changed("Notification", row["id"], None)
    return ReadOff(len(rows))


@command("notification.choose", permission=READ, tenant_wide=True, returns=NOTIFICATION_SETTING)
async def choose(ctx: Context, choice: Choice) -> NotificationSetting:
    """设置接收方式: choose how to be reached, in place of what was chosen before.

    Raises ``Invalid``: ``NOTIFICATION_CHANNEL``, ``NOTIFICATION_TIME``, ``NOTIFICATION_QUIET``.
    """
    assert isinstance(ctx, CoreContext)
    _check(ctx, choice)
    values = msgspec.structs.asdict(choice)
    account = _self(ctx)
    found = await ctx.data.find(NotificationSetting, account=account)
    if found:
        stored = await ctx.data.update(found[0], **values)
    else:
        stored = await ctx.data.insert(NotificationSetting(account=account, **values))
    await ctx.signals.changed("NotificationSetting", stored.id, None)
    return stored


def _self(ctx: Context) -> uuid.UUID:
    account = ctx.actor.account_id
    if account is None:
        raise Denied("PERMISSION_DENIED", permission=READ)
    return account


def _check(ctx: CoreContext, choice: Choice) -> None:
    known = person_channels(ctx.registry)
    for name in ("now_channels", "usual_channels", "digest_channels"):
        for code in getattr(choice, name) or ():
            if code not in known:
                raise Invalid("NOTIFICATION_CHANNEL", field=name, value=code[:40])
    if (choice.quiet_from is None) != (choice.quiet_to is None):
        raise Invalid("NOTIFICATION_QUIET", field="quiet_to")
    for name in ("quiet_from", "quiet_to"):
        if getattr(choice, name) is not None:
            time_of_day(getattr(choice, name), name)
    for at in choice.digest_at or ():
        time_of_day(at, "digest_at")


COMMANDS = (read_one, read_all, choose)
