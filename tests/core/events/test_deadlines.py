"""Deadlines: each unit with its warning, states without a rule, the whole loop."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.events.deadlines import WHOLE_LOOP, Deadlines, Rule, limit_of
from jingwei_core.events.work_clock import TimeUnit, read_work_clock

ZONE = ZoneInfo("Asia/Shanghai")
CLOCK = read_work_clock(
    {
        "working_hours": [{"begin": "08:30", "end": "12:00"}, {"begin": "14:00", "end": "17:30"}],
        "weekend": [6, 7],
    },
    {},
    ZONE,
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


@pytest.mark.parametrize(
    ("amount", "unit", "percent", "warn", "due"),
    [
        # Monday 09:00. Eighty per cent of ten hours are eight.
        ("10", "hour", 80, "2026-11-23T17:00", "2026-11-23T19:00"),
        # Of four working hours; the break is not worked.
        ("4", "work_hour", 50, "2026-11-23T11:00", "2026-11-23T15:00"),
        ("4", "work_hour", 75, "2026-11-23T12:00", "2026-11-23T15:00"),
        # 6.5 h are left on Monday and 7 h on Tuesday: half of them end 15 minutes into Tuesday.
        ("1", "work_day", 50, "2026-11-24T08:45", "2026-11-24T17:30"),
        # To the midnight after Wednesday there are 63 hours.
        ("2", "day", 50, "2026-11-24T16:30", "2026-11-26T00:00"),
    ],
)
def test_limits_and_their_warnings(
    amount: str, unit: str, percent: int, warn: str, due: str
) -> None:
    limit = limit_of(CLOCK, Rule(Decimal(amount), TimeUnit(unit), percent), at("2026-11-23T09:00"))
    assert (limit.warn_at, limit.due_at) == (at(warn), at(due))


def test_states_without_a_rule_have_no_limit() -> None:
    deadlines = Deadlines({"filed": Rule(Decimal(1), TimeUnit.HOUR, 80)}, CLOCK)
    start = at("2026-11-23T09:00")
    assert deadlines.entering("handled", start) is None
    assert deadlines.whole_loop(start) is None
    found = deadlines.entering("filed", start)
    assert found is not None
    assert found.due_at == at("2026-11-23T10:00")


def test_the_whole_loop_has_its_own_rule() -> None:
    deadlines = Deadlines({WHOLE_LOOP: Rule(Decimal(7), TimeUnit.WORK_DAY, 80)}, CLOCK)
    assert deadlines.whole_loop(at("2026-11-23T09:00")) == at("2026-12-02T17:30")


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(ZONE)),  # noqa: DTZ001
    st.integers(1, 40),
    st.sampled_from(list(TimeUnit)),
    st.integers(1, 99),
)
def test_the_warning_comes_between_start_and_end(
    start: datetime, amount: int, unit: TimeUnit, percent: int
) -> None:
    limit = limit_of(CLOCK, Rule(Decimal(amount), unit, percent), start)
    assert start < limit.warn_at < limit.due_at
    later = limit_of(CLOCK, Rule(Decimal(amount), unit, min(percent + 1, 99)), start)
    assert limit.warn_at <= later.warn_at
    assert limit.due_at - start >= timedelta(hours=1)


@pytest.mark.parametrize(("hours", "percent"), [(1, 33), (7, 1), (10, 67)])
def test_a_warning_is_exact_to_the_microsecond(hours: int, percent: int) -> None:
    start = at("2026-11-23 09:00:00.000001")
    limit = limit_of(CLOCK, Rule(Decimal(hours), TimeUnit.HOUR, percent), start)
    assert limit.warn_at - start == timedelta(hours=hours) * percent / 100
