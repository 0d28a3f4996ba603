"""Telling the others (通知他人): whoever acts knows of it already."""

import uuid
from collections.abc import Iterable

from jingwei_core.events.ports import Message, is_there
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context


async def tell_others(ctx: Context, accounts: Iterable[uuid.UUID], message: Message) -> None:
    """Tell each of the accounts once, the actor left out; nothing where no room tells people
    anything."""
    assert isinstance(ctx, CoreContext)
    notifier = ctx.platform.event_ports.notifier
    told = tuple(sorted({one for one in accounts if one != ctx.actor.account_id}))
    if told and is_there(notifier):
        await notifier.tell(ctx, told, message)
