"""Channels (渠道) of a tenant: which its enabled packages declare, and the core's own two.

The core contributes ``webhook`` and ``log`` by the declaration that a plugin uses for short
messages or WeChat; none of those is imitated here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from jingwei_core.outbox.outbox_settings import read_outbox_settings
from jingwei_sdk.channels import Channel, Delivered, Later, Letter, Message, Outcome, Rejected
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, JingweiError, Unavailable
from jingwei_sdk.plugin import Plugin

if TYPE_CHECKING:
    from jingwei_core.registry import Registry

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Owned:
    """A channel and the package that declares it."""

    plugin: Plugin
    channel: Channel


def find_channel(registry: "Registry", code: str) -> Owned | None:
    """The channel of this code among those of the enabled packages."""
    for plugin in registry.plugins:
        for channel in plugin.channels:
            if channel.code == code:
                return Owned(plugin, channel)
    return None


def channel_of(registry: "Registry", code: str) -> Owned:
    """As :func:`find_channel`; raises ``Invalid`` (``OUTBOX_CHANNEL_UNKNOWN``)."""
    found = find_channel(registry, code)
    if found is None:
        known = [channel.code for plugin in registry.plugins for channel in plugin.channels]
        raise Invalid("OUTBOX_CHANNEL_UNKNOWN", channel=code, known=known)
    return found


def letter_of(data: Mapping[str, Any]) -> Letter:
    """The letter that plain values are; raises ``Invalid`` (``OUTBOX_LETTER``) for what is none:
    it has a text, and exactly one of account and address."""
    try:
        letter = msgspec.convert(data, Letter)
    except msgspec.ValidationError as error:
        raise Invalid("OUTBOX_LETTER", cause=str(error)) from None
    if not letter.text.strip() or (letter.account is None) == (not letter.address):
        raise Invalid("OUTBOX_LETTER", cause="a text, and an account or an address")
    return letter


async def by_webhook(ctx: Context, message: Message) -> Outcome:
    """One signed POST to the target that the operator set for the tenant."""
    # Its HTTP client is for processes that send.
    from jingwei_core.outbox.webhook import Webhook

    tenant = ctx.tenant.slug
    try:
        settings = read_outbox_settings()
        target = settings.webhook_of(tenant)
        if target is None:
            raise Unavailable("OUTBOX_CHANNEL_NOT_SET_UP", channel="webhook", tenant=tenant)
        await Webhook(target, settings).deliver(message, tenant)
    except Unavailable as failure:
        return Later(str(failure))
    except JingweiError as failure:
        return Rejected(str(failure))
    return Delivered()


async def to_log(ctx: Context, message: Message) -> Outcome:
    """One line with the names of the message's fields and none of their values."""
    fields = sorted(message.data)
    _log.info("outbox_message", message=str(message.id), tenant=ctx.tenant.slug, fields=fields)
    return Delivered()


CHANNELS = (
    Channel(
        "webhook",
        "回调",
        "Webhook",
        by_webhook,
        timeout_s=60.0,
        description="One signed POST of JSON to the address that the operator set for the tenant.",
    ),
    Channel("log", "日志", "Log", to_log, description="A line in the log without any value."),
)
"""What the core contributes."""
