"""Deadlines (时限): how long an event may stay in a state, and in its whole loop.

A deadline is worked out once, when the state is entered, and stays with the event: changing a rule
or the calendar afterwards moves no deadline that people were told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from jingwei_core.events.work_clock import TimeUnit, WorkClock

WHOLE_LOOP = "*"
"""The state code of a rule that limits the whole loop, from registration to closing."""

WORKING_UNITS = (TimeUnit.WORK_HOUR, TimeUnit.WORK_DAY)
_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Rule:
    """A limit as the tenant's data says it; ``warn_at_percent`` of it used up, warn."""

    amount: Decimal
    unit: TimeUnit
    warn_at_percent: int


class TimeLimit(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A time limit as a definition says it, e.g. ``{amount = 2, unit = "work_hour"}``."""

    amount: float
    unit: TimeUnit
    warn_at_percent: int = 80

    def rule(self) -> Rule:
        """The same, exact."""
        return Rule(Decimal(str(self.amount)), self.unit, self.warn_at_percent)


@dataclass(frozen=True, slots=True)
class Limit:
    """When a limit ends, and when to warn of it (预警); both aware, in the tenant's zone."""

    due_at: datetime
    warn_at: datetime


@dataclass(frozen=True)
class Deadlines:
    """The limits of one profile, with the clock that measures them."""

    rules: Mapping[str, Rule]
    clock: WorkClock | None

    def entering(self, state: str, at: datetime) -> Limit | None:
        """The limit of a state entered at ``at``; ``None`` for a state without a rule."""
        rule = self.rules.get(state)
        if rule is None or self.clock is None:
            return None
        return limit_of(self.clock, rule, at)

    def moved(
        self, state: str, moment: datetime, paused_at: datetime, resumed_at: datetime
    ) -> datetime:
        """A moment of the limit of a state, or of the whole loop, that lay ahead when the clock
        stopped: as much is left of it as was left then, in the unit of its rule."""
        rule = self.rules.get(state)
        if rule is not None and self.clock is not None and rule.unit in WORKING_UNITS:
            left = self.clock.working_time_between(paused_at, moment)
            return self.clock.after(resumed_at, left)
        # In UTC: two times of one zone subtract by the wall.
        left = moment.astimezone(UTC) - paused_at.astimezone(UTC)
        return (resumed_at.astimezone(UTC) + left).astimezone(resumed_at.tzinfo)

    def whole_loop(self, registered_at: datetime) -> datetime | None:
        """When the whole loop must be closed; ``None`` without such a rule."""
        rule = self.rules.get(WHOLE_LOOP)
        if rule is None or self.clock is None:
            return None
        return self.clock.add(registered_at, rule.amount, rule.unit)


def limit_of(clock: WorkClock, rule: Rule, start: datetime) -> Limit:
    """The limit that begins at ``start``. A working unit warns after that share of the working
    time, any other after that share of the elapsed time."""
    due = clock.add(start, rule.amount, rule.unit)
    if rule.unit in WORKING_UNITS:
        total = clock.working_time_between(start, due)
        return Limit(due, clock.after(start, _share(total, rule.warn_at_percent)))
    # In UTC: two times of one zone subtract by the wall.
    begun = start.astimezone(UTC)
    share = _share(due.astimezone(UTC) - begun, rule.warn_at_percent)
    return Limit(due, (begun + share).astimezone(clock.timezone))


def _share(total: timedelta, percent: int) -> timedelta:
    return total * percent / _PERCENT
