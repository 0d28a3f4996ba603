"""The work clock: laws that hold for every calendar, and the days people argue about."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.events.work_clock import Shift, TimeUnit, WorkClock, read_work_clock
from jingwei_sdk.errors import Invalid

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = {
    "working_hours": [{"begin": "08:30", "end": "12:00"}, {"begin": "14:00", "end": "17:30"}],
    "weekend": [6, 7],
}
# National Day 2026: Thursday 1 to Wednesday 7 October off, Saturday 10 October made up.
NATIONAL_DAY = {date(2026, 10, day): False for day in range(1, 8)} | {date(2026, 10, 10): True}


def clock(days: dict[date, bool] | None = None, zone: ZoneInfo = SHANGHAI) -> WorkClock:
    return read_work_clock(OFFICE, days or {}, zone)


def at(day: str, moment: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(f"{day}T{moment}").replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "amount", "unit", "due"),
    [
        # Elapsed hours run through the night and the holiday.
        (("2026-09-30", "17:00"), 24, "hour", ("2026-10-01", "17:00")),
        (("2026-09-30", "17:00"), "0.25", "hour", ("2026-09-30", "17:15")),
        # Working hours pause at the break, the night, the weekend and the holiday.
        (("2026-11-23", "11:00"), 2, "work_hour", ("2026-11-23", "15:00")),
        (("2026-11-23", "16:30"), 2, "work_hour", ("2026-11-24", "09:30")),
        (("2026-11-20", "17:00"), 1, "work_hour", ("2026-11-23", "09:00")),
        (("2026-09-30", "17:00"), 1, "work_hour", ("2026-10-08", "09:00")),
        # Outside working hours they begin with the next working stretch.
        (("2026-11-22", "20:00"), 4, "work_hour", ("2026-11-23", "14:30")),
        (("2026-11-23", "13:00"), "0.5", "work_hour", ("2026-11-23", "14:30")),
        # A limit that is used up exactly at the break ends there, not after it.
        (("2026-11-23", "08:30"), "3.5", "work_hour", ("2026-11-23", "12:00")),
        # The day it begins does not count; the last day ends when work ends.
        (("2026-11-23", "08:31"), 1, "work_day", ("2026-11-24", "17:30")),
        (("2026-11-23", "23:59"), 1, "work_day", ("2026-11-24", "17:30")),
        (("2026-11-20", "09:00"), 1, "work_day", ("2026-11-23", "17:30")),
        (("2026-11-22", "09:00"), 1, "work_day", ("2026-11-23", "17:30")),
        # Seven days off, and the Saturday after them counts.
        (("2026-09-30", "09:00"), 2, "work_day", ("2026-10-09", "17:30")),
        (("2026-09-30", "09:00"), 3, "work_day", ("2026-10-10", "17:30")),
        (("2026-09-30", "09:00"), 4, "work_day", ("2026-10-12", "17:30")),
        # Calendar days run through holidays and end at 24:00.
        (("2026-09-30", "09:00"), 7, "day", ("2026-10-08", "00:00")),
    ],
)
def test_a_limit_ends_when_the_rule_says(
    start: tuple[str, str], amount: int | str, unit: str, due: tuple[str, str]
) -> None:
    found = clock(NATIONAL_DAY).add(at(*start), Decimal(amount), unit)
    assert found == at(*due)
    assert found.tzinfo == SHANGHAI


def test_the_zone_of_the_caller_does_not_matter() -> None:
    # 23:30 UTC on Sunday is 07:30 on Monday in the city.
    start = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert clock().add(start, 1, "work_hour") == at("2026-11-23", "09:30")
    assert clock().add(start, 1, "work_day") == at("2026-11-24", "17:30")


def test_working_time_between_counts_only_working_hours() -> None:
    monday, next_monday = at("2026-11-23", "00:00"), at("2026-11-30", "00:00")
    assert clock().working_time_between(monday, next_monday) == timedelta(hours=35)
    assert clock().working_time_between(next_monday, monday) == -timedelta(hours=35)
    holiday = clock(NATIONAL_DAY)
    begin, end = at("2026-10-01", "00:00"), at("2026-10-11", "00:00")
    assert holiday.working_time_between(begin, end) == timedelta(hours=21)


def test_real_time_is_measured_where_clocks_change() -> None:
    # Berlin sets its clocks back in the night to 25 October 2026: that day has 25 hours.
    berlin = ZoneInfo("Europe/Berlin")
    round_the_clock = WorkClock(
        timezone=berlin,
        week=((Shift(time(0), time(23, 59)),),) * 7,
        make_up=(Shift(time(0), time(23, 59)),),
    )
    begin, end = at("2026-10-25", "00:00", berlin), at("2026-10-26", "00:00", berlin)
    assert round_the_clock.working_time_between(begin, end) == timedelta(hours=24, minutes=59)
    assert round_the_clock.add(begin, 25, "hour") == end


def test_hours_may_differ_by_weekday() -> None:
    friday_off_early = read_work_clock(
        {**OFFICE, "hours_by_weekday": {"5": [{"begin": "08:30", "end": "11:30"}]}}, {}, SHANGHAI
    )
    assert friday_off_early.add(at("2026-11-26", "18:00"), 1, "work_day") == at(
        "2026-11-27", "11:30"
    )


NAIVE = datetime(2026, 11, 23, 9)  # noqa: DTZ001 - the naive value is what is refused


@pytest.mark.parametrize("unit", list(TimeUnit))
def test_naive_times_are_refused(unit: TimeUnit) -> None:
    with pytest.raises(Invalid) as refusal:
        clock().add(NAIVE, 1, unit)
    assert refusal.value.code == "TIME_WITHOUT_ZONE"


def test_naive_times_cannot_be_measured() -> None:
    for pair in ((NAIVE, at("2026-11-23", "10:00")), (at("2026-11-23", "10:00"), NAIVE)):
        with pytest.raises(Invalid) as refusal:
            clock().working_time_between(*pair)
        assert refusal.value.code == "TIME_WITHOUT_ZONE"


@pytest.mark.parametrize(
    ("amount", "unit", "code"),
    [
        (0, "hour", "TIME_AMOUNT"),
        (-1, "work_day", "TIME_AMOUNT"),
        ("0.5", "work_day", "TIME_AMOUNT"),
        ("1.5", "day", "TIME_AMOUNT"),
        ("NaN", "hour", "TIME_AMOUNT"),
        (1, "week", "TIME_UNIT_UNKNOWN"),
    ],
)
def test_impossible_limits_are_refused(amount: int | str, unit: str, code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        clock().add(at("2026-11-23", "09:00"), Decimal(amount), unit)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        ({"weekend": [6, 7]}, "working_hours"),
        ({**OFFICE, "working_hours": []}, "working_hours"),
        ({**OFFICE, "working_hours": [{"begin": "08:30"}]}, "working_hours"),
        ({**OFFICE, "working_hours": [{"begin": "12:00", "end": "08:30"}]}, "working_hours"),
        (
            {
                **OFFICE,
                "working_hours": [
                    {"begin": "08:30", "end": "12:00"},
                    {"begin": "11:59", "end": "17:30"},
                ],
            },
            "working_hours",
        ),
        ({**OFFICE, "weekend": [1, 2, 3, 4, 5, 6, 7]}, "weekend"),
        (
            {**OFFICE, "hours_by_weekday": {"5": [{"begin": "10:00", "end": "10:00"}]}},
            "hours_by_weekday.5",
        ),
    ],
)
def test_a_calendar_nobody_could_work_by_is_refused(
    definition: dict[str, object], field: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        read_work_clock(definition, {}, SHANGHAI)
    assert (refusal.value.code, refusal.value.field) == ("CALENDAR_INVALID", field)


MOMENTS = st.datetimes(
    min_value=datetime(2025, 1, 1),  # noqa: DTZ001 - hypothesis wants naive bounds
    max_value=datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.sampled_from([SHANGHAI, UTC, ZoneInfo("America/New_York")]),
    allow_imaginary=False,
)
AMOUNTS = st.integers(1, 4000).map(lambda quarters: Decimal(quarters) / 4)
EXCEPTIONS = st.dictionaries(
    st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.booleans(), max_size=60
)
ZONES = st.sampled_from([SHANGHAI, ZoneInfo("Asia/Urumqi"), ZoneInfo("Europe/Berlin")])
CLOCKS = st.builds(clock, EXCEPTIONS, ZONES)


@given(CLOCKS, MOMENTS, AMOUNTS)
def test_adding_working_hours_then_measuring_gives_them_back(
    calendar: WorkClock, start: datetime, amount: Decimal
) -> None:
    due = calendar.add(start, amount, TimeUnit.WORK_HOUR)
    assert calendar.working_time_between(start, due) == timedelta(hours=float(amount))
    assert calendar.is_working_day(due.date())


@given(CLOCKS, MOMENTS, MOMENTS, st.sampled_from(list(TimeUnit)), st.integers(1, 60))
def test_who_begins_later_never_ends_earlier(
    calendar: WorkClock, one: datetime, other: datetime, unit: TimeUnit, amount: int
) -> None:
    first, second = sorted((one, other))
    assert calendar.add(first, amount, unit) <= calendar.add(second, amount, unit)


@given(CLOCKS, MOMENTS, st.sampled_from(list(TimeUnit)), st.integers(1, 60))
def test_a_longer_limit_ends_later(
    calendar: WorkClock, start: datetime, unit: TimeUnit, amount: int
) -> None:
    shorter, longer = (calendar.add(start, count, unit) for count in (amount, amount + 1))
    assert start < shorter < longer


@given(CLOCKS, MOMENTS, MOMENTS, MOMENTS)
def test_working_time_adds_up(
    calendar: WorkClock, one: datetime, two: datetime, three: datetime
) -> None:
    measure = calendar.working_time_between
    assert measure(one, two) + measure(two, three) == measure(one, three)


@given(CLOCKS, MOMENTS, st.integers(1, 60))
def test_work_days_end_with_work_and_count_only_working_days(
    calendar: WorkClock, start: datetime, amount: int
) -> None:
    due = calendar.add(start, amount, TimeUnit.WORK_DAY)
    first = start.astimezone(calendar.timezone).date()
    between = [first + timedelta(days=n) for n in range(1, (due.date() - first).days + 1)]
    assert sum(calendar.is_working_day(day) for day in between) == amount
    assert calendar.is_working_day(due.date())
    assert due.time() == calendar.shifts(due.date())[-1].end
