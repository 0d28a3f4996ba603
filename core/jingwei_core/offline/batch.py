"""What a device sends that was offline (离线批次), and what it is told of each action.

Every action of a batch is a command of its own, with its own transaction, in the order given. Its
key makes it happen once, however often the batch is sent: keys are good for thirty days.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from jingwei_sdk.errors import Invalid

MOST_ACTIONS = 50
MOST_HELD = 1000
LONGEST_OFFLINE = timedelta(days=29)
"""A day less than an idempotency key is good for."""
CLOCK_SKEW = timedelta(minutes=10)
"""By how much a device's clock may be fast."""
ROW_OF = "@row:"
"""``@row:KEY`` in arguments stands for the id of the row that the action with this key made."""

Key = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class OfflineAction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mutation that a device wants done, as it would have sent it online."""

    key: Annotated[Key, msgspec.Meta(description="the mutation's idempotency key")]
    mutation: Annotated[
        str, msgspec.Meta(max_length=200, description="its name, for example eventReport")
    ]
    arguments: Annotated[
        dict[str, Any],
        msgspec.Meta(
            description="all but the key; @row:KEY stands for the row of an earlier action"
        ),
    ]
    happened_at: Annotated[
        datetime, msgspec.Meta(tz=True, description="when, by the device's clock")
    ]


class HeldRows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rows that a device holds a copy of."""

    record: Annotated[str, msgspec.Meta(max_length=200, description="for example Event")]
    ids: Annotated[
        tuple[str, ...], msgspec.Meta(max_length=MOST_HELD, description="global ids of this record")
    ]


class OfflineBatch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a device did while it was without a network, oldest first, and what it holds."""

    actions: Annotated[tuple[OfflineAction, ...], msgspec.Meta(max_length=MOST_ACTIONS)] = ()
    held: Annotated[tuple[HeldRows, ...], msgspec.Meta(max_length=20)] = ()


class OfflineStatus(StrEnum):
    """What became of an action."""

    APPLIED = "applied"
    """Done now."""
    REPLAYED = "replayed"
    """It had been done before; nothing was done again."""
    CONFLICT = "conflict"
    """The row has moved on: look at it and decide. Nothing was overwritten."""
    REFUSED = "refused"
    """Not allowed or not sound; sending it again changes nothing."""
    SKIPPED = "skipped"
    """An action that it builds on was not done."""
    LATER = "later"
    """Not tried, or not possible now: send it again."""


class OfflineOutcome(msgspec.Struct, frozen=True):
    """What became of one action."""

    key: str
    status: OfflineStatus
    row_id: Annotated[str | None, msgspec.Meta(description="global id of the row")] = None
    code: Annotated[str | None, msgspec.Meta(description="code of the error")] = None
    message: Annotated[str | None, msgspec.Meta(description="in your language")] = None
    field: Annotated[str | None, msgspec.Meta(description="what of the arguments")] = None
    next_step: str | None = None


class OfflineAnswer(msgspec.Struct, frozen=True):
    """What became of a batch."""

    outcomes: Annotated[
        tuple[OfflineOutcome, ...], msgspec.Meta(description="one for each action, in its order")
    ]
    left: Annotated[
        tuple[str, ...],
        msgspec.Meta(description="those of the held rows that are out of your sight: remove them"),
    ]


class NotYet(Exception):
    """An action names the row of another one that was not done."""


def check_batch(batch: OfflineBatch) -> None:
    """Raise ``Invalid`` (``OFFLINE_KEY_TWICE``) where one key names two actions, ``row`` counting
    them from 1."""
    seen: set[str] = set()
    for number, action in enumerate(batch.actions, start=1):
        if action.key in seen:
            raise Invalid("OFFLINE_KEY_TWICE", field="actions.key", row=number, key=action.key)
        seen.add(action.key)


def check_time(action: OfflineAction, now: datetime) -> None:
    """Raise ``Invalid``: ``OFFLINE_FUTURE`` for a clock that is fast, ``OFFLINE_TOO_OLD`` for what
    is so old that its key may be forgotten and it could be done twice."""
    if action.happened_at > now + CLOCK_SKEW:
        raise Invalid("OFFLINE_FUTURE", field="happenedAt", minutes=_minutes(CLOCK_SKEW))
    if action.happened_at < now - LONGEST_OFFLINE:
        raise Invalid("OFFLINE_TOO_OLD", field="happenedAt", days=LONGEST_OFFLINE.days)


def with_rows(arguments: Mapping[str, Any], rows: Mapping[str, str | None]) -> dict[str, Any]:
    """The arguments with the ids of rows that earlier actions answered, by their keys.

    Raises :class:`NotYet` where that action was not done, ``Invalid`` (``OFFLINE_ROW_UNKNOWN``) for
    a key of no earlier action.
    """
    filled = _filled(arguments, rows)
    assert isinstance(filled, dict)
    return filled


def _filled(value: Any, rows: Mapping[str, str | None]) -> Any:
    if isinstance(value, str) and value.startswith(ROW_OF):
        key = value.removeprefix(ROW_OF)
        if key not in rows:
            raise Invalid("OFFLINE_ROW_UNKNOWN", field="arguments", key=key)
        row = rows[key]
        if row is None:
            raise NotYet
        return row
    if isinstance(value, Mapping):
        return {name: _filled(item, rows) for name, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_filled(item, rows) for item in value]
    return value


def _minutes(span: timedelta) -> int:
    return int(span.total_seconds() // 60)
