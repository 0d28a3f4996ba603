"""Reminders (提醒): who is told of what is due, on a schedule."""

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jingwei_sdk.context import Context


@dataclass(frozen=True, slots=True)
class Due:
    """One thing to remind an account of; ``about`` is the record's type name and id. The same
    account is told once of the same ``about`` on one day."""

    account: uuid.UUID
    about: tuple[str, uuid.UUID]
    params: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reminder:
    """What is looked for on ``schedule`` (cron, the tenant's time zone); ``message`` is the code of
    the text in the plugin's catalogue."""

    code: str
    schedule: str
    find: Callable[[Context], Awaitable[Sequence[Due]]]
    message: str
