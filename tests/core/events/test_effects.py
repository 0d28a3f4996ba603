"""What an action leaves behind: marks, clocks, assignments, photos owed, and who is told."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from jingwei_core.events.ports import Message
from jingwei_core.events.whom import read_whom
from jingwei_sdk.errors import Conflict, Invalid
from tests.core.events.city import City
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.core.events.rulebook import Rooms, action, ruled, state, workflow
from tests.core.events.test_guards import photos, refused, working


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A local time of that November in the city."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) - timedelta(hours=8)


def effect(name: str, **more: Any) -> dict[str, Any]:
    return {"effect": name, **more}


async def test_limits_come_from_the_workflow_where_the_kind_has_none(city: City) -> None:
    ruling = await ruled(city, workflow())
    event = await ruling.report()
    assert (await ruling.event(event))["state_due_at"] is None
    # 8 working hours from Monday 09:00; the office closes at 17:30 with a break of two hours.
    assert (await ruling.event(event))["due_at"] == at(24, 10)
    await ruling.act("centre", event, "start")
    row = await ruling.event(event)
    assert row["state_due_at"] == at(23, 15)
    await ruling.fetch(
        "INSERT INTO core.deadline_rule (profile, state, amount, unit)"
        " VALUES ('quick', 'work', 1, 'hour')"
    )
    await ruling.fetch("UPDATE core.event_kind SET deadline_profile = 'quick'")
    second = await working(ruling)
    row = await ruling.event(second)
    assert (row["state_due_at"], row["due_at"]) == (at(23, 10), at(24, 10))


async def test_the_clock_stands_while_the_event_waits(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, workflow())
    event = await working(ruling)
    clock.forward(hours=1)
    await ruling.act("chief", event, "wait", reason="待产权单位确认")
    row = await ruling.event(event)
    assert (row["state"], row["due_at"], row["state_due_at"]) == ("wait", None, at(27, 0))
    clock.forward(days=1, hours=4)
    await ruling.act("chief", event, "resume")
    row = await ruling.event(event)
    # Stopped on Monday at 10 with 3 working hours left in the state and 7 in all, gone on with on
    # Tuesday at 14.
    assert (row["state"], row["suspended"]) == ("work", None)
    assert row["state_due_at"] == at(24, 17)
    assert row["due_at"] == at(25, 12)
    steps = await ruling.steps(event)
    assert [step["to_state"] for step in steps] == ["begin", "work", "wait", "work"]
    assert steps[-1]["due_at"] == row["state_due_at"]


async def test_what_was_late_before_the_pause_is_late_after_it(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, workflow())
    event = await working(ruling)
    clock.forward(days=2)
    await ruling.act("chief", event, "wait", reason="待确认")
    clock.forward(days=1)
    await ruling.act("chief", event, "resume")
    row = await ruling.event(event)
    assert (row["state_due_at"], row["due_at"]) == (at(23, 15), at(24, 10))


async def test_elapsed_units_go_on_by_elapsed_time_and_closing_ends_the_pause(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    definition = workflow(
        action("hold", ["work"], "work", effects=[effect("clock", does="pause")]),
        action("go", ["work"], "work", effects=[effect("clock", does="resume")]),
        action("anew", ["work"], "work", effects=[effect("clock", does="restart")]),
        limits={"*": {"amount": 48, "unit": "hour"}},
    )
    ruling = await ruled(city, definition)
    event, other = await working(ruling), await working(ruling)
    for one in (event, other):
        await ruling.act("chief", one, "hold")
        row = await ruling.event(one)
        assert (row["due_at"], row["state_due_at"]) == (None, None)
    clock.forward(hours=10)
    await ruling.act("chief", event, "go")
    row = await ruling.event(event)
    assert row["due_at"] == MONDAY + timedelta(hours=58)
    # The state counts working hours: its four were all left, half an hour before the day's end.
    assert row["state_due_at"] == at(24, 14, 30)
    await ruling.act("chief", other, "finish")
    row = await ruling.event(other)
    assert (row["suspended"], row["due_at"]) == (None, MONDAY + timedelta(hours=58))
    await ruling.act("chief", event, "anew")
    assert (await ruling.event(event))["due_at"] == MONDAY + timedelta(hours=58)


async def test_the_five_actors_and_the_returns_are_kept(city: City) -> None:
    definition = workflow(
        action("own", ["work"], "work", assigns="assignee", marks=["owned"]),
        action("solve", ["work"], "checking", by="assigned", marks=["solved"]),
        action("back", ["checking"], "work", requires=["reason"], is_return=True),
        action("check", ["checking"], "done", marks=["checked"]),
        action("find", ["work"], "work", marks=["found", "reported"]),
    )
    definition["states"].insert(2, state("checking"))
    ruling = await ruled(city, definition)
    event = await working(ruling)
    await ruling.act("chief", event, "find")
    await ruling.act("centre", event, "own", assignee=str(ruling.people["mender"]))
    for _ in range(2):
        await ruling.act("mender", event, "solve")
        await ruling.act("checker", event, "back", reason="未清理干净")
    await ruling.act("mender", event, "solve")
    await ruling.act("checker", event, "check")
    row, who = await ruling.event(event), ruling.people
    assert (row["found_by"], row["reporter"]) == (who["chief"], who["worker"])
    assert (row["owned_by"], row["owned_department"]) == (
        who["mender"],
        ruling.departments["roads"],
    )
    assert (row["solved_by"], row["checked_by"]) == (who["mender"], who["checker"])
    assert row["returns"] == 2


async def test_photos_that_were_asked_for_come_with_the_next_step_on(city: City) -> None:
    definition = workflow(
        action("ask", ["work"], "work", effects=[effect("ask_evidence", phase="after")]),
        action("back", ["work"], "begin", requires=["reason"], assigns="clear"),
    )
    ruling = await ruled(city, definition)
    event = await working(ruling)
    await ruling.act("chief", event, "ask")
    refusal = await refused(ruling, "chief", event, "finish")
    assert isinstance(refusal, Invalid)
    assert (refusal.code, refusal.field) == ("EVENT_EVIDENCE_DEMANDED", "evidence")
    # Sending it back leads nowhere on: the photo stays owed.
    await ruling.act("chief", event, "back", reason="部门不符")
    assert (await ruling.event(event))["demands"] == ["after"]
    assert (await refused(ruling, "centre", event, "start")).code == "EVENT_EVIDENCE_DEMANDED"
    evidence = await photos(ruling, "centre", "after", 1)
    await ruling.act("centre", event, "start", evidence=evidence)
    assert (await ruling.event(event))["demands"] == []
    # Neither does waiting, or going on after it.
    await ruling.act("chief", event, "ask")
    await ruling.act("chief", event, "wait", reason="待")
    await ruling.act("chief", event, "resume")
    assert (await ruling.event(event))["demands"] == ["after"]
    last = await photos(ruling, "chief", "after", 1)
    await ruling.act("chief", event, "finish", evidence=last)
    assert (await ruling.event(event))["demands"] == []


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("route", ("water", None)),
        ("kind", ("roads", None)),
        ("reporter", (None, "worker")),
        ("first_receiver", (None, "centre")),
        ("clear", (None, None)),
    ],
)
async def test_an_action_assigns_by_rule(
    city: City, to: str, expected: tuple[str | None, str | None]
) -> None:
    rooms = Rooms()
    definition = workflow(action("pass", ["work"], "work", effects=[effect("assign", to=to)]))
    ruling = await ruled(city, definition, rooms)
    rooms.route = ruling.departments["water"]
    event = await working(ruling)
    await ruling.fetch(
        "UPDATE core.event SET first_receiver = $1 WHERE id = $2", ruling.people["centre"], event
    )
    await ruling.act("chief", event, "pass")
    row, last = await ruling.event(event), (await ruling.steps(event))[-1]
    department, account = expected
    meant = (
        ruling.departments[department] if department else None,
        ruling.people[account] if account else None,
    )
    assert (row["assigned_department"], row["assigned_account"]) == meant
    assert (last["department"], last["assignee"]) == meant


async def test_where_nobody_is_to_be_found_nothing_happens(city: City) -> None:
    definition = workflow(
        action("pass", ["work"], "work", effects=[effect("assign", to="reporter")])
    )
    ruling = await ruled(city, definition)
    event = await working(ruling)
    await ruling.fetch("UPDATE core.event SET reporter = NULL WHERE id = $1", event)
    refusal = await refused(ruling, "chief", event, "pass")
    assert isinstance(refusal, Conflict)
    assert refusal.code == "EVENT_NOBODY_TO_ASSIGN"


async def test_who_takes_the_first_action_of_all_is_the_first_receiver_it_assigns(
    city: City,
) -> None:
    definition = workflow(
        action("pass", ["work"], "work", effects=[effect("assign", to="first_receiver")])
    )
    ruling = await ruled(city, definition)
    event = await working(ruling)
    await ruling.fetch("UPDATE core.event SET first_receiver = NULL WHERE id = $1", event)
    await ruling.act("chief", event, "pass")
    row = await ruling.event(event)
    assert row["first_receiver"] == row["assigned_account"] == ruling.people["chief"]


async def test_others_are_told_and_given_their_part(city: City) -> None:
    rooms = Rooms()
    task = {"department": "water", "title_zh": "关阀", "title_en": "Close the valve"}
    effects = [
        effect("notify", whom="role:chief@city", message="EVENT_TOLD"),
        effect("notify", whom="seconded", message="EVENT_TOLD"),
        effect("task", **task, limit={"amount": 2, "unit": "hour"}),
        effect("report_up", whom=["role:chief", "seconded"]),
    ]
    definition = workflow(action("call", ["work"], "work", effects=effects), handling="emergency")
    ruling = await ruled(city, definition, rooms)
    rooms.meant["role:chief@city"] = (ruling.people["chief"],)
    event = await working(ruling)
    await ruling.act("worker", event, "call")
    number = (await ruling.event(event))["number"]
    params = {"number": number, "title": "路面坑洞"}
    message = Message("EVENT_TOLD", params, ("Event", event), "/1/2/", "now")
    assert rooms.told == [((ruling.people["chief"],), message)]
    (opened,) = rooms.opened
    assert (opened.department, opened.title_zh) == (ruling.departments["water"], "关阀")
    assert opened.limit is not None
    assert opened.limit.amount == 2
    assert rooms.sent == [("role:chief", "seconded")]
    assert read_whom("role:chief").role == "chief"


async def test_going_back_leads_to_where_the_event_came_from(city: City) -> None:
    definition = workflow(
        action("later", ["begin"], "wait"),
        action("send", ["work"], "work", requires=["reason"]),
    )
    ruling = await ruled(city, definition)
    fresh, old = await ruling.report(), await working(ruling)
    for event, came_from in ((fresh, "begin"), (old, "work")):
        if came_from == "begin":
            await ruling.act("chief", event, "later")
        else:
            await ruling.act("chief", event, "wait", reason="待")
        await ruling.act("chief", event, "resume")
        assert (await ruling.event(event))["state"] == came_from
