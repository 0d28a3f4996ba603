"""The work clock (工作时钟): what time it is for someone who works by the tenant's calendar.

Units and where they come from:

- ``hour`` (小时): elapsed time, day and night.
- ``work_hour`` (工作时): time inside working hours only; it pauses at breaks, nights and holidays.
- ``work_day`` (工作日) and ``day`` (日): the day on which the time begins does not count, it runs
  from the next day (民法典 art. 201); the last day ends at 24:00, or where there are business
  hours at their end (art. 203). So a ``work_day`` limit ends when work ends on its last working
  day, and a ``day`` limit at the midnight after its last calendar day. A ``day`` limit runs through
  holidays: a rule that spares them says ``work_day`` (art. 204 leaves that to the rule).

Every instant is aware; a naive one is refused, since a deadline without a zone is no deadline.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jingwei_sdk.errors import Invalid

WEEKDAYS = 7
ONE_DAY = timedelta(days=1)
_DAYS_KEPT = 1000
_MICROSECONDS_PER_HOUR = 3_600_000_000

Span = tuple[datetime, datetime]


class TimeUnit(StrEnum):
    """Units of a time limit (时限单位)."""

    HOUR = "hour"
    WORK_HOUR = "work_hour"
    WORK_DAY = "work_day"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Shift:
    """A stretch of working time in one day, local time, ``begin`` before ``end``."""

    begin: time
    end: time


@dataclass(frozen=True)
class WorkClock:
    """Working hours by weekday (Monday first), the days that differ, and the tenant's zone.

    ``days`` says of a date that it is a working day although its weekday is not (调休) or the
    reverse (节假日); ``make_up`` are the hours of a make-up working day.
    """

    timezone: ZoneInfo
    week: tuple[tuple[Shift, ...], ...]
    make_up: tuple[Shift, ...]
    days: Mapping[date, bool] = field(default_factory=dict)
    _spans: dict[date, tuple[Span, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        for name, shifts in (("working_hours", self.make_up), *_named(self.week)):
            _check_shifts(name, shifts)
        if len(self.week) != WEEKDAYS or not any(self.week):
            raise Invalid("CALENDAR_INVALID", field="weekend", reason="no working weekday")

    def shifts(self, day: date) -> tuple[Shift, ...]:
        """The working hours of a local date; empty for a day of rest."""
        regular = self.week[day.weekday()]
        is_working = self.days.get(day)
        if is_working is None:
            return regular
        if is_working:
            return regular or self.make_up
        return ()

    def is_working_day(self, day: date) -> bool:
        """Whether anyone works on that local date (工作日)."""
        return bool(self.shifts(day))

    def add(self, start: datetime, amount: Decimal | int, unit: TimeUnit | str) -> datetime:
        """The instant at which a limit that begins at ``start`` ends, in the tenant's zone.

        Raises ``Invalid``: ``TIME_WITHOUT_ZONE``, ``TIME_UNIT_UNKNOWN``, ``TIME_AMOUNT`` (not
        positive, or a fraction of a day).
        """
        self._require_zone(start)
        unit, days, span = _read_limit(str(amount), unit)
        if unit is TimeUnit.HOUR:
            return (start.astimezone(UTC) + span).astimezone(self.timezone)
        if unit is TimeUnit.WORK_HOUR:
            return self.after(start, span)
        first = start.astimezone(self.timezone).date()
        if unit is TimeUnit.DAY:
            return _local(first + ONE_DAY * (days + 1), time.min, self.timezone)
        return self._end_of_work_day(first, days)

    def after(self, start: datetime, worked: timedelta) -> datetime:
        """The earliest instant from ``start`` on at which ``worked`` working time has passed."""
        self._require_zone(start)
        if worked <= timedelta():
            return start.astimezone(self.timezone)
        start = start.astimezone(UTC)
        for begin, end in self._spans_from(start):
            available = end - max(begin, start)
            if available >= worked:
                return (max(begin, start) + worked).astimezone(self.timezone)
            worked -= max(available, timedelta())
        raise AssertionError("the calendar has working days without end")

    def working_time_between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from ``start`` to ``end``; negative when ``end`` comes first."""
        self._require_zone(start)
        self._require_zone(end)
        # In UTC first: two times of one zone compare by the wall, wrong when clocks change.
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        if end < start:
            return -self.working_time_between(end, start)
        total = timedelta()
        for begin, finish in self._spans_from(start):
            if begin >= end:
                break
            total += max(min(finish, end) - max(begin, start), timedelta())
        return total

    def _end_of_work_day(self, first: date, count: int) -> datetime:
        day = first
        while count:
            day += ONE_DAY
            count -= self.is_working_day(day)
        return _local(day, self.shifts(day)[-1].end, self.timezone)

    def _spans_from(self, start: datetime) -> Iterator[Span]:
        """Working stretches in UTC from the local day of ``start`` on, without end."""
        day = start.astimezone(self.timezone).date()
        while True:
            spans = self._spans.get(day)
            if spans is None:
                spans = self._remember(day)
            yield from spans
            day += ONE_DAY

    def _remember(self, day: date) -> tuple[Span, ...]:
        """The working stretches of a day in UTC, kept: a clock is asked for the same days again."""
        if len(self._spans) >= _DAYS_KEPT:
            self._spans.clear()
        found = self._spans[day] = tuple(
            (
                _local(day, shift.begin, self.timezone).astimezone(UTC),
                _local(day, shift.end, self.timezone).astimezone(UTC),
            )
            for shift in self.shifts(day)
        )
        return found

    @staticmethod
    def _require_zone(moment: datetime) -> None:
        if moment.utcoffset() is None:
            raise Invalid("TIME_WITHOUT_ZONE", value=moment.isoformat())


def read_work_clock(
    definition: Mapping[str, Any], days: Mapping[date, bool], timezone: ZoneInfo
) -> WorkClock:
    """The clock of a stored calendar (``core.work_calendar.definition``), which reads as the
    package's ``calendar.toml``::

        {"working_hours": [{"begin": "08:30", "end": "12:00"}, ...], "weekend": [6, 7],
         "hours_by_weekday": {"5": [{"begin": "08:30", "end": "11:30"}]}}

    ``weekend`` and the optional ``hours_by_weekday`` use ISO weekdays, 1 for Monday. Raises
    ``Invalid`` (``CALENDAR_INVALID``) with the field.
    """
    regular = _read_shifts("working_hours", definition.get("working_hours"))
    weekend = definition.get("weekend", [])
    special = definition.get("hours_by_weekday", {})
    week = tuple(
        _read_shifts(f"hours_by_weekday.{number}", special[str(number)])
        if str(number) in special
        else (() if number in weekend else regular)
        for number in range(1, WEEKDAYS + 1)
    )
    return WorkClock(timezone=timezone, week=week, make_up=regular, days=dict(days))


def hours(amount: Decimal | int) -> timedelta:
    """``amount`` hours, exact to the microsecond."""
    return timedelta(microseconds=int(Decimal(amount) * _MICROSECONDS_PER_HOUR))


@lru_cache(maxsize=1024)
def _read_limit(told: str, unit: TimeUnit | str) -> tuple[TimeUnit, int, timedelta]:
    """The unit, and the amount as days or as a span of time, whichever the unit is of.

    Raises ``Invalid`` as :meth:`WorkClock.add` does.
    """
    unit, amount = _unit(unit), Decimal(told)
    if not amount.is_finite() or amount <= 0:
        raise Invalid("TIME_AMOUNT", field="amount", amount=told, unit=unit.value)
    if unit in (TimeUnit.HOUR, TimeUnit.WORK_HOUR):
        return unit, 0, hours(amount)
    if amount != amount.to_integral_value():
        raise Invalid("TIME_AMOUNT", field="amount", amount=told, unit=unit.value)
    return unit, int(amount), timedelta()


def _unit(unit: TimeUnit | str) -> TimeUnit:
    if isinstance(unit, TimeUnit):
        return unit
    try:
        return TimeUnit(unit)
    except ValueError as error:
        raise Invalid("TIME_UNIT_UNKNOWN", field="unit", unit=unit) from error


def _local(day: date, at: time, timezone: ZoneInfo) -> datetime:
    return datetime.combine(day, at, tzinfo=timezone)


def _named(week: Sequence[tuple[Shift, ...]]) -> Iterator[tuple[str, tuple[Shift, ...]]]:
    for number, shifts in enumerate(week, start=1):
        if shifts:
            yield f"hours_by_weekday.{number}", shifts


def _check_shifts(name: str, shifts: Sequence[Shift]) -> None:
    previous = time.min
    for shift in shifts:
        if not previous <= shift.begin < shift.end:
            raise Invalid("CALENDAR_INVALID", field=name, reason="hours overlap or run backwards")
        previous = shift.end
    if not shifts:
        raise Invalid("CALENDAR_INVALID", field=name, reason="no working hours")


def _read_shifts(name: str, value: Any) -> tuple[Shift, ...]:
    try:
        return tuple(
            Shift(time.fromisoformat(item["begin"]), time.fromisoformat(item["end"]))
            for item in value
        )
    except (TypeError, KeyError, ValueError) as error:
        raise Invalid("CALENDAR_INVALID", field=name, reason="begin and end as HH:MM") from error
