"""How an account is reached (接收方式): as it chose, or as the tenant's rules say."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from jingwei_core.notifications.bundling import Hours
from jingwei_core.notifications.hours import time_of_day
from jingwei_core.notifications.rules import Rules
from jingwei_core.notifications.states import Urgency
from jingwei_sdk.context import Context

_SETTING = """
SELECT now_channels, usual_channels, digest_channels, quiet_from, quiet_to, digest_at, locale
  FROM core.notification_setting WHERE account = $1
"""


class Wishes(msgspec.Struct, frozen=True):
    """The channels for each urgency, the hours, and the language."""

    channels: Mapping[Urgency, tuple[str, ...]]
    hours: Hours
    locale: str


async def wishes_of(ctx: Context, account: UUID, rules: Rules) -> Wishes:
    """How the account is reached now."""
    rows = await ctx.data.fetch(_SETTING, account)
    return wished(rows[0] if rows else {}, rules)


def wished(chosen: Mapping[str, Any], rules: Rules) -> Wishes:
    """The same from the row of the account's setting, which may have nothing."""

    def own(name: str, usual: Any) -> Any:
        value = chosen.get(name)
        return usual if value is None else value

    quiet, bundle = rules.quiet, rules.bundle
    hours = Hours(
        begins=time_of_day(own("quiet_from", quiet.begins)),
        ends=time_of_day(own("quiet_to", quiet.ends)),
        digest_at=tuple(time_of_day(at) for at in own("digest_at", rules.digest_at)),
        most=bundle.most,
        window=timedelta(minutes=bundle.window_minutes),
    )
    channels = {
        each: tuple(own(f"{each.value}_channels", getattr(rules.channels, each.value)))
        for each in Urgency
    }
    return Wishes(channels, hours, own("locale", "zh"))
