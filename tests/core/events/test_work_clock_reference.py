"""The work clock against a slow reference that looks at every minute, one after the other."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from jingwei_core.events.work_clock import TimeUnit, read_work_clock

MINUTE = timedelta(minutes=1)
Hours = tuple[tuple[int, int], ...]
"""Stretches of a day, in minutes since midnight."""


def hours(quarters: list[int]) -> Hours:
    """Stretches between each pair of an even number of different quarters of a day."""
    ordered = [15 * quarter for quarter in sorted(quarters)]
    return tuple(zip(ordered[::2], ordered[1::2], strict=True))


STRETCHES = st.sampled_from([2, 4]).flatmap(
    lambda count: st.lists(st.integers(24, 80), min_size=count, max_size=count, unique=True)
)
WEEKENDS = st.sampled_from([(6, 7), (7,), (5, 6), ()])
DAYS = st.dictionaries(st.dates(date(2026, 1, 20), date(2026, 3, 20)), st.booleans(), max_size=20)
ZONES = st.sampled_from([ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Urumqi")])
STARTS = st.datetimes(
    min_value=datetime(2026, 2, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2026, 2, 28),  # noqa: DTZ001
).map(lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC))


class Reference:
    """Working time as somebody with a watch and a calendar on the wall would count it."""

    def __init__(
        self, regular: Hours, weekend: tuple[int, ...], days: Mapping[date, bool], zone: ZoneInfo
    ) -> None:
        self.regular, self.weekend, self.days, self.zone = regular, weekend, days, zone

    def definition(self) -> dict[str, Any]:
        """The same as calendar.toml says it."""
        shifts = [{"begin": _clock(begin), "end": _clock(end)} for begin, end in self.regular]
        return {"working_hours": shifts, "weekend": list(self.weekend)}

    def works(self, moment: datetime) -> bool:
        """Whether the minute that begins then is worked."""
        local = moment.astimezone(self.zone)
        if not self.works_on(local.date()):
            return False
        minute = local.hour * 60 + local.minute
        return any(begin <= minute < end for begin, end in self.regular)

    def works_on(self, day: date) -> bool:
        return self.days.get(day, day.isoweekday() not in self.weekend)

    def after(self, start: datetime, minutes: int) -> datetime:
        for moment in _minutes_from(start):
            minutes -= self.works(moment)
            if not minutes:
                return moment + MINUTE
        raise AssertionError

    def day_after(self, start: datetime, amount: int, *, working: bool) -> datetime:
        day = start.astimezone(self.zone).date()
        while amount:
            day += timedelta(days=1)
            amount -= self.works_on(day) if working else 1
        if not working:
            return datetime.combine(day + timedelta(days=1), time.min, self.zone)
        end = self.regular[-1][1]
        return datetime.combine(day, time(end // 60, end % 60), self.zone)

    def between(self, start: datetime, end: datetime) -> int:
        minutes = 0
        for moment in _minutes_from(start):
            if moment >= end:
                return minutes
            minutes += self.works(moment)
        raise AssertionError


def _minutes_from(start: datetime) -> Iterator[datetime]:
    while True:
        yield start
        start += MINUTE


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


REFERENCES = st.builds(Reference, STRETCHES.map(hours), WEEKENDS, DAYS, ZONES)


@settings(max_examples=60)
@given(REFERENCES, STARTS, st.integers(1, 40), st.integers(0, 4 * 24 * 60))
def test_it_counts_as_the_reference_does(
    slow: Reference, start: datetime, amount: int, later: int
) -> None:
    quick = read_work_clock(slow.definition(), slow.days, slow.zone)
    quarters = Decimal(amount) / 4
    worked = slow.after(start, 15 * amount)
    assert quick.add(start, quarters, TimeUnit.WORK_HOUR) == worked
    assert quick.add(start, quarters, TimeUnit.HOUR) == start + timedelta(minutes=15 * amount)
    days = 1 + amount % 7
    for unit, working in ((TimeUnit.WORK_DAY, True), (TimeUnit.DAY, False)):
        assert quick.add(start, days, unit) == slow.day_after(start, days, working=working)
    end = start + later * MINUTE
    assert quick.working_time_between(start, end) == slow.between(start, end) * MINUTE
