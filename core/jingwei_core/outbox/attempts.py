"""Attempts (投递尝试): one call of a channel, guarded as a plugin's other code is."""

import asyncio
from datetime import timedelta

import structlog

from jingwei_core.commands.plugin_context import given_to
from jingwei_core.database.unit import Outdated
from jingwei_core.jobs.origins import CORE
from jingwei_core.outbox.channels import Owned
from jingwei_core.session import CoreContext
from jingwei_sdk.channels import MOST_REASON, Delivered, Later, Message, Outcome, Rejected
from jingwei_sdk.errors import JingweiError, Unavailable
from jingwei_sdk.settings import Secret

_log = structlog.get_logger(__name__)

NOT_SET_UP = "OUTBOX_CHANNEL_NOT_SET_UP"
MINUTE = timedelta(minutes=1)

_LATELY = """
SELECT count(*) FROM core.outbox_message
WHERE channel = $1 AND status = 'delivered' AND delivered_at > $2
"""


async def attempt(ctx: CoreContext, found: Owned, message: Message) -> Outcome:
    """How one call of the channel ended, within its time limit.

    What a channel raises is an attempt that failed, told by type only. A plugin's is counted under
    ``channel:<code>`` besides, and what it wrote is undone.
    """
    try:
        if found.plugin.id == CORE:
            async with asyncio.timeout(found.channel.timeout_s):
                return _short(await found.channel.deliver(given_to(CORE, ctx), message))
        lacking = _lacking(ctx, found)
        if lacking:
            code, tenant = found.channel.code, ctx.tenant.slug
            return Later(str(Unavailable(NOT_SET_UP, channel=code, tenant=tenant, lacking=lacking)))
        return await _guarded(ctx, found, message)
    except Outdated:
        raise  # the unit itself has to begin anew
    except JingweiError as error:
        return Later(error.code)
    except Exception as error:  # noqa: BLE001 - it may be anything; its text is not kept
        # What runs jobs is slow to import, and whoever lists messages needs none of it.
        from jingwei_core.jobs.running import report

        _log.warning("outbox_attempt_failed", channel=found.channel.code, why=report(error))
        return Later(type(error).__name__)


async def _guarded(ctx: CoreContext, found: Owned, message: Message) -> Outcome:
    async def work() -> Outcome:
        async with ctx.data.savepoint():
            answer = await found.channel.deliver(given_to(found.plugin.id, ctx), message)
            if not isinstance(answer, (Delivered, Rejected, Later)):
                raise TypeError("a channel answers how an attempt ended")
            return _short(answer)

    point = (ctx.tenant.id, found.plugin.id, f"channel:{found.channel.code}")
    return await ctx.platform.hooks.guarded(point, work, found.channel.timeout_s)


async def is_too_soon(ctx: CoreContext, found: Owned) -> bool:
    """Whether the channel took as many of the tenant's messages within a minute as it may.

    Deliveries that run at the same time do not see one another: a few more may go out.
    """
    most = found.channel.limits.per_minute
    if not most:
        return False
    lately = await ctx.data.fetchval(_LATELY, found.channel.code, ctx.clock.now() - MINUTE)
    return int(lately) >= most


def _lacking(ctx: CoreContext, found: Owned) -> list[str]:
    """The settings that the channel needs and the tenant has not set."""
    if not found.channel.needs:
        return []
    typed = found.plugin.settings
    plain = ctx.settings.get(found.plugin.id, {})
    held = ctx.settings_of(typed.schema) if typed is not None else None
    values = {
        name: getattr(held, name, None) if held is not None else plain.get(name)
        for name in found.channel.needs
    }
    return [name for name, value in values.items() if value in (None, "", Secret(""))]


def _short(outcome: Outcome) -> Outcome:
    """A reason is short, whatever the other side has said."""
    if isinstance(outcome, Rejected):
        return Rejected(outcome.reason[:MOST_REASON])
    if isinstance(outcome, Later):
        return Later(outcome.reason[:MOST_REASON], outcome.after_s)
    return outcome
