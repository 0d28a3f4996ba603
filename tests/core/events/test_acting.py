"""The closed loop: each step by its own account, and what nobody may do."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jingwei_core.commands.bus import Call, execute
from jingwei_core.events.stepping import Step, take_step
from jingwei_core.events.tables import Event
from jingwei_core.session import Request
from jingwei_core.signals import UnitSignals
from jingwei_sdk.errors import Conflict, Denied, Invalid, JingweiError, NotFound
from tests.core.events.city import GRID, SIBLING, City
from tests.core.events.listening_plugin import PLUGIN_ID, ListeningHooks


async def filed(city: City) -> uuid.UUID:
    event = await city.report()
    await city.act("chief", event, "file")
    return event


async def verified(city: City) -> uuid.UUID:
    event = await filed(city)
    await city.act("chief", event, "verify", note="属实")
    return event


async def dispatched(city: City) -> uuid.UUID:
    event = await verified(city)
    await city.act("centre", event, "dispatch", department_code="roads")
    return event


async def handled(city: City) -> uuid.UUID:
    event = await dispatched(city)
    photo = await city.photo("mender")
    after = [{"id": str(photo), "phase": "after"}]
    await city.act("mender", event, "handle", note="已修补", evidence=after)
    return event


async def closed(city: City) -> uuid.UUID:
    event = await handled(city)
    await city.act("checker", event, "check", note="合格")
    await city.act("centre", event, "close")
    return event


async def test_one_event_runs_the_whole_loop(city: City) -> None:
    event_id = await closed(city)
    event = await city.event(event_id)
    assert (event["state"], event["is_final"]) == ("closed", True)
    assert event["closed_at"] == city.platform.clock.now()
    assert (event["state_due_at"], event["warn_at"]) == (None, None)
    assert (event["assigned_department"], event["assigned_account"]) == (None, None)
    told = [
        (step["sequence"], step["action"], step["from_state"], step["to_state"], step["actor_name"])
        for step in await city.steps(event_id)
    ]
    assert told == [
        (1, "report", None, "registered", "worker"),
        (2, "file", "registered", "filed", "chief"),
        (3, "verify", "filed", "verified", "chief"),
        (4, "dispatch", "verified", "dispatched", "centre"),
        (5, "handle", "dispatched", "handled", "mender"),
        (6, "check", "handled", "checked", "checker"),
        (7, "close", "checked", "closed", "centre"),
    ]
    steps = await city.steps(event_id)
    assert [step["department"] for step in steps] == [
        *[None] * 3,
        city.departments["roads"],
        *[None] * 3,
    ]
    assert steps[4]["note"] == "已修补"
    commands = await city.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
    assert [row[0] for row in commands] == ["event.report", *["event.act"] * 6]


async def test_entering_a_state_begins_its_limit_and_leaving_late_is_kept(city: City) -> None:
    clock: Any = city.platform.clock
    event_id = await dispatched(city)
    zone = city.tenant.timezone
    due = (await city.event(event_id))["state_due_at"]
    # Four working hours from Monday 09:00.
    assert due.astimezone(zone).strftime("%d %H:%M") == "23 15:00"
    clock.forward(hours=7)
    photo = await city.photo("mender")
    after = [{"id": str(photo), "phase": "after"}]
    await city.act("mender", event_id, "handle", note="晚了", evidence=after)
    steps = await city.steps(event_id)
    assert [step["was_late"] for step in steps] == [False] * 4 + [True]
    assert (await city.event(event_id))["state_due_at"].astimezone(zone).strftime(
        "%d %H:%M"
    ) == "24 17:30"


async def test_changing_rules_moves_no_running_deadline(city: City) -> None:
    event_id = await city.report()
    before = await city.event(event_id)
    await city.fetch("UPDATE core.deadline_rule SET amount = 99")
    await city.run("chief", "event.comment", event_id, note="看一下")
    assert (await city.event(event_id))["state_due_at"] == before["state_due_at"]


async def test_a_new_workflow_version_leaves_running_events_on_theirs(city: City) -> None:
    event_id = await city.report()
    row = (await city.fetch("SELECT definition FROM core.workflow"))[0]
    definition = json.loads(row[0])
    dropped = "return_to_registration"
    definition["actions"] = [one for one in definition["actions"] if one["code"] != dropped]
    await city.fetch("UPDATE core.workflow SET is_current = false")
    await city.fetch(
        "INSERT INTO core.workflow (code, number, digest, definition)"
        " VALUES ('standard', 2, 'second', $1)",
        json.dumps(definition),
    )
    newer = await city.report()
    for event in (event_id, newer):
        await city.act("chief", event, "file")
    await city.act("centre", event_id, dropped, reason="重新登记")
    assert (await city.event(event_id))["state"] == "registered"
    with pytest.raises(Invalid) as refusal:
        await city.act("centre", newer, dropped, reason="重新登记")
    assert refusal.value.code == "EVENT_ACTION_UNKNOWN"


async def test_reopening_takes_the_closing_time_back(city: City) -> None:
    event_id = await closed(city)
    await city.act("chief", event_id, "reopen", reason="又坏了")
    event = await city.event(event_id)
    assert (event["state"], event["is_final"], event["closed_at"]) == ("filed", False, None)


Stage = Callable[[City], Awaitable[uuid.UUID]]
REFUSALS: list[tuple[str, Stage, str, dict[str, Any], type[JingweiError], str, str | None]] = [
    ("without the action's permission", filed, "worker", {"action": "verify", "note": "n"}, Denied,
     "PERMISSION_DENIED", None),
    ("unknown action", filed, "chief", {"action": "fly"}, Invalid, "EVENT_ACTION_UNKNOWN",
     "action"),
    ("the state moved on", verified, "chief", {"action": "file"}, Conflict,
     "EVENT_ACTION_NOT_ALLOWED", "action"),
    ("another department", dispatched, "plumber", {"action": "handle", "note": "n"}, Denied,
     "EVENT_NOT_ASSIGNED", "action"),
    ("no after-photo", dispatched, "mender", {"action": "handle", "note": "n"}, Invalid,
     "EVENT_PHOTO_REQUIRED", "evidence"),
    ("no note", filed, "chief", {"action": "verify"}, Invalid, "EVENT_NOTE_REQUIRED", "note"),
    ("no department", verified, "centre", {"action": "dispatch"}, Invalid,
     "EVENT_DEPARTMENT_REQUIRED", "department"),
    ("unknown department", verified, "centre",
     {"action": "dispatch", "department_code": "magic"}, Invalid, "EVENT_DEPARTMENT_UNKNOWN",
     "departmentCode"),
    ("absent department", verified, "centre",
     {"action": "dispatch", "department": str(uuid.UUID(int=9))}, Invalid,
     "EVENT_DEPARTMENT_UNKNOWN", "department"),
    ("a person from elsewhere", verified, "centre",
     {"action": "dispatch", "department_code": "roads", "assignee": "plumber"}, Invalid,
     "EVENT_ASSIGNEE_NOT_MEMBER", "assignee"),
    ("no reason", dispatched, "centre", {"action": "reassign", "department_code": "water"}, Invalid,
     "EVENT_REASON_REQUIRED", "reason"),
    ("a department nobody asked for", filed, "chief",
     {"action": "verify", "note": "n", "department_code": "roads"}, Invalid, "EVENT_INPUT_UNUSED",
     "department"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("stage", "login", "given", "kind", "code", "field"),
    [row[1:] for row in REFUSALS],
    ids=[row[0] for row in REFUSALS],
)
async def test_a_refused_step_leaves_no_trace(
    city: City,
    stage: Stage,
    login: str,
    given: dict[str, Any],
    kind: type[JingweiError],
    code: str,
    field: str | None,
) -> None:
    event = await stage(city)
    if "assignee" in given:
        given = {**given, "assignee": str(city.people[given["assignee"]])}
    before = await city.state()
    with pytest.raises(kind) as refusal:
        await city.run(login, "event.act", event, **given)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert await city.state() == before


async def test_contradicting_departments_are_refused(city: City) -> None:
    event = await verified(city)
    roads = str(city.departments["roads"])
    with pytest.raises(Invalid) as refusal:
        await city.act("centre", event, "dispatch", department=roads, department_code="water")
    assert refusal.value.code == "EVENT_DEPARTMENT_AMBIGUOUS"
    await city.act("centre", event, "dispatch", department=roads, department_code="roads")
    assert (await city.event(event))["assigned_department"] == city.departments["roads"]


async def test_the_assigned_person_handles_for_the_department(city: City) -> None:
    event = await dispatched(city)
    await city.run("chief", "event.assign", event, assignee=str(city.people["second-mender"]))
    found = await city.event(event)
    assert found["assigned_account"] == city.people["second-mender"]
    assert found["assigned_department"] == city.departments["roads"]
    last = (await city.steps(event))[-1]
    assert (last["action"], last["assignee"]) == ("assign", city.people["second-mender"])
    assert last["due_at"] == found["state_due_at"]


async def test_assigning_does_not_restart_the_clock(city: City) -> None:
    clock: Any = city.platform.clock
    event = await dispatched(city)
    before = await city.event(event)
    clock.forward(hours=1)
    await city.run("chief", "event.assign", event, assignee=str(city.people["mender"]))
    after = await city.event(event)
    assert (after["state_since"], after["state_due_at"]) == (
        before["state_since"],
        before["state_due_at"],
    )
    reason = "属供水管线"
    await city.act("centre", event, "reassign", department_code="water", reason=reason)
    moved = await city.event(event)
    assert moved["assigned_account"] is None
    assert moved["state_since"] == clock.now()
    assert (await city.steps(event))[-1]["reason"] == reason


async def test_a_person_is_assigned_only_where_the_workflow_does(city: City) -> None:
    event = await filed(city)
    before = await city.state()
    with pytest.raises(Conflict) as refusal:
        await city.run("chief", "event.assign", event, assignee=str(city.people["mender"]))
    assert refusal.value.code == "EVENT_ACTION_NOT_ALLOWED"
    assert await city.state() == before


async def test_a_former_member_is_not_assigned(city: City) -> None:
    event = await dispatched(city)
    await city.fetch(
        "UPDATE core.post SET valid_to = $2 WHERE account = $1",
        city.people["mender"],
        city.platform.clock.now(),
    )
    await city.fetch(
        "UPDATE core.account SET status = 'suspended' WHERE id = $1", city.people["second-mender"]
    )
    for login in ("mender", "second-mender"):
        with pytest.raises(Invalid) as refusal:
            await city.run("chief", "event.assign", event, assignee=str(city.people[login]))
        assert refusal.value.code == "EVENT_ASSIGNEE_NOT_MEMBER"


async def test_a_comment_moves_nothing(city: City) -> None:
    event = await city.report()
    before = await city.event(event)
    photo = await city.photo("worker")
    await city.run("worker", "event.comment", event, note="补充照片", evidence=[{"id": str(photo)}])
    assert await city.event(event) == before
    last = (await city.steps(event))[-1]
    assert (last["action"], last["from_state"], last["to_state"], last["note"]) == (
        "comment",
        "registered",
        "registered",
        "补充照片",
    )
    with pytest.raises(Invalid) as refusal:
        await city.run("worker", "event.comment", event, note=" ")
    assert refusal.value.code == "EVENT_TEXT_REQUIRED"


async def test_events_out_of_sight_do_not_exist(city: City, neighbour: City) -> None:
    event = await city.report()
    before = await city.state()
    for command, given in (
        ("event.act", {"action": "file"}),
        ("event.comment", {"note": "n"}),
        ("event.assign", {"assignee": str(city.people["mender"])}),
    ):
        for other in (city, neighbour):
            login = "other-worker" if other is city else "chief"
            with pytest.raises((NotFound, Denied)) as refusal:
                await other.run(login, command, event, **given)
            if command != "event.assign" or other is neighbour:
                assert refusal.value.code == "ROW_NOT_FOUND"
    assert await city.state() == before


async def test_of_two_that_act_at_once_one_wins(city: City) -> None:
    event = await city.report()
    answers = await asyncio.gather(
        *(city.act("chief", event, "file") for _ in range(4)), return_exceptions=True
    )
    refused = [answer for answer in answers if isinstance(answer, JingweiError)]
    assert [error.code for error in refused] == ["EVENT_ACTION_NOT_ALLOWED"] * 3
    assert [step["sequence"] for step in await city.steps(event)] == [1, 2]


async def test_the_same_key_acts_once(city: City) -> None:
    event = await city.report()
    state = await city.platform.tenant_by_id(city.tenant.id)
    command = city.platform.host.registry(state.enabled).commands["event.act"]
    call = Call(command, {"action": "file"}, event, key="k-1")
    who = city.identity("chief")
    answers = [
        await execute(city.platform, city.tenant, who, call, Request("zh", "test"))
        for _ in range(2)
    ]
    assert [answer.replayed for answer in answers] == [False, True]
    assert answers[0].row_id == answers[1].row_id == event
    assert len(await city.steps(event)) == 2


async def test_the_timeline_cannot_be_rewritten(city: City) -> None:
    await city.report()
    for table in ("event_step", "step_evidence"):
        for statement in (f"UPDATE core.{table} SET version = 2", f"DELETE FROM core.{table}"):
            with pytest.raises(Exception, match="permission denied"):
                await city.fetch(statement)


async def test_plugins_hear_each_step_and_may_forbid_it(city: City, hooks: ListeningHooks) -> None:
    event = await city.report()
    hooks.forbidden.add("file")
    before = await city.state()
    with pytest.raises(Conflict) as refusal:
        await city.act("chief", event, "file")
    assert refusal.value.code == "LISTENING_FORBIDS"
    assert await city.state() == before
    hooks.forbidden.clear()
    await city.act("chief", event, "file")
    assert [(one.action, one.from_state, one.to_state) for one in hooks.asked] == [
        ("report", None, "registered"),
        ("file", "registered", "filed"),
        ("file", "registered", "filed"),
    ]
    assert {one.event_id for one in hooks.asked} == {event}
    assert hooks.asked[0].place_id == city.places[GRID]


async def test_each_step_queues_one_reaction_and_one_notice(city: City, neighbour: City) -> None:
    queued = "SELECT payload FROM jobs.pgqueuer ORDER BY id"
    async with city.platform.database.owner() as unit:
        await unit.execute("DELETE FROM jobs.pgqueuer")
    await neighbour.report()
    event = await city.report()
    async with city.platform.database.owner() as unit:
        payloads = [bytes(row[0]).decode() for row in await unit.fetch(queued)]
    assert len(payloads) == 1
    assert str(event) in payloads[0]
    assert PLUGIN_ID in payloads[0]


async def test_subscribers_are_told_where_it_changed(city: City) -> None:
    event = await filed(city)
    async with city.context("chief") as ctx:
        row = await ctx.data.lock(Event, event)
        await take_step(ctx, row, Step("verify", note="属实"))
        assert isinstance(ctx.signals, UnitSignals)
        (notice,) = ctx.signals.notices()
    assert json.loads(notice) == {
        "tenant": str(city.tenant.id),
        "record": "Event",
        "id": str(event),
        "path": GRID,
    }


async def test_a_forbidden_report_leaves_no_trace(city: City, hooks: ListeningHooks) -> None:
    hooks.forbidden.add("report")
    before = await city.state()
    with pytest.raises(Conflict):
        await city.report()
    assert await city.state() == before


async def test_plugins_of_other_tenants_hear_nothing(
    neighbour: City, hooks: ListeningHooks
) -> None:
    await neighbour.report()
    assert hooks.asked == []


async def test_a_worker_next_door_is_told_apart_from_a_look_alike(city: City) -> None:
    """`/1/2/` is no prefix of `/1/22/`, though its text is close."""
    event = await city.report("other-worker", place_id=str(city.places[SIBLING]), position=None)
    with pytest.raises(NotFound):
        await city.run("worker", "event.comment", event, note="n")
