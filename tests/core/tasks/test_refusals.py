"""What tasks refuse, each with its code, and that nothing changed by it."""

from typing import Any, cast

import pytest

from jingwei_core.commands.bus import Call, execute
from jingwei_core.session import Request
from jingwei_core.tasks.opening import MOST_WAITING
from jingwei_sdk.errors import Conflict, Denied, Invalid, NotFound
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.tasks.street import CARD, certify, hire
from tests.core.tasks.working import (
    PLAN,
    TWO_DAYS,
    done,
    joined,
    opened,
    planned,
    refused,
    task,
    unit,
)

NOBODY = "0195f000-0000-7000-8000-00000000000f"
OPENINGS: list[tuple[dict[str, Any], str, str]] = [
    ({}, "TASK_DEPARTMENT_REQUIRED", "department"),
    ({"department_code": "nobody"}, "TASK_DEPARTMENT_UNKNOWN", "department"),
    (
        {"department": NOBODY},
        "TASK_DEPARTMENT_UNKNOWN",
        "department",
    ),
    ({"department_code": "food", "certificate_kind": "pilot"}, "TASK_CERTIFICATE_UNKNOWN", ""),
    ({"department_code": "food", "assignee": "commerce"}, "TASK_NOT_MEMBER", "assignee"),
    (
        {"department_code": "food", "operation": NOBODY},
        "TASK_OPERATION_UNKNOWN",
        "operation",
    ),
]
PLANS: list[tuple[dict[str, Any], str, str]] = [
    ({"lead": "mender", "units": [unit("food"), unit("food")]}, "TASK_DEPARTMENT_TWICE", ""),
    ({"lead": "worker-elsewhere"}, "TASK_LEAD_UNFIT", "lead"),
    ({"planned_at": "2026-11-24T09:00:00"}, "TIME_WITHOUT_ZONE", "plannedAt"),
    ({"certificate_kind": "pilot"}, "TASK_CERTIFICATE_UNKNOWN", "certificateKind"),
    ({"lead_department_code": None}, "TASK_DEPARTMENT_REQUIRED", "leadDepartment"),
]


async def test_what_cannot_be_opened_is_refused(street: City) -> None:
    event = await joined(street)
    for given, code, field in OPENINGS:
        told = {**given}
        if "assignee" in told:
            told["assignee"] = str(street.people[told["assignee"]])
        refusal = await refused(
            street, "chief", "event.task.open", event, title="清运", limit=TWO_DAYS, **told
        )
        assert isinstance(refusal, Invalid)
        assert (refusal.code, refusal.field) == (code, field or "certificateKind")
    given = {"title": "清运", "department_code": "food"}
    for limit in ({"amount": 0}, {"amount": 0.5, "unit": "work_day"}):
        refusal = await refused(street, "chief", "event.task.open", event, **given, limit=limit)
        assert refusal.code in ("INPUT_INVALID", "TIME_AMOUNT")
    refusal = await refused(street, "food", "event.task.open", event, **given, limit=TWO_DAYS)
    assert isinstance(refusal, Denied)


async def test_what_cannot_be_planned_is_refused(street: City) -> None:
    event = await joined(street)
    await hire(street, "worker-elsewhere", "unit", "42050200100102", None)
    for given, code, field in PLANS:
        told = {**PLAN, "lead_department_code": "food", "units": [unit("food")], **given}
        if "lead" in told:
            told["lead"] = str(street.people[told["lead"]])
        if code == "TASK_LEAD_UNFIT":
            told["lead_department_code"] = "enforcement"
        refusal = await refused(street, "chief", "event.joint.plan", event, **told)
        assert isinstance(refusal, Invalid)
        assert (refusal.code, refusal.field) == (code, field or "units.1.department")


async def test_an_event_waits_for_so_many_tasks_at_most(street: City) -> None:
    event = await joined(street)
    await street.fetch("UPDATE core.event SET open_tasks = $1 WHERE id = $2", MOST_WAITING, event)
    given = {"title": "清运", "department_code": "food", "limit": TWO_DAYS}
    refusal = await refused(street, "chief", "event.task.open", event, **given)
    assert (refusal.code, refusal.params["most"]) == ("TASK_TOO_MANY", MOST_WAITING)


WHY = {"reason": "因故"}
GIVEN: dict[str, dict[str, Any]] = {
    "accept": {},
    "hand-over": {**WHY, "department_code": "food"},
    "complete": {"result": "已办"},
    "return": WHY,
    "reopen": WHY,
    "ask-time": {**WHY, "limit": {"amount": 9}},
    "extend": {**WHY, "limit": {"amount": 9}},
    "cancel": WHY,
}


async def test_every_state_allows_its_actions_and_no_other(street: City) -> None:
    """The state machine, each refusal of it tried; done, cancelled and handed over are the end."""
    event = await joined(street)
    allowed = {
        "open": {"accept", "hand-over", "return", "ask-time", "extend", "cancel"},
        "accepted": {"hand-over", "complete", "return", "ask-time", "extend", "cancel"},
        "returned": {"reopen", "cancel"},
        "done": set[str](),
        "cancelled": set[str](),
        "handed_over": set[str](),
    }
    ways = {
        "accepted": ["accept"],
        "returned": ["accept", "return"],
        "done": ["accept", "complete"],
        "cancelled": ["cancel"],
        "handed_over": ["hand-over"],
        "open": [],
    }
    for state, way in ways.items():
        row = await opened(street, event, "enforcement")
        for action in way:
            await street.run(login_of(action), f"event.task.{action}", row, **GIVEN[action])
        assert (await task(street, row))["state"] == state
        for action in GIVEN.keys() - allowed[state]:
            refusal = await refused(
                street, login_of(action), f"event.task.{action}", row, **GIVEN[action]
            )
            assert isinstance(refusal, Conflict)
            assert refusal.code == "TASK_STATE"
            assert refusal.params == {"action": action, "state": state}
        assert await actions_of(street, row) == allowed[state]


def login_of(action: str) -> str:
    return "chief" if action in ("reopen", "extend", "cancel") else "enforcement"


async def actions_of(street: City, row: Any) -> set[str]:
    """What the officer and the chief together are told they may do."""
    found: set[str] = set()
    for login in ("enforcement", "chief"):
        async with street.context(login) as ctx:
            record = ctx.registry.record("EventTask")
            resolve = ctx.registry.computed(record)["available_actions"].resolve
            found |= set(cast(Any, await resolve(ctx, [await task(street, row)]))[0])
    return found


async def test_a_certificate_counts_on_the_day_and_is_nobody_elses(
    street: City, clock: FrozenClock
) -> None:
    event = await joined(street)
    row = await opened(street, event, "enforcement", certificate_kind=CARD)
    refusal = await refused(street, "trainee", "event.task.accept", row)
    assert (refusal.code, refusal.params["kind"]) == ("TASK_CERTIFICATE", CARD)
    async with street.context("trainee") as ctx:
        record = ctx.registry.record("EventTask")
        resolve = ctx.registry.computed(record)["available_actions"].resolve
        told = cast(Any, await resolve(ctx, [await task(street, row)]))
        assert "accept" not in told[0]
    await street.run("enforcement", "event.task.accept", row)
    clock.forward(days=60)
    refusal = await refused(street, "enforcement", "event.task.complete", row, result="已办")
    assert refusal.code == "TASK_CERTIFICATE"
    await certify(street, "trainee")


async def test_a_changed_task_is_not_written_over(street: City) -> None:
    event = await joined(street)
    row = await opened(street, event, "enforcement")
    seen = (await task(street, row))["version"]
    await street.run("enforcement", "event.task.accept", row)
    state = await street.platform.tenant_by_id(street.tenant.id)
    command = street.platform.host.registry(state.enabled).commands["event.task.return"]
    call = Call(command, {"reason": "因故"}, row, expected_version=seen)
    who, request = street.identity("enforcement"), Request("zh", "test")
    with pytest.raises(Conflict, match="ROW_CHANGED"):
        await execute(street.platform, street.tenant, who, call, request)
    assert (await task(street, row))["state"] == "accepted"


async def test_who_does_not_see_a_task_learns_nothing_of_it(street: City) -> None:
    event = await joined(street)
    row = await opened(street, event, "enforcement")
    await hire(street, "aside", "unit", "42050200100102", None)
    refusal = await refused(street, "aside", "event.task.accept", row)
    assert isinstance(refusal, NotFound)


async def test_an_operation_that_has_ended_takes_no_more(street: City) -> None:
    event = await joined(street)
    joint = await planned(street, event, units=[unit("food")])
    row = await street.value("SELECT id FROM core.event_task WHERE operation = $1", joint)
    await done(street, "food", row)
    given = {"title": "清运", "department_code": "food", "limit": TWO_DAYS, "operation": str(joint)}
    assert (await refused(street, "chief", "event.task.open", event, **given)).code == (
        "TASK_OPERATION_ENDED"
    )
    refusal = await refused(street, "chief", "event.joint.cancel", joint, reason="下雨")
    assert (refusal.code, isinstance(refusal, Conflict)) == ("TASK_OPERATION_ENDED", True)
    other = await joined(street)
    still = await planned(street, other)
    given["operation"] = str(still)
    refusal = await refused(street, "chief", "event.task.open", event, **given)
    assert refusal.code == "TASK_OPERATION_UNKNOWN"
