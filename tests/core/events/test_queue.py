"""My queue holds what its reader may lead on, guards of the workflow included, and nothing else."""

import uuid
from typing import Any

from jingwei_core.events.ports import NewTask
from jingwei_core.events.tables import Event
from tests.core.events.city import GRID, PEOPLE, City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import action, ruled, state
from tests.core.events.test_reading import outcome, queue

GUARDS: dict[str, list[dict[str, Any]]] = {
    "free": [],
    "role": [{"guard": "role", "roles": ["chief", "checker"]}],
    "post": [{"guard": "post", "roles": ["worker", "chief"], "level": "city"}],
    "low": [{"guard": "post", "roles": ["worker", "clerk"], "level": "grid"}],
    "assigned": [{"guard": "department", "department": "assigned"}],
    "water": [{"guard": "department", "department": "water"}],
    "holders": [{"guard": "certificate", "kind": "enforcement"}],
    "others": [{"guard": "other_than", "duty": "reported"}],
    "late": [{"guard": "within", "amount": 48, "unit": "hour", "since": "registered"}],
    "busy": [{"guard": "tasks_done"}],
    "unread": [{"guard": "acknowledged"}],
    "both": [
        {"guard": "role", "roles": ["handler"]},
        {"guard": "certificate", "kind": "enforcement"},
    ],
}
"""By the state in which the one action that leads on has them."""


def definition() -> dict[str, Any]:
    sent = [action(f"to-{code}", ["begin"], code, requires=["reason"]) for code in GUARDS]
    sent = [{**each, "assigns": "department"} for each in sent]
    led = [action(f"lead-{code}", [code], "done", guards=told) for code, told in GUARDS.items()]
    states = [state("begin", "start"), *(state(code) for code in GUARDS), state("done", "final")]
    drop = action("drop", ["late"], "done", requires=["reason"])
    names = {"code": "guarded", "name_zh": "流程", "name_en": "Guarded"}
    return {**names, "states": states, "actions": [*sent, *led, drop]}


async def scene(city: City) -> tuple[City, dict[uuid.UUID, str]]:
    """Two events in each state, the older outside of every window, one of the newer waiting."""
    ports, clock = city.platform.event_ports, city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, definition())
    ruling.platform.event_ports = ports
    events: dict[uuid.UUID, str] = {}
    for hours in (47, 2):
        for code in GUARDS:
            event = await ruling.report()
            await ruling.act("centre", event, f"to-{code}", reason="试")
            events[event] = code
        clock.forward(hours=hours)
    newest = {code: event for event, code in events.items()}
    for event in (newest["busy"], newest["free"]):
        async with ruling.context(None) as ctx:
            task = NewTask("查看", "Look", department=ruling.departments["roads"])
            await ports.tasks.open(ctx, await ctx.data.lock(Event, event), task)
    await ruling.fetch(
        "INSERT INTO core.event_report_up (event, whom, asked_at, place_id, place_path)"
        " VALUES ($1, 'supervisor', now(), $2, $3)",
        newest["unread"],
        ruling.places[GRID],
        GRID,
    )
    for login, number, end in (("mender", "1", None), ("second-mender", "2", "2026-11-01")):
        await ruling.fetch(
            "INSERT INTO core.certificate (account, kind, number, issuer, valid_from, valid_to)"
            " VALUES ($1, 'enforcement', $2, '市', '2026-01-01', $3::text::date)",
            ruling.people[login],
            number,
            end,
        )
    return ruling, events


async def test_an_event_is_in_the_queue_of_whoever_may_lead_it_on(city: City) -> None:
    ruling, events = await scene(city)
    seen: dict[str, set[str]] = {code: set() for code in GUARDS}
    for login in PEOPLE:
        accepted = {
            event
            for event, code in events.items()
            if await outcome(ruling, login, event, f"lead-{code}") == "TAKEN"
        }
        assert await queue(ruling, login) == accepted, login
        for event in accepted:
            seen[events[event]].add(login)
    assert all(seen.values())
    assert (seen["holders"], seen["both"]) == ({"mender"}, {"mender"})
    assert (seen["role"], seen["post"]) == ({"chief", "checker"}, {"chief"})
    assert (seen["low"], seen["water"]) == ({"worker"}, {"plumber"})
    assert seen["assigned"] == {"mender", "second-mender"}
    assert "clerk" not in seen["free"]
