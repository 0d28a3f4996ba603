"""The ladder: each rung once for each time an event entered the state, in pages, by work time."""

import uuid
from typing import Any

import msgspec
import pytest

from jingwei_core.jobs.core_jobs import EVENT_LADDER
from jingwei_core.routing import ladder
from tests.core.events.city import POTHOLE, City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import Rooms, action, workflow
from tests.core.events.test_guards import working
from tests.core.routing.duties import routed


async def rung(city: City, number: int, does: str, **rule: Any) -> None:
    values = {
        "kind": "",
        "state": "work",
        "amount": 0.0,
        "unit": "work_hour",
        "whom": "role:chief",
        "answer_amount": 0.0,
        "answer_unit": "",
        **rule,
    }
    await city.fetch(
        "INSERT INTO core.escalation_rung (rung, does, kind, state, amount, unit, whom,"
        " answer_amount, answer_unit) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        number,
        does,
        *values.values(),
    )


async def climb(city: City, **payload: Any) -> None:
    async with city.context(None) as ctx:
        await ladder.climb(ctx, payload)


async def taken(city: City) -> list[tuple[Any, ...]]:
    rows = await city.fetch(
        "SELECT event, state, rung, is_done FROM core.event_escalation ORDER BY at, event, rung"
    )
    return [tuple(row) for row in rows]


def clock_of(city: City) -> FrozenClock:
    assert isinstance(city.platform.clock, FrozenClock)
    return city.platform.clock


async def test_each_rung_is_taken_once_when_its_working_time_has_come(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, workflow(), rooms)
    rooms.meant = {"role:chief": (ruling.people["chief"],)}
    clock = clock_of(ruling)
    await rung(ruling, 1, "notify")
    await rung(ruling, 2, "supervise", amount=4.0, answer_amount=1.0, answer_unit="work_hour")
    # For another kind alone: its ladder is not this one's.
    await rung(ruling, 1, "notify", kind="city.water")
    event = await working(ruling)  # due after 4 working hours: Monday 15:00
    clock.forward(hours=6)
    await climb(ruling)
    assert await taken(ruling) == [(event, "work", 1, True)]
    assert [(accounts, message.code) for accounts, message in rooms.told] == [
        ((ruling.people["chief"],), "EVENT_ESCALATED")
    ]
    await climb(ruling)
    # By the clock on the wall four hours are over; of the working day only two and a half are.
    clock.forward(hours=4)
    await climb(ruling)
    assert len(await taken(ruling)) == 1
    clock.forward(hours=15)
    await climb(ruling)
    await climb(ruling)
    assert [row[2] for row in await taken(ruling)] == [1, 2]
    row = (await ruling.fetch("SELECT * FROM core.supervision"))[0]
    assert (row["supervisor"], row["answered_at"]) == (ruling.people["chief"], None)
    assert row["due_at"] > clock.now()
    assert (await ruling.steps(event))[-1]["action"] == "event.supervise"

    # Entered anew, the state has a ladder of its own.
    await ruling.act("chief", event, "wait", reason="待确认")
    await ruling.act("chief", event, "resume")
    await ruling.fetch("UPDATE core.event SET state_due_at = $1, state_since = $1", clock.now())
    await climb(ruling)
    assert [row[2] for row in await taken(ruling)] == [1, 1, 2]


async def test_a_rung_takes_an_action_or_tells_that_it_could_not(city: City) -> None:
    rooms = Rooms()
    passing = action("pass_up", ["work"], "wait", requires=["reason"], permission="event.escalate")
    proving = action("prove", ["work"], "done", requires=["photo:after"])
    ruling = await routed(city, workflow(passing, proving), rooms)
    rooms.meant = {"role:chief": (ruling.people["chief"],)}
    await rung(ruling, 1, "prove", kind=POTHOLE)
    await rung(ruling, 2, "pass_up", kind=POTHOLE)
    await rung(ruling, 1, "notify", state="*", whom="role:nobody")
    event = await working(ruling)
    clock_of(ruling).forward(days=3)
    for _ in range(2):
        await climb(ruling)
    # What could not be done is kept, told to who is meant, and not tried again.
    assert set(await taken(ruling)) == {
        (event, "work", 1, False),
        (event, "work", 2, True),
    }
    row = await ruling.event(event)
    assert (row["state"], row["assigned_department"]) == ("wait", ruling.departments["roads"])
    last = (await ruling.steps(event))[-1]
    said = ruling.platform.catalogue.message("EVENT_ESCALATION_REASON", "zh", {"rung": 2}).text
    assert said == "超过时限，按第 2 级升级规则处理"
    assert (last["action"], last["actor"], last["reason"]) == ("pass_up", None, said)
    assert len(rooms.told) == 2


async def test_the_limit_of_the_whole_loop_has_its_own_ladder(city: City) -> None:
    ruling = await routed(city, workflow())
    await rung(ruling, 1, "notify", state="*")
    event = await ruling.report()  # the loop: 8 working hours, Tuesday 10:00
    closed = await working(ruling)
    await ruling.act("chief", closed, "finish")
    clock_of(ruling).forward(days=1, hours=2)
    await climb(ruling)
    await climb(ruling)
    assert await taken(ruling) == [(event, "*", 1, True)]


async def test_pages_go_on_where_they_ended_and_a_crash_repeats_nothing(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    rooms = Rooms()
    ruling = await routed(city, workflow(), rooms)
    rooms.meant = {"role:chief": (ruling.people["chief"],)}
    await rung(ruling, 1, "notify")
    events: set[uuid.UUID] = {await working(ruling) for _ in range(5)}
    clock_of(ruling).forward(days=1)
    monkeypatch.setattr(ladder, "PAGE", 2)
    take, count = ladder._take, 0

    async def crashing(*args: Any) -> None:
        nonlocal count
        count += 1
        await take(*args)
        if count == 2:
            raise RuntimeError("the process dies here")

    monkeypatch.setattr(ladder, "_take", crashing)
    with pytest.raises(RuntimeError):
        await climb(ruling)
    assert await taken(ruling) == []
    assert await queued(ruling) == []
    count = 10
    await climb(ruling)
    assert len(await taken(ruling)) == 2
    # The next page is queued with the first one, and a repetition of it does no harm.
    (second,) = await queued(ruling)
    await climb(ruling, **second)
    await climb(ruling, **second)
    third = next(one for one in await queued(ruling) if one != second)
    await climb(ruling, **third)
    assert {row[0] for row in await taken(ruling)} == events
    assert len(await taken(ruling)) == 5


async def queued(city: City) -> list[dict[str, Any]]:
    rows = await city.fetch(
        "SELECT payload FROM jobs.pgqueuer WHERE entrypoint = $1 AND headers ->> 'tenant' = $2"
        " ORDER BY id",
        EVENT_LADDER,
        str(city.tenant.id),
    )
    return [msgspec.json.decode(row["payload"]) for row in rows]
