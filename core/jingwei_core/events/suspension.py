"""Suspension (挂起): the clocks of an event stand still while it waits, and go on afterwards."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from jingwei_core.events.deadlines import WHOLE_LOOP, Deadlines


class Suspended(msgspec.Struct, frozen=True):
    """What stands still: the state it was suspended in with that state's limit, the limit of the
    whole loop, and since when; kept in ``event.suspended``."""

    state: str
    paused_at: datetime
    due_at: datetime | None = None
    warn_at: datetime | None = None
    whole_due_at: datetime | None = None

    def stored(self) -> dict[str, Any]:
        """As a JSON value."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


def suspended_of(stored: Any) -> Suspended | None:
    """The value of the column."""
    return None if stored is None else msgspec.convert(stored, Suspended)


@dataclass(frozen=True, slots=True)
class Resumed:
    """The limits with which an event goes on."""

    due_at: datetime | None
    warn_at: datetime | None
    whole_due_at: datetime | None


def resumed(held: Suspended, deadlines: Deadlines, now: datetime) -> Resumed:
    """The limits moved by the time that stood still: in working units by the working time that was
    left, in elapsed units by the elapsed time. What had passed before stays as it was."""

    def moved(moment: datetime | None, state: str) -> datetime | None:
        if moment is None or moment <= held.paused_at:
            return moment
        return deadlines.moved(state, moment, held.paused_at, now)

    return Resumed(
        moved(held.due_at, held.state),
        moved(held.warn_at, held.state),
        moved(held.whole_due_at, WHOLE_LOOP),
    )
