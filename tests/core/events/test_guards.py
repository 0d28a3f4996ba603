"""Guards: who is kept from an action by what, and that the list of actions says the same."""

import uuid
from typing import Any

import pytest

from jingwei_core.events.stepping import Step, take_step
from jingwei_core.events.tables import Event
from jingwei_sdk.errors import Conflict, Denied, Invalid, JingweiError
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import Rooms, action, available, computed, ruled, workflow
from tests.core.events.test_reading import queue


async def working(city: City, **report: Any) -> uuid.UUID:
    event = await city.report(**report)
    await city.act("centre", event, "start")
    return event


async def refused(
    city: City, login: str, event: uuid.UUID, code: str, **given: Any
) -> JingweiError:
    """The refusal, after which everything is as it was."""
    before = await city.state()
    with pytest.raises(JingweiError) as refusal:
        await city.act(login, event, code, **given)
    assert await city.state() == before
    return refusal.value


PERSONS = [
    ({"guard": "role", "roles": ["chief"]}, "chief", "mender", "EVENT_GUARD_ROLE"),
    ({"guard": "role", "roles": ["worker", "chief"]}, "worker", "centre", "EVENT_GUARD_ROLE"),
    (
        {"guard": "post", "roles": ["worker", "chief"], "level": "city"},
        "chief",
        "worker",
        "EVENT_GUARD_POST",
    ),
    ({"guard": "department", "department": "assigned"}, "mender", "plumber", None),
    ({"guard": "department", "department": "water"}, "plumber", "mender", None),
    (
        {"guard": "certificate", "kind": "enforcement"},
        "mender",
        "second-mender",
        "EVENT_GUARD_CERTIFICATE",
    ),
    ({"guard": "other_than", "duty": "reported"}, "chief", "worker", "EVENT_GUARD_OTHER_THAN"),
]


@pytest.mark.parametrize(("guard", "fits", "does_not", "code"), PERSONS)
async def test_a_guard_about_persons_keeps_others_out(
    city: City, guard: dict[str, Any], fits: str, does_not: str, code: str | None
) -> None:
    rooms = Rooms()
    ruling = await ruled(city, workflow(action("try", ["work"], "done", guards=[guard])), rooms)
    rooms.certificates[ruling.people["mender"]] = {"enforcement"}
    event = await working(ruling)
    assert "try" in await available(ruling, fits, event)
    assert "try" not in await available(ruling, does_not, event)
    refusal = await refused(ruling, does_not, event, "try")
    assert isinstance(refusal, Denied)
    assert (refusal.code, refusal.field) == (code or "EVENT_GUARD_DEPARTMENT", "action")
    await ruling.act(fits, event, "try")
    assert (await ruling.event(event))["state"] == "done"


@pytest.mark.parametrize(
    ("guard", "waits", "code"),
    [("tasks_done", "busy", "EVENT_GUARD_TASKS"), ("acknowledged", "unread", "EVENT_GUARD_ACK")],
)
async def test_the_event_waits_for_others(city: City, guard: str, waits: str, code: str) -> None:
    rooms = Rooms()
    ruling = await ruled(
        city, workflow(action("try", ["work"], "done", guards=[{"guard": guard}])), rooms
    )
    event = await working(ruling)
    getattr(rooms, waits).add(event)
    assert "try" not in await available(ruling, "chief", event)
    refusal = await refused(ruling, "chief", event, "try")
    assert isinstance(refusal, Conflict)
    assert refusal.code.startswith(code)
    getattr(rooms, waits).clear()
    assert "try" in await available(ruling, "chief", event)
    await ruling.act("chief", event, "try")


async def test_a_window_closes_with_its_last_instant(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    window = {"guard": "within", "amount": 72, "unit": "hour", "since": "closed"}
    again = action("reopen", ["done"], "work", guards=[window], requires=["reason"])
    ruling = await ruled(city, workflow(again))
    event = await working(ruling)
    await ruling.act("chief", event, "finish")
    clock.forward(hours=72, seconds=1)
    assert "reopen" not in await available(ruling, "worker", event)
    refusal = await refused(ruling, "worker", event, "reopen", reason="又坏了")
    assert isinstance(refusal, Conflict)
    assert (refusal.code, refusal.params["until"]) == (
        "EVENT_GUARD_WITHIN",
        "2026-11-26T09:00:00+08:00",
    )
    clock.forward(seconds=-1)
    assert "reopen" in await available(ruling, "worker", event)
    await ruling.act("worker", event, "reopen", reason="又坏了")
    assert (await ruling.event(event))["closed_at"] is None


async def test_an_action_of_other_sources_is_not_there(city: City) -> None:
    ruling = await ruled(city, workflow(action("try", ["work"], "done", sources=["hotline"])))
    ours, theirs = await working(ruling, source="hotline"), await working(ruling)
    assert "try" in await available(ruling, "chief", ours)
    assert "try" not in await available(ruling, "chief", theirs)
    assert (await refused(ruling, "chief", theirs, "try")).code == "EVENT_GUARD_SOURCE"
    await ruling.act("chief", ours, "try")


async def photos(city: City, login: str, phase: str, count: int) -> list[dict[str, str]]:
    return [{"id": str(await city.photo(login)), "phase": phase} for _ in range(count)]


async def test_photos_are_counted_of_the_step_or_of_the_event(city: City) -> None:
    of_step = {"guard": "evidence", "phase": "after", "at_least": 2}
    of_event = {"guard": "evidence", "phase": "after", "at_least": 3, "of": "event"}
    ruling = await ruled(
        city,
        workflow(
            action("show", ["work"], "work", guards=[of_step]),
            action("strike", ["work"], "done", guards=[of_event]),
        ),
    )
    event = await working(ruling)
    assert await computed(ruling, "chief", event, "requirements") == [
        ["wait:reason", "show:photo:after:2", "strike:photo:after:3:event"]
    ]
    # What the actor still has to bring does not hide an action.
    assert {"show", "strike"} <= set(await available(ruling, "chief", event))
    one = await photos(ruling, "chief", "after", 1)
    before = await photos(ruling, "chief", "before", 1)
    refusal = await refused(ruling, "chief", event, "show", evidence=one + before)
    assert isinstance(refusal, Invalid)
    assert (refusal.code, refusal.field) == ("EVENT_GUARD_EVIDENCE", "evidence")
    assert (refusal.params["at_least"], refusal.params["found"]) == (2, 1)
    more = await photos(ruling, "chief", "after", 1)
    await ruling.act("chief", event, "show", evidence=one + more)
    refusal = await refused(ruling, "chief", event, "strike")
    assert (refusal.params["at_least"], refusal.params["found"]) == (3, 2)
    last = await photos(ruling, "chief", "after", 1)
    await ruling.act("chief", event, "strike", evidence=last)


async def test_fields_are_filled_by_the_step_or_before_it(city: City) -> None:
    guard = {"guard": "fields", "fields": ["width_cm"]}
    ruling = await ruled(city, workflow(action("measure", ["work"], "done", guards=[guard])))
    event = await working(ruling)
    refusal = await refused(ruling, "chief", event, "measure")
    assert isinstance(refusal, Invalid)
    assert (refusal.code, refusal.field) == ("EVENT_GUARD_FIELDS", "form.width_cm")
    wrong = await refused(ruling, "chief", event, "measure", form={"width_cm": 0})
    assert (wrong.code, wrong.field) == ("EVENT_FORM_INVALID", "form.width_cm")
    gone = await refused(ruling, "chief", event, "measure", form={"width_cm": None})
    assert gone.code == "EVENT_GUARD_FIELDS"
    assert await computed(ruling, "chief", event, "requirements") == [
        ["wait:reason", "measure:form:width_cm"]
    ]
    await ruling.act("chief", event, "measure", form={"width_cm": 12})
    assert (await ruling.event(event))["form"] == '{"width_cm": 12}'
    second = await working(ruling, form={"width_cm": 3})
    await ruling.act("chief", second, "measure")


async def test_the_platform_itself_passes_guards_about_persons(city: City) -> None:
    guards = [{"guard": "role", "roles": ["chief"]}, {"guard": "other_than", "duty": "solved"}]
    ruling = await ruled(city, workflow(action("try", ["work"], "done", guards=guards)))
    event = await working(ruling)
    async with ruling.context(None) as ctx:
        await take_step(ctx, await ctx.data.lock(Event, event), Step("try"))
    assert (await ruling.event(event))["is_final"]


async def test_the_queue_holds_what_the_source_and_the_assignment_leave_to_the_actor(
    city: City,
) -> None:
    document = workflow(
        action(
            *("check", ["begin"], "work"),
            sources=["hotline"],
            permission="event.verify",
            assigns="department",
        )
    )
    document["actions"][0]["permission"] = "event.dispatch"
    guard = {"guard": "department", "department": "assigned"}
    document["actions"][3].update({"permission": "event.handle", "guards": [guard]})
    ruling = await ruled(city, document)
    ours, theirs = await ruling.report(source="hotline"), await ruling.report()
    assert await queue(ruling, "chief") == {ours}
    assert await queue(ruling, "centre") == {ours, theirs}
    await ruling.act("centre", ours, "start")
    assert await queue(ruling, "chief") == set()
    assert await queue(ruling, "mender") == {ours}
    assert await queue(ruling, "plumber") == set()
