"""Putting a workflow in force: new events begin with it, running ones stay or are moved."""

import copy
import uuid
from typing import Any

import pytest

from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_core.workflows import activation
from jingwei_core.workflows.activation import Activated, activate
from jingwei_sdk.errors import Conflict, Invalid
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import action, available, ruled, state, workflow
from tests.core.events.test_effects import at
from tests.core.events.test_guards import working


def renewed() -> dict[str, Any]:
    """The workflow with its state ``work`` called ``repair``, and a check before the end."""
    document = copy.deepcopy(workflow())
    for one in document["states"]:
        one["code"] = one["code"].replace("work", "repair")
    document["states"].insert(2, state("check"))
    for one in document["actions"]:
        one["from"] = [code.replace("work", "repair") for code in one["from"]]
        one["to"] = one["to"].replace("work", "repair")
    document["actions"][-1]["to"] = "check"
    document["actions"].append(action("approve", ["check"], "done"))
    return document


async def put(city: City, document: dict[str, Any], **mapping: str) -> Activated:
    definition = read_workflow(document)
    return await activate(city.platform, city.tenant.slug, definition, mapping or None)


async def whole(city: City) -> dict[str, Any]:
    return {**await city.state(), "workflow": await city.fetch("SELECT * FROM core.workflow")}


async def test_running_events_stay_on_their_version(city: City) -> None:
    ruling = await ruled(city, workflow())
    event = await working(ruling)
    done = await put(ruling, renewed())
    assert (done.number, done.is_new, done.moved, done.staying) == (2, True, 0, 1)
    await ruling.act("chief", event, "finish")
    assert (await ruling.event(event))["state"] == "done"
    fresh = await working(ruling)
    assert (await ruling.event(fresh))["state"] == "repair"
    (entry,) = await ruling.fetch(
        "SELECT actor_name, target_id FROM core.audit_entry WHERE command = 'workflow.activate'"
    )
    assert entry["target_id"] == await ruling.value(
        "SELECT id FROM core.workflow WHERE is_current AND code = 'guarded'"
    )


async def test_a_declared_mapping_moves_them_in_batches(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activation, "BATCH", 2)
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, workflow())
    events = [await working(ruling) for _ in range(3)]
    begun, done = await ruling.report(), await working(ruling)
    await ruling.act("chief", done, "finish")
    clock.forward(hours=1)
    await ruling.act("chief", events[0], "wait", reason="待")
    before = {event: await ruling.event(event) for event in (*events, begun, done)}
    heard: list[tuple[int, int]] = []
    found = await activate(
        ruling.platform,
        ruling.tenant.slug,
        read_workflow(renewed()),
        {"work": "repair"},
        lambda moved, total: heard.append((moved, total)),
    )
    assert (found.moved, found.staying) == (4, 0)
    assert heard == [(2, 4), (4, 4)]
    after = {event: await ruling.event(event) for event in before}
    assert [after[event]["state"] for event in (*events, begun)] == [
        *("wait", "repair", "repair", "begin")
    ]
    # Nobody is told another limit, and what is closed is left alone.
    limits = ("state_due_at", "warn_at", "due_at", "state_since")
    for event in (*events, begun):
        assert [after[event][name] for name in limits] == [before[event][name] for name in limits]
    assert after[done] == before[done]
    batches = await ruling.value(
        "SELECT count(*) FROM core.audit_entry WHERE command = 'workflow.activate'"
    )
    assert batches == 3


async def test_what_was_moved_goes_on_under_the_new_version(city: City) -> None:
    ruling = await ruled(city, workflow())
    moving, waiting = await working(ruling), await working(ruling)
    limit = (await ruling.event(moving))["state_due_at"]
    await ruling.act("chief", waiting, "wait", reason="待")
    await put(ruling, renewed(), work="repair")
    last = (await ruling.steps(moving))[-1]
    assert (last["sequence"], last["action"], last["note"]) == (3, "migrate", "v1 → v2")
    assert (last["from_state"], last["to_state"], last["actor"]) == ("work", "repair", None)
    await ruling.act("chief", moving, "finish")
    assert (await ruling.event(moving))["state"] == "check"
    # What waited goes back to the state that its old one is now, with what was left of the limit.
    await ruling.act("chief", waiting, "resume")
    row = await ruling.event(waiting)
    assert (row["state"], row["state_due_at"]) == ("repair", limit)


async def test_what_was_suspended_stays_so_or_goes_on(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, workflow())
    waiting, moving = await working(ruling), await working(ruling)
    clock.forward(hours=1)
    await ruling.act("chief", waiting, "wait", reason="待")
    without = renewed()
    without["states"] = [one for one in without["states"] if one["code"] != "wait"]
    without["actions"] = [one for one in without["actions"] if "wait" not in str(one)]
    clock.forward(days=1)
    await put(ruling, without, work="repair", wait="repair")
    row = await ruling.event(waiting)
    # Three of four working hours in the state were left on Monday at 10, seven of eight in all.
    assert (row["state"], row["suspended"]) == ("repair", None)
    assert (row["state_due_at"], row["due_at"]) == (at(24, 15), at(25, 10))
    assert (await ruling.steps(waiting))[-1]["due_at"] == row["state_due_at"]
    assert await available(ruling, "chief", moving) == ["finish"]


async def test_what_cannot_be_moved_is_refused_before_anything_is_done(city: City) -> None:
    ruling = await ruled(city, workflow())
    event = await working(ruling)
    await ruling.act("chief", event, "wait", reason="待")
    before = await whole(ruling)
    stuck = renewed()
    stuck["states"].insert(3, state("store", pauses=True))
    stuck["actions"] += [
        action("store", ["repair", "check"], "store", requires=["reason"]),
        action("fetch", ["store"], "previous"),
    ]
    for document, mapping, told in (
        (renewed(), {"work": "done"}, ("work", "done")),
        (renewed(), {"work": "moon"}, ("work", "moon")),
        (stuck, {"wait": "store"}, ("wait", "store")),
    ):
        with pytest.raises(Invalid) as refusal:
            await put(ruling, document, **mapping)
        assert (refusal.value.code, refusal.value.field) == ("WORKFLOW_MAP", "map")
        assert (refusal.value.params["state"], refusal.value.params["to"]) == told
        assert await whole(ruling) == before
    await ruling.act("chief", event, "resume")
    before = await whole(ruling)
    with pytest.raises(Invalid) as unmapped:
        await put(ruling, renewed(), wait="wait")
    assert unmapped.value.params == {"state": "work", "to": "?"}
    assert await whole(ruling) == before


async def test_what_nobody_could_do_or_is_in_force_already_is_refused(city: City) -> None:
    ruling = await ruled(city, workflow())
    before = await whole(ruling)
    idle = workflow(action("judge", ["work"], "done", permission="street.judge"))
    with pytest.raises(WorkflowInvalid) as refusal:
        await put(ruling, idle)
    assert refusal.value.code == "WORKFLOW_NOBODY"
    with pytest.raises(Conflict) as unchanged:
        await put(ruling, workflow())
    assert unchanged.value.code == "WORKFLOW_UNCHANGED"
    assert await whole(ruling) == before


async def test_kinds_that_run_by_it_for_their_handling_count_too(city: City) -> None:
    ruling = await ruled(city, workflow())
    guard = {"guard": "fields", "fields": ["depth_cm"]}
    other = workflow(action("measure", ["work"], "done", guards=[guard]), code="urgent")
    assert (await put(ruling, other)).is_new
    # The nearest rule counts: potholes have no such field, and nothing else is left to the first.
    for kind, code in (("", "guarded"), ("city.road", "urgent")):
        await ruling.fetch(
            "INSERT INTO core.handling_rule (handling, kind, workflow)"
            " VALUES ('emergency', $1, $2)",
            kind,
            code,
        )
    other["name_en"] = "More urgent"
    before = await whole(ruling)
    with pytest.raises(WorkflowInvalid) as refusal:
        await put(ruling, other)
    assert [(flaw.code, flaw.params) for flaw in refusal.value.flaws] == [
        ("WORKFLOW_UNKNOWN_FIELD", {"value": "depth_cm", "kind": "city.road.pothole"})
    ]
    assert await whole(ruling) == before


async def test_moving_that_was_broken_off_is_gone_on_with(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activation, "BATCH", 1)
    ruling = await ruled(city, workflow())
    events = [await working(ruling) for _ in range(3)]

    def broken_off(moved: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await activate(
            *(ruling.platform, ruling.tenant.slug, read_workflow(renewed())),
            {"work": "repair"},
            broken_off,
        )
    assert await states(ruling, events) == ["repair", "work", "work"]
    done = await put(ruling, renewed(), work="repair")
    assert (done.is_new, done.number, done.moved, done.staying) == (False, 2, 2, 0)
    assert await states(ruling, events) == ["repair"] * 3


async def states(city: City, events: list[uuid.UUID]) -> list[str]:
    return [(await city.event(event))["state"] for event in events]
