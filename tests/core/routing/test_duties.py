"""Supervision, more time, merging: who may, what is refused, and what is left behind."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from jingwei_core.routing.merging import tell_ends
from tests.core.events.city import IN_SIBLING, POTHOLE, City
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.core.events.rulebook import Rooms, action, available, computed, state, workflow
from tests.core.events.test_guards import working
from tests.core.routing.duties import refusal_of, routed

LATER = (MONDAY + timedelta(days=2)).isoformat()
SOME_TIME = {"amount": 2, "unit": "work_hour", "reason": "等待材料"}


async def assigned(city: City, login: str = "mender") -> uuid.UUID:
    event = await city.report()
    await city.act("centre", event, "start", assignee=str(city.people[login]))
    return event


async def test_a_supervision_is_answered_by_who_works_on_the_event(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, workflow(), rooms)
    rooms.meant = {"assigned": (ruling.people["mender"],)}
    event = await assigned(ruling)
    given = {"reason": "群众反复反映", "due_at": LATER}
    for wrong, code in (
        ({"reason": " "}, "EVENT_TEXT_REQUIRED"),
        ({"due_at": MONDAY.isoformat()}, "EVENT_SUPERVISION_DUE"),
    ):
        refusal = await refusal_of(
            ruling, "superior", "event.supervise", event, **{**given, **wrong}
        )
        assert refusal.code == code
    denied = await refusal_of(ruling, "chief", "event.supervise", event, **given)
    assert denied.code == "PERMISSION_DENIED"
    await ruling.run("superior", "event.supervise", event, **given)
    assert [(told, message.code) for told, message in rooms.told] == [
        ((ruling.people["mender"],), "EVENT_SUPERVISED")
    ]
    row = (await ruling.fetch("SELECT * FROM core.supervision"))[0]
    assert (row["supervisor"], row["due_at"].isoformat()) == (ruling.people["superior"], LATER)
    for login in ("plumber", "worker", "superior"):
        refusal = await refusal_of(ruling, login, "event.answer", row["id"], answer="已安排")
        assert refusal.code == "EVENT_NOT_YOURS"
    await ruling.run("mender", "event.answer", row["id"], answer="明日完工")
    again = await refusal_of(ruling, "mender", "event.answer", row["id"], answer="明日完工")
    assert again.code == "EVENT_SUPERVISION_ANSWERED"
    steps = await ruling.steps(event)
    assert [step["action"] for step in steps[-2:]] == ["event.supervise", "event.answer"]
    await ruling.act("chief", event, "finish")
    closed = await refusal_of(ruling, "superior", "event.supervise", event, **given)
    assert closed.code == "EVENT_IS_CLOSED"


ASK, DECIDE = "event.ask-extension", "event.decide-extension"


async def allow_extensions(city: City) -> None:
    """Once for potholes, by three working hours at most; the wider rule is not theirs."""
    for kind, most, amount in (("", 9, 9.0), (POTHOLE, 1, 3.0)):
        await city.fetch(
            "INSERT INTO core.extension_rule (kind, most, amount, unit)"
            " VALUES ($1, $2, $3, 'work_hour')",
            *(kind, most, amount),
        )


async def test_more_time_is_asked_for_by_the_assigned_within_the_rule(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await routed(city, workflow())
    event = await assigned(ruling)
    none = await refusal_of(ruling, "mender", ASK, event, **SOME_TIME)
    assert none.code == "EVENT_EXTENSION_MOST"
    await allow_extensions(ruling)
    for login, wrong, code in (
        ("chief", {}, "EVENT_NOT_YOURS"),
        ("mender", {"reason": ""}, "EVENT_TEXT_REQUIRED"),
        ("mender", {"amount": 4}, "EVENT_EXTENSION_LONGEST"),
        ("mender", {"amount": 0}, "TIME_AMOUNT"),
    ):
        refusal = await refusal_of(ruling, login, ASK, event, **{**SOME_TIME, **wrong})
        assert refusal.code == code
    await ruling.run("mender", ASK, event, **SOME_TIME)
    again = await refusal_of(ruling, "mender", ASK, event, **SOME_TIME)
    assert again.code == "EVENT_EXTENSION_WAITS"
    late = await assigned(ruling)
    clock.forward(days=2)
    refusal = await refusal_of(ruling, "mender", ASK, late, **SOME_TIME)
    assert refusal.code == "EVENT_EXTENSION_LATE"


async def test_more_time_is_given_by_somebody_else_and_counted(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, workflow(), rooms)
    await allow_extensions(ruling)
    event = await assigned(ruling)
    await ruling.run("mender", ASK, event, **SOME_TIME)
    row, yes = await ruling.value("SELECT id FROM core.deadline_extension"), {"is_granted": True}
    for login, code in (("chief", "PERMISSION_DENIED"), ("mender", "EVENT_EXTENSION_OWN")):
        assert (await refusal_of(ruling, login, DECIDE, row, **yes)).code == code
    before = await ruling.event(event)
    await ruling.run("superior", DECIDE, row, **yes)
    after = await ruling.event(event)
    # Monday 15:00 and two working hours more; the whole loop from Tuesday 10:00 to 12:00.
    assert before["state_due_at"] == datetime(2026, 11, 23, 7, tzinfo=UTC)
    assert after["state_due_at"] == datetime(2026, 11, 23, 9, tzinfo=UTC)
    assert after["due_at"] == datetime(2026, 11, 24, 4, tzinfo=UTC)
    assert after["warn_at"] > before["warn_at"]
    assert after["extended_count"] == 1
    kept = (await ruling.fetch("SELECT * FROM core.deadline_extension"))[0]
    assert (kept["due_before"], kept["due_after"]) == tuple(
        moment["state_due_at"] for moment in (before, after)
    )
    assert [message.code for _, message in rooms.told] == ["EVENT_EXTENDED"]
    again = await refusal_of(ruling, "superior", DECIDE, row, **yes)
    assert again.code == "EVENT_EXTENSION_DECIDED"
    most = await refusal_of(ruling, "mender", ASK, event, **SOME_TIME)
    assert most.code == "EVENT_EXTENSION_MOST"


async def test_a_request_that_the_event_has_left_behind_is_not_granted(city: City) -> None:
    ruling = await routed(city, workflow())
    await ruling.fetch(
        "INSERT INTO core.extension_rule (kind, most, amount, unit) VALUES ('', 2, 1, 'work_day')"
    )
    event = await assigned(ruling)
    await ruling.run("mender", "event.ask-extension", event, **SOME_TIME)
    row = await ruling.value("SELECT id FROM core.deadline_extension")
    await ruling.act("chief", event, "wait", reason="待确认")
    refusal = await refusal_of(ruling, "superior", "event.decide-extension", row, is_granted=True)
    assert refusal.code == "EVENT_EXTENSION_PAST"
    paused = await refusal_of(ruling, "mender", "event.ask-extension", event, **SOME_TIME)
    assert paused.code == "EVENT_EXTENSION_NO_LIMIT"
    await ruling.run("superior", "event.decide-extension", row, is_granted=False, note="不需要")
    assert (await ruling.event(event))["extended_count"] == 0


def merging() -> dict[str, Any]:
    ending = action("merge", ["begin", "work"], "merged", permission="event.merge")
    definition = workflow(ending)
    definition["states"].append(state("merged", "final"))
    return definition


async def test_what_may_not_be_merged_stays_as_it_is(city: City) -> None:
    ruling = await routed(city, merging())
    merge = "event.merge"
    event, other = await working(ruling), await working(ruling)
    far = await ruling.report("other-worker", position=IN_SIBLING)
    done = await working(ruling)
    await ruling.act("chief", done, "finish")
    for into, code in (
        (event, "EVENT_MERGE_SELF"),
        (far, "EVENT_MERGE_PLACE"),
        (done, "EVENT_IS_CLOSED"),
        (uuid.uuid4(), "ROW_NOT_FOUND"),
    ):
        refusal = await refusal_of(ruling, "superior", merge, event, into=str(into))
        assert refusal.code == code
    assert (await refusal_of(ruling, "chief", merge, event, into=str(other))).code == (
        "PERMISSION_DENIED"
    )
    assert (await refusal_of(ruling, "superior", merge, done, into=str(other))).code == (
        "EVENT_IS_CLOSED"
    )
    by_hand = await refusal_of(ruling, "superior", "event.act", event, action="merge")
    assert by_hand.code == "EVENT_MERGE_BY_COMMAND"
    assert "merge" not in await available(ruling, "superior", event)


async def test_an_event_ends_in_another_whose_end_its_reporter_hears(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, merging(), rooms)
    who, merge = ruling.people, "event.merge"
    event, other, third = [await working(ruling) for _ in range(3)]
    await ruling.run("superior", merge, event, into=str(other), reason="同一坑洞")
    row = await ruling.event(event)
    assert (row["state"], row["is_final"], row["merged_into"]) == ("merged", True, other)
    ended, kept = await ruling.steps(event), await ruling.steps(other)
    assert [step["action"] for step in ended[-2:]] == ["merge", "event.merge"]
    assert (await ruling.event(other))["number"] in ended[-1]["note"]
    assert kept[-1]["action"] == "event.merge"
    assert row["number"] in kept[-1]["note"]
    # What was merged into one that ends in a third follows it there.
    await ruling.run("superior", merge, other, into=str(third))
    async with ruling.context(None) as ctx:
        await tell_ends(ctx, {})
    assert not rooms.told
    await ruling.act("chief", third, "finish")
    for _ in range(2):
        async with ruling.context(None) as ctx:
            await tell_ends(ctx, {})
    assert [(told, message.about[1], message.code) for told, message in rooms.told] == [
        ((who["worker"],), event, "EVENT_CLOSED"),
        ((who["worker"],), other, "EVENT_CLOSED"),
    ]


async def test_a_workflow_without_such_an_end_merges_nothing(city: City) -> None:
    ruling = await routed(city, workflow())
    event, other = await working(ruling), await working(ruling)
    refusal = await refusal_of(ruling, "superior", "event.merge", event, into=str(other))
    assert refusal.code == "EVENT_MERGE_NO_WAY"


async def test_amber_is_between_the_warning_and_the_limit(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await routed(city, workflow())
    event = await working(ruling)
    found = []
    for hours in (0, 5, 2):  # due at 15:00; warned of at 80 % of four working hours, 14:12
        clock.forward(hours=hours)
        found.append((await computed(ruling, "chief", event, "is_amber"))[0])
        found.append((await computed(ruling, "chief", event, "is_overdue"))[0])
    assert found == [False, False, False, False, False, True]
    clock.forward(hours=-1, minutes=-30)
    assert await computed(ruling, "chief", event, "is_amber") == [True]
