"""Quiet hours, digests and bundles: decided by values alone, against slow references."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jingwei_core.notifications.bundling import Hours, Waiting, decide
from jingwei_core.notifications.hours import next_of, quiet_until, time_of_day
from jingwei_core.notifications.letters import body_of
from jingwei_core.notifications.states import Urgency
from jingwei_sdk.errors import Invalid
from jingwei_sdk.messages import Catalogue

ZONE = ZoneInfo("Asia/Shanghai")
MINUTE = timedelta(minutes=1)
BEGIN = datetime(2026, 11, 23, tzinfo=ZONE)
MINUTES = st.integers(0, 24 * 60 - 1)
TIMES = MINUTES.map(lambda minute: time(minute // 60, minute % 60))
INSTANTS = st.integers(0, 3 * 24 * 60).map(
    lambda minute: datetime(2026, 11, 23, tzinfo=ZONE) + minute * MINUTE
)
URGENCIES = st.sampled_from(Urgency)


def is_quiet(at: time, begins: time, ends: time) -> bool:
    """The same said minute by minute: walk from the beginning to the end and look for it."""
    minute = begins
    while minute != ends:
        if minute == at:
            return True
        minute = (datetime.combine(date(2026, 1, 1), minute) + MINUTE).time()
    return False


@given(INSTANTS, TIMES, TIMES)
def test_quiet_hours_end_when_the_walk_leaves_them(now: datetime, begins: time, ends: time):
    until = quiet_until(now, begins, ends)
    assert (until is not None) == is_quiet(now.time(), begins, ends)
    if until is not None:
        assert now < until <= now + timedelta(days=1)
        assert until.time() == ends
        assert quiet_until(until, begins, ends) is None


@given(INSTANTS, st.lists(TIMES, max_size=4))
def test_the_next_digest_is_the_first_after_now(now: datetime, times: list[time]):
    at = next_of(now, times)
    walked = next(
        (
            now + step * MINUTE
            for step in range(1, 24 * 60 + 1)
            if (now + step * MINUTE).time() in times
        ),
        None,
    )
    assert at == walked


class Coming(NamedTuple):
    """A notification that is made at an instant."""

    at: datetime
    id: uuid.UUID
    urgency: Urgency


def played(coming: list[Coming], hours: Hours) -> list[tuple[datetime, tuple[uuid.UUID, ...]]]:
    """The letters that leave, each at its instant: looked at when something comes, and whenever it
    was said to be looked at again."""
    by_id = {one.id: one for one in coming}
    waiting: dict[uuid.UUID, datetime | None] = {}
    left: list[tuple[datetime, tuple[uuid.UUID, ...]]] = []
    looks = {one.at for one in coming}
    while looks:
        now = min(looks)
        looks.discard(now)
        waiting |= {one.id: None for one in coming if one.at == now}
        rows = [Waiting(each, by_id[each].urgency, waiting[each]) for each in sorted(waiting)]
        lately = [at for at, letter in left if by_id[letter[0]].urgency is not Urgency.NOW]
        verdict = decide(rows, [at for at in lately if at > now - hours.window], hours, now)
        left += [(now, letter) for letter in verdict.letters]
        for letter in verdict.letters:
            for each in letter:
                del waiting[each]
        assert verdict.later.keys() == waiting.keys()
        assert all(until > now for until in verdict.later.values())
        waiting |= verdict.later
        looks |= set(verdict.later.values())
    return left


@given(
    arrivals=st.lists(st.tuples(st.integers(0, 2000), URGENCIES), max_size=25),
    quiet=st.tuples(TIMES, TIMES),
    digest_at=st.lists(TIMES, max_size=2),
    most=st.integers(1, 4),
    window=st.integers(1, 120),
)
def test_nothing_is_lost_and_nobody_is_flooded(
    arrivals: list[tuple[int, Urgency]],
    quiet: tuple[time, time],
    digest_at: list[time],
    most: int,
    window: int,
):
    """Played through minute by minute of what happens: every notification leaves exactly once,
    none but urgent ones in quiet hours, and never more letters in a window than may."""
    hours = Hours(*quiet, tuple(digest_at), most, window * MINUTE)
    coming = [
        Coming(BEGIN + minute * MINUTE, uuid.UUID(int=at), urgency)
        for at, (minute, urgency) in enumerate(arrivals)
    ]
    left = played(coming, hours)
    told = [each for _, letter in left for each in letter]
    assert sorted(told) == sorted(one.id for one in coming)
    by_id = {one.id: one for one in coming}
    usual = [at for at, letter in left if by_id[letter[0]].urgency is not Urgency.NOW]
    assert not any(is_quiet(at.time(), *quiet) for at in usual)
    for at in usual:
        assert sum(at <= other < at + hours.window for other in usual) <= most
    for at, letter in left:
        first = by_id[letter[0]]
        if first.urgency is Urgency.NOW:
            assert (at, letter) == (first.at, (first.id,))


def test_twenty_at_once_are_one_letter():
    rows = [Waiting(uuid.UUID(int=at), Urgency.USUAL) for at in range(20)]
    noon = datetime(2026, 11, 23, 12, tzinfo=ZONE)
    hours = Hours(time(21), time(7), (), 3, timedelta(minutes=30))
    verdict = decide(rows, [], hours, noon)
    assert verdict.letters == (tuple(one.id for one in rows),)
    assert verdict.later == {}


@pytest.mark.parametrize("text", ["", "8:30", "24:00", "08:60", "08:30:00", "０８:30", "08:3０"])
def test_what_is_no_time_of_day_is_refused(text: str):
    with pytest.raises(Invalid) as refused:
        time_of_day(text)
    assert refused.value.code == "NOTIFICATION_TIME"


@given(st.lists(st.text(min_size=1, max_size=40), min_size=1, max_size=30), st.integers(1, 200))
def test_a_text_is_no_longer_than_its_channel_takes(lines: list[str], longest: int):
    catalogue = Catalogue()
    assert len(body_of(catalogue, lines, "zh", longest)) <= longest
    assert all(line in body_of(catalogue, lines, "zh", 0) for line in lines)
