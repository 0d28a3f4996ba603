"""Trying a draft out on what is closed: the same rules decide as of then, nothing is written."""

import json
from typing import Any

import pytest

from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_core.workflows.preview import Preview, preview
from jingwei_core.workflows.replay import Moved, Refused
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import action, ruled, state, workflow
from tests.core.events.test_acting import closed
from tests.core.events.test_activation import whole
from tests.core.events.test_effects import at
from tests.core.events.test_guards import photos, working


async def tried(city: City, document: dict[str, Any], last: int = 10) -> Preview:
    before = await whole(city)
    found = await preview(city.platform, city.tenant.slug, read_workflow(document), last)
    assert await whole(city) == before
    return found


def usual(**finish: Any) -> dict[str, Any]:
    """The workflow, with more said about its last action."""
    document = workflow()
    document["states"][1]["owner"] = "role:chief"
    document["actions"][-1].update(finish)
    return document


async def finished(city: City, **report: Any) -> None:
    """An event that waited for a day: started at 9, two hours of work, a day's pause, one more."""
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    event = await working(city, **report)
    clock.forward(hours=2)
    await city.act("chief", event, "wait", reason="待")
    clock.forward(days=1)
    await city.act("chief", event, "resume")
    clock.forward(hours=1)
    evidence = await photos(city, "mender", "after", 1)
    await city.act("mender", event, "finish", evidence=evidence, form={"width_cm": 4})


async def test_the_shipped_loop_replays_as_it_was(city: City) -> None:
    await closed(city)
    stored = await city.value("SELECT definition FROM core.workflow WHERE code = 'standard'")
    await city.fetch("UPDATE core.role SET permissions = permissions || '{event.cancel,event.x}'")
    await city.fetch(
        "UPDATE core.role SET permissions = permissions || '{event.handle}' WHERE code = 'clerk'"
    )
    definition = json.loads(stored)
    found = await tried(city, definition)
    (event,) = found.events
    assert event.refused == ()
    assert found.same == 1


async def test_the_same_workflow_changes_nothing_and_a_pause_counts(city: City) -> None:
    ruling = await ruled(city, workflow())
    await finished(ruling)
    found = await tried(ruling, workflow())
    assert [event.is_same for event in found.events] == [True]
    assert (found.events[0].late_before, found.events[0].late_after) == (0, 0)


@pytest.mark.parametrize(
    ("finish", "code"),
    [
        ({"permission": "event.close"}, "PERMISSION_DENIED"),
        ({"guards": [{"guard": "role", "roles": ["chief"]}]}, "EVENT_GUARD_ROLE"),
        ({"guards": [{"guard": "department", "department": "water"}]}, "EVENT_GUARD_DEPARTMENT"),
        ({"guards": [{"guard": "certificate", "kind": "enforcement"}]}, "EVENT_GUARD_CERTIFICATE"),
        (
            {"guards": [{"guard": "evidence", "phase": "after", "at_least": 2}]},
            "EVENT_GUARD_EVIDENCE",
        ),
        ({"requires": ["photo:before"]}, "EVENT_PHOTO_REQUIRED"),
        ({"requires": ["note"]}, "EVENT_NOTE_REQUIRED"),
        ({"from": ["wait"]}, "EVENT_ACTION_NOT_ALLOWED"),
        ({"code": "strike"}, "EVENT_ACTION_UNKNOWN"),
        ({"guards": [{"guard": "role", "roles": ["handler"]}]}, None),
        ({"guards": [{"guard": "department", "department": "assigned"}]}, None),
        ({"guards": [{"guard": "fields", "fields": ["width_cm"]}]}, None),
        ({"by": "assigned", "guards": [{"guard": "other_than", "duty": "reported"}]}, None),
        ({"requires": ["photo:after"]}, None),
    ],
)
async def test_a_step_that_the_draft_would_refuse_is_told_with_its_code(
    city: City, finish: dict[str, Any], code: str | None
) -> None:
    ruling = await ruled(city, workflow())
    await finished(ruling)
    found = await tried(ruling, usual(**finish))
    (event,) = found.events
    assert [(one.sequence, one.code) for one in event.refused] == ([(5, code)] if code else [])
    assert found.same == (0 if code else 1)
    assert not event.unfinished


async def test_who_held_a_post_then_is_judged_by_that(city: City) -> None:
    ruling = await ruled(city, workflow())
    await finished(ruling)
    guard = {"guard": "role", "roles": ["handler"]}
    await ruling.fetch(
        "UPDATE core.post SET valid_to = $1 WHERE account = $2",
        ruling.platform.clock.now(),
        ruling.people["mender"],
    )
    assert (await tried(ruling, usual(guards=[guard]))).same == 0
    clock = ruling.platform.clock
    assert isinstance(clock, FrozenClock)
    clock.forward(seconds=1)
    await ruling.fetch(
        "UPDATE core.post SET valid_to = $1 WHERE account = $2",
        clock.now(),
        ruling.people["mender"],
    )
    clock.forward(days=30)
    assert (await tried(ruling, usual(guards=[guard]))).same == 1


async def test_other_limits_are_told_where_they_would_have_fallen(city: City) -> None:
    ruling = await ruled(city, workflow())
    await finished(ruling)
    draft = workflow(limits={"*": {"amount": 8, "unit": "work_hour"}})
    draft["states"][1]["limit"] = {"amount": 1, "unit": "hour"}
    found = await tried(ruling, draft)
    (event,) = found.events
    assert event.refused == ()
    assert (event.late_before, event.late_after) == (0, 2)
    assert event.moved == (
        Moved(2, "work", at(23, 15), at(23, 10)),
        # One hour had passed when it was suspended: nothing was left to go on with.
        Moved(4, "work", at(24, 15), at(23, 10)),
    )


async def test_what_the_draft_does_at_intake_is_not_asked_of_people(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await ruled(city, workflow())
    reported = await ruling.report()
    clock.forward(hours=1)
    await ruling.act("centre", reported, "start")
    await ruling.act("mender", reported, "finish")
    found = await tried(
        ruling, usual() | {"intake": [{"sources": ["grid_worker"], "take": ["start"]}]}
    )
    (event,) = found.events
    assert (event.refused, event.unfinished) == ((), False)
    # The limit of the next state begins with the report.
    assert event.moved == (Moved(2, "work", at(23, 16), at(23, 15)),)


async def test_a_timeline_that_the_draft_does_not_know_is_told_as_far_as_it_goes(
    city: City,
) -> None:
    ruling = await ruled(city, workflow())
    await finished(ruling)
    draft = workflow()
    draft["states"][2] = state("pause", pauses=True)
    draft["actions"][1].update({"code": "pause", "to": "pause"})
    draft["actions"][2].update({"from": ["pause"]})
    (event,) = (await tried(ruling, draft)).events
    assert event.unfinished
    assert event.refused == (
        Refused(
            3,
            "wait",
            "EVENT_ACTION_UNKNOWN",
            {"action": "wait", "workflow": "guarded", "field": "action"},
        ),
    )


async def test_the_last_closed_ones_are_taken_and_no_open_one(city: City) -> None:
    ruling = await ruled(city, workflow())
    for _ in range(3):
        await finished(ruling)
    await working(ruling)
    numbers = [
        row["number"]
        for row in await ruling.fetch(
            "SELECT number FROM core.event WHERE is_final ORDER BY closed_at DESC LIMIT 2"
        )
    ]
    found = await tried(ruling, workflow(), last=2)
    assert [event.number for event in found.events] == numbers
    idle = workflow(action("judge", ["work"], "done", permission="street.judge"))
    with pytest.raises(WorkflowInvalid):
        await tried(ruling, idle)
