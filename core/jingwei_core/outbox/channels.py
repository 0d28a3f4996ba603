"""Channels (渠道): how a message leaves the system. Short messages and WeChat are for an integrator
to add behind the same protocol; none is imitated here."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import structlog

from jingwei_core.outbox.outbox_settings import OutboxSettings
from jingwei_sdk.errors import Unavailable

_log = structlog.get_logger(__name__)

LOG = "log"
WEBHOOK = "webhook"
CHANNEL_NAMES = (LOG, WEBHOOK)


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way out; ``id`` stays the same over all attempts."""

    id: uuid.UUID
    tenant: str
    payload: Mapping[str, Any]
    sent_at: datetime


class Channel(Protocol):
    """A way out of the system."""

    async def deliver(self, message: Message) -> None:
        """Return when the receiver has the message.

        Raises ``Unavailable`` if another attempt may succeed, any other ``JingweiError`` if not;
        neither carries anything of the message.
        """
        ...


class LogChannel:
    """Writes that a message was sent, with the names of its fields and none of their values."""

    async def deliver(self, message: Message) -> None:
        """One line in the log."""
        _log.info(
            "outbox_message",
            message=str(message.id),
            tenant=message.tenant,
            fields=sorted(message.payload),
        )


def open_channel(name: str, tenant: str, settings: OutboxSettings) -> Channel:
    """The channel as this deployment has it set up for the tenant (by slug).

    Raises ``Unavailable`` (``OUTBOX_CHANNEL_NOT_SET_UP``): a later attempt may find it set up.
    """
    if name == LOG:
        return LogChannel()
    target = settings.webhook_of(tenant) if name == WEBHOOK else None
    if target is None:
        raise Unavailable("OUTBOX_CHANNEL_NOT_SET_UP", channel=name, tenant=tenant)
    # Its HTTP client is for processes that send.
    from jingwei_core.outbox.webhook import Webhook

    return Webhook(target, settings)
