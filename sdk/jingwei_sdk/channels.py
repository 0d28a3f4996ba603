"""Channels (渠道): ways out of the platform for messages: short messages, WeChat, mail, a webhook.

A plugin declares how one message is delivered; that it is stored with what caused it, tried again
when the other side is away, and given up at last, is the platform's::

    async def by_sms(ctx: Context, message: Message) -> Outcome:
        gateway = ctx.settings_of(SmsSettings)
        ...
        return Delivered()

    Channel("sms", "短信", "Short message", by_sms, reaches="person", needs=("gateway_key",),
            limits=Limits(longest_text=500, per_minute=60))

``await ctx.signals.send("sms", Letter(text="…", account=worker))`` puts a message into the outbox.
"""

import inspect
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused

CODE = re.compile(r"^[a-z][a-z0-9_]{1,39}$")
MOST_REASON = 200
"""Characters of a reason; what follows is left out."""

Reaches = Literal["person", "endpoint"]
"""``person``: a message is a :class:`Letter` to an account or an address. ``endpoint``: it is JSON
for a machine, whose address is set where the channel is set up."""


class Letter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A message to a person (致人消息): to an ``account`` of the tenant, whose address the channel
    finds, or to an ``address``: a telephone number, an e-mail address, a WeChat id. ``link`` leads
    to what it is about; ``text`` and ``subject`` are in the language ``locale``."""

    text: str
    account: uuid.UUID | None = None
    address: str = ""
    subject: str = ""
    link: str = ""
    locale: Literal["zh", "en"] = "zh"


@dataclass(frozen=True, slots=True)
class Message:
    """A message on its way out.

    ``id`` is the same over all attempts: it is the idempotency key for the other side. ``letter``
    is there where the channel reaches persons; ``data`` is the message as plain JSON values.
    ``sent_at`` is the instant of this attempt, aware.
    """

    id: uuid.UUID
    data: Mapping[str, Any]
    sent_at: datetime
    letter: Letter | None = None


@dataclass(frozen=True, slots=True)
class Delivered:
    """The other side has the message."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """It will never be taken; the message is given up. ``reason`` is told to operators: a code of
    the other side, nothing of the message."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """Another attempt may succeed; the platform makes it, after ``after_s`` seconds if the other
    side has said so. ``reason`` as :class:`Rejected` has it."""

    reason: str
    after_s: float = 0.0


Outcome = Delivered | Rejected | Later
"""How one attempt ended."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the other side takes: characters of a text, and messages of a tenant in a minute; 0 is
    no limit. A longer text is refused when it is sent (``CHANNEL_TEXT_TOO_LONG``); messages beyond
    the rate wait for their turn, which costs them no attempt."""

    longest_text: int = 0
    per_minute: int = 0


@dataclass(frozen=True, slots=True)
class Channel:
    """A way out.

    ``deliver(ctx, message)`` makes one attempt within ``timeout_s`` seconds and says how it ended.
    It runs as a job, in a unit of work that begins with its first use of ``ctx.data``: ask the
    other side before, and no transaction waits for it. What it raises is an attempt that failed,
    what it wrote is then undone, and failures count in the plugin's health and breaker. A worker
    that dies meanwhile leaves a message that is sent again, with the same id. ``needs`` names
    settings of the plugin without which the channel is not set up in a tenant: its messages wait.

    Raises ``Refused`` (``CHANNEL_DECLARATION``).
    """

    code: str
    zh: str
    en: str
    deliver: Callable[[Context, Message], Awaitable[Outcome]]
    reaches: Reaches = "endpoint"
    needs: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    timeout_s: float = 30.0
    description: str = ""

    def __post_init__(self) -> None:
        wrong = _wrong(self)
        if wrong:
            raise Refused("CHANNEL_DECLARATION", channel=self.code, cause=wrong)


def _wrong(channel: Channel) -> str:
    """What is wrong with a declaration, in a few words; empty for nothing."""
    if not CODE.match(channel.code):
        return "the code is lower-case letters, digits and _"
    if not (channel.zh.strip() and channel.en.strip()):
        return "a name in each language"
    if not inspect.iscoroutinefunction(channel.deliver):
        return "deliver is not async"
    limits = channel.limits
    if min(limits.longest_text, limits.per_minute) < 0 or not 0 < channel.timeout_s <= 120:
        return "limits are not negative, timeout_s is at most 120"
    return ""
