"""What leaves now, together or by itself, and what waits (外发编排): decided by values alone.

Never more than ``most`` letters within a window, none in quiet hours, and nothing is lost: only
what is urgent leaves whatever the hour and however much has left.
"""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, time, timedelta

import msgspec

from jingwei_core.notifications.hours import next_of, quiet_until
from jingwei_core.notifications.states import Urgency


class Waiting(msgspec.Struct, frozen=True):
    """A notification that has not left; ``until`` is when it was to be looked at again."""

    id: uuid.UUID
    urgency: Urgency
    until: datetime | None = None


class Hours(msgspec.Struct, frozen=True):
    """When an account is reached: quiet from ``begins`` until ``ends``, digests at ``digest_at``,
    ``most`` letters within ``window``."""

    begins: time
    ends: time
    digest_at: tuple[time, ...]
    most: int
    window: timedelta


class Verdict(msgspec.Struct, frozen=True):
    """``letters`` that leave now, each of one notification or of several, and what waits until
    when."""

    letters: tuple[tuple[uuid.UUID, ...], ...]
    later: Mapping[uuid.UUID, datetime]


def decide(
    waiting: Sequence[Waiting], lately: Sequence[datetime], hours: Hours, now: datetime
) -> Verdict:
    """What becomes of what waits for an account, oldest first, at ``now`` in the tenant's zone.

    ``lately`` are the instants at which letters left that were not urgent, oldest first.
    """
    urgent = [(one.id,) for one in waiting if one.urgency is Urgency.NOW]
    ripe, later = _ripe(waiting, hours, now)
    together = [one.id for one in ripe]
    recent = [at for at in lately if at > now - hours.window]
    until = quiet_until(now, hours.begins, hours.ends)
    if until is None and len(recent) >= hours.most:
        until = recent[-hours.most] + hours.window
    if until is not None:
        return Verdict(tuple(urgent), {**later, **dict.fromkeys(together, until)})
    room = hours.most - len(recent)
    is_digest = any(one.urgency is Urgency.DIGEST for one in ripe) or len(together) > room
    letters = [tuple(together)] if is_digest and together else [(one,) for one in together]
    return Verdict((*urgent, *letters), later)


def _ripe(
    waiting: Sequence[Waiting], hours: Hours, now: datetime
) -> tuple[list[Waiting], dict[uuid.UUID, datetime]]:
    """What is not urgent and could leave now, and what waits for its digest."""
    ripe: list[Waiting] = []
    later: dict[uuid.UUID, datetime] = {}
    for one in waiting:
        if one.urgency is Urgency.NOW:
            continue
        at = next_of(now, hours.digest_at) if one.urgency is Urgency.DIGEST else None
        if at is None or (one.until is not None and one.until <= now):
            ripe.append(one)
        else:
            later[one.id] = one.until or at
    return ripe, later
