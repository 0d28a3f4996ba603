"""What workflows open, when tasks are due, who has them in the queue, and who stands in."""

import json
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.events.guarding import Case, GuardBook
from jingwei_core.events.workflow_reading import WorkflowInvalid, read_workflow
from jingwei_core.tasks.questions import my_tasks
from jingwei_sdk.narrowing import AnyOf, Equal, IsNull, OneOf
from tests.core.events.city import City
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.core.events.rulebook import action, workflow
from tests.core.tasks.working import done, joined, opened, planned, refused, task, tasks


async def test_a_workflow_opens_tasks_for_departments_and_for_people(street: City) -> None:
    event = await joined(street)
    await street.act("chief", event, "inspect")
    found = await tasks(street, event)
    quality, person = found["quality"], found[None]  # type: ignore[index]
    # 2 work hours from 09:00, warned after 80 % of them.
    assert (quality["due_at"], quality["warn_at"]) == (
        MONDAY + timedelta(hours=2),
        MONDAY + timedelta(minutes=96),
    )
    assert (person["assignee"], person["due_at"]) == (street.people["worker"], None)
    assert (await street.event(event))["open_tasks"] == 2
    await done(street, "quality", quality["id"])
    assert (await refused(street, "quality", "event.task.accept", person["id"])).code == (
        "TASK_NOT_YOURS"
    )
    await done(street, "worker", person["id"])
    assert (await street.event(event))["open_tasks"] == 0


async def test_time_is_extended_forwards_only_and_counted(street: City, clock: FrozenClock) -> None:
    event = await joined(street)
    row = await opened(street, event, "food")
    before = await task(street, row)
    backwards = {"reason": "下雨", "limit": {"amount": 1}}
    refusal = await refused(street, "chief", "event.task.extend", row, **backwards)
    assert refusal.code == "TASK_EXTENDED_BACKWARDS"
    await street.run("chief", "event.task.extend", row, reason="下雨", limit={"amount": 5})
    after = await task(street, row)
    assert after["due_at"] - before["due_at"] == timedelta(days=5)  # over a weekend
    assert after["extended_count"] == 1
    clock.forward(days=8)
    async with street.context("chief") as ctx:
        record = ctx.registry.record("EventTask")
        overdue = ctx.registry.computed(record)["is_overdue"].resolve
        assert await overdue(ctx, [await task(street, row)]) == [True]


async def test_more_time_is_asked_for_by_whose_it_is_and_decided_by_another(street: City) -> None:
    event = await joined(street)
    row = await opened(street, event, "food")
    asked = {"reason": "下雨", "limit": {"amount": 5}}

    async def stays(login: str, action: str, code: str, **given: object) -> None:
        assert (await refused(street, login, f"event.task.{action}", row, **given)).code == code

    await stays("commerce", "ask-time", "TASK_NOT_YOURS", **asked)
    await stays("clerk", "ask-time", "PERMISSION_DENIED", **asked)
    short = {"reason": "下雨", "limit": {"amount": 1}}
    await stays("food", "ask-time", "TASK_EXTENDED_BACKWARDS", **short)
    await stays("chief", "refuse-time", "TASK_TIME_NOT_ASKED", reason="不必")
    await street.run("food", "event.task.ask-time", row, **asked)
    await stays("food", "ask-time", "TASK_TIME_WAITS", **asked)
    waits = await task(street, row)
    told = json.loads(waits["asked_limit"])
    assert (waits["asked_by"], told["amount"]) == (street.people["food"], 5)
    await street.run("chief", "event.task.refuse-time", row, reason="不必")
    assert (await task(street, row))["asked_by"] is None
    assert (await task(street, row))["due_at"] == waits["due_at"]
    await street.run("food", "event.task.ask-time", row, **asked)
    await street.run("chief", "event.task.extend", row, reason="同意", limit={"amount": 4})
    after = await task(street, row)
    assert (after["asked_by"], after["asked_reason"], after["extended_count"]) == (None, "", 1)
    inbox = (
        "SELECT code FROM core.notification WHERE account = $1 AND code LIKE 'TASK_%' ORDER BY id"
    )
    to_food = [each["code"] for each in await street.fetch(inbox, street.people["food"])]
    assert to_food == ["TASK_OPENED", "TASK_TIME_REFUSED", "TASK_EXTENDED"]
    to_chief = [each["code"] for each in await street.fetch(inbox, street.people["chief"])]
    assert to_chief == ["TASK_TIME_ASKED"] * 2


async def test_nobody_grants_their_own_time_and_late_is_late(
    street: City, clock: FrozenClock
) -> None:
    event = await joined(street)
    row = await opened(street, event, "food")
    asked = {"reason": "下雨", "limit": {"amount": 9}}
    own = await opened(street, event, "commerce", assignee=None)
    await street.fetch(
        "UPDATE core.event_task SET asked_by = $2 WHERE id = $1", own, street.people["chief"]
    )
    refusal = await refused(street, "chief", "event.task.extend", own, **asked)
    assert refusal.code == "TASK_TIME_OWN"
    clock.forward(days=30)
    late = await refused(street, "food", "event.task.ask-time", row, **asked)
    assert late.code == "TASK_TIME_LATE"
    await street.fetch("UPDATE core.event_task SET due_at = NULL WHERE id = $1", row)
    endless = await refused(street, "food", "event.task.ask-time", row, **asked)
    assert endless.code == "TASK_NO_LIMIT"


async def test_who_decides_hears_of_a_return_and_who_goes_on_of_the_end(street: City) -> None:
    event = await joined(street)
    operation = await planned(street, event, lead=str(street.people["enforcement"]))
    found = await tasks(street, event)
    await street.run("food", "event.task.return", found["food"]["id"], reason="不属本单位")
    codes = "SELECT code FROM core.notification WHERE account = $1 AND code = $2"
    for login in ("chief", "enforcement"):
        assert len(await street.fetch(codes, street.people[login], "TASK_RETURNED")) == 1, login
    await street.run("chief", "event.joint.cancel", operation, reason="改期")
    for login in ("mender", "enforcement"):
        assert len(await street.fetch(codes, street.people[login], "EVENT_TASKS_DONE")) == 1, login
    assert await street.fetch(codes, street.people["food"], "EVENT_TASKS_DONE") == []


async def test_my_tasks_are_mine_and_those_nobody_took_of_my_department(street: City) -> None:
    class Asking:
        def __init__(self, ctx: Any) -> None:
            self.actor, self.permissions = ctx.actor, ctx.permissions

    async with street.context("food") as ctx:
        (where,) = my_tasks(Asking(ctx)).where  # type: ignore[arg-type]
    assert isinstance(where, AnyOf)
    mine, ours = where.groups
    assert OneOf("assignee", (street.people["food"],)) in mine
    assert OneOf("department", (street.departments["food"],)) in ours
    assert IsNull("assignee") in ours
    assert all(Equal("is_final", value=False) in group for group in where.groups)


async def test_a_substitute_handles_for_the_one_on_leave(street: City) -> None:
    event = await joined(street)
    row = await opened(street, event, "food", assignee=str(street.people["food"]))
    leave = await street.value(
        "INSERT INTO core.leave (place_id, account, kind, begins_at, ends_at, asked_until,"
        " substitute, state) SELECT id, $1, 'sick', $3, $4, $4, $2, 'approved'"
        " FROM core.place WHERE code = '4205' RETURNING id",
        street.people["food"],
        street.people["commerce"],
        MONDAY - timedelta(hours=1),
        MONDAY + timedelta(days=2),
    )
    assert leave is not None
    await done(street, "commerce", row)
    ended, steps = await task(street, row), await street.steps(event)
    assert (ended["state"], ended["assignee"]) == ("done", street.people["food"])
    assert [row["acted_for"] for row in steps[-2:]] == [street.people["food"]] * 2


async def test_the_guard_asks_the_room_for_many_events_at_once(street: City) -> None:
    busy, idle = await joined(street), await joined(street)
    await opened(street, busy, "food")
    async with street.context("chief") as ctx:
        book = GuardBook(ctx, (busy, idle))
        definition = (await ctx.configuration.get()).workflows[0].read
        handle = definition.action("handle")
        found = [
            await book.unmet(handle, Case.of(dict(await street.event(event))))
            for event in (busy, idle)
        ]
    assert [refusal and refusal.code for refusal in found] == ["EVENT_GUARD_TASKS", None]


@pytest.mark.parametrize("code", ["task.done", "joint.planned"])
def test_no_workflow_takes_the_codes_of_tasks(code: str) -> None:
    with pytest.raises(WorkflowInvalid) as refusal:
        read_workflow(workflow(action(code, ["work"], "done")))
    assert "WORKFLOW_RESERVED" in {flaw.code for flaw in refusal.value.flaws}
