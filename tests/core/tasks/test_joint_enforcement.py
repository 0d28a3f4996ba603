"""Joint enforcement from its planning to its end, by commands: the event waits for everybody."""

import uuid

from jingwei_sdk.errors import Conflict, Denied, Invalid
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.tasks.working import (
    done,
    joined,
    operation,
    photos,
    planned,
    refused,
    task,
    tasks,
)


async def enforcement_does_its_part(street: City, first: uuid.UUID) -> None:
    """Only who holds the card, is of the department, and may handle tasks at all, accepts; only who
    accepted completes, with a picture."""
    for login, code in (("trainee", "TASK_CERTIFICATE"), ("food", "TASK_NOT_YOURS")):
        refusal = await refused(street, login, "event.task.accept", first)
        assert isinstance(refusal, Denied)
        assert refusal.code == code
    assert (await refused(street, "clerk", "event.task.accept", first)).code == "PERMISSION_DENIED"
    await street.run("enforcement", "event.task.accept", first)
    refusal = await refused(street, "second-enforcement", "event.task.accept", first)
    assert isinstance(refusal, Conflict)
    assert (refusal.code, refusal.params["state"]) == ("TASK_STATE", "accepted")
    told = {"result": "已拆除"}
    refusal = await refused(street, "second-enforcement", "event.task.complete", first, **told)
    assert refusal.code == "TASK_NOT_YOURS"
    before = await photos(street, "enforcement", "before")
    refusal = await refused(
        street, "enforcement", "event.task.complete", first, **told, evidence=before
    )
    assert isinstance(refusal, Invalid)
    assert (refusal.code, refusal.params["phase"]) == ("EVENT_PHOTO_REQUIRED", "after")
    after = await photos(street, "enforcement")
    await street.run("enforcement", "event.task.complete", first, **told, evidence=after)
    ended = await task(street, first)
    shown = await street.fetch(
        "SELECT phase FROM core.step_evidence WHERE step = $1", ended["done_step"]
    )
    assert (ended["state"], ended["is_final"], ended["result"]) == ("done", True, "已拆除")
    assert [row["phase"] for row in shown] == ["after"]


async def commerce_hands_over(street: City, second: uuid.UUID) -> uuid.UUID:
    """What is no matter of commerce goes on as a task of quality, with a limit of its own."""
    given = {"department_code": "commerce", "reason": "属特种设备，超出本单位职能"}
    refusal = await refused(street, "commerce", "event.task.hand-over", second, **given)
    assert refusal.code == "TASK_DEPARTMENT_SAME"
    given["department_code"] = "quality"
    await street.run("commerce", "event.task.hand-over", second, **given)
    handed = await task(street, second)
    fourth = (await tasks(street, handed["event"]))["quality"]
    assert (handed["state"], handed["reason"]) == ("handed_over", given["reason"])
    assert (fourth["handed_from"], fourth["operation"]) == (second, handed["operation"])
    assert str(fourth["due_at"]) == "2026-11-26 09:30:00+00:00"
    assert fourth["certificate_kind"] == handed["certificate_kind"]
    refusal = await refused(street, "commerce", "event.task.accept", fourth["id"])
    assert refusal.code == "TASK_NOT_YOURS"
    row: uuid.UUID = fourth["id"]
    return row


async def test_the_event_waits_for_every_department(street: City, clock: FrozenClock) -> None:
    event = await joined(street)
    joint = await planned(street, event)
    units = await tasks(street, event)
    assert set(units) == {"enforcement", "commerce", "food"}
    assert {str(row["due_at"]) for row in units.values()} == {"2026-11-25 09:30:00+00:00"}
    assert (await street.event(event))["open_tasks"] == 3

    await enforcement_does_its_part(street, units["enforcement"]["id"])
    assert (await operation(street, joint))["lead"] == street.people["enforcement"]
    clock.forward(days=1)
    fourth = await commerce_hands_over(street, units["commerce"]["id"])
    await done(street, "food", units["food"]["id"])

    brought = {"note": "已整改", "evidence": await photos(street, "mender")}
    refusal = await refused(street, "mender", "event.act", event, action="handle", **brought)
    assert refusal.code == "EVENT_GUARD_TASKS"
    assert (await operation(street, joint))["state"] == "planned"
    await done(street, "quality", fourth)
    assert (await operation(street, joint))["state"] == "done"
    await street.act("mender", event, "handle", **brought)
    await street.act("chief", event, "close")

    steps = await street.steps(event)
    assert [row["action"] for row in steps] == [
        *("report", "dispatch", "join", "joint.planned"),
        *("task.opened", "task.opened", "task.opened", "task.accepted", "task.done"),
        *("task.handed_over", "task.opened", "task.accepted", "task.done"),
        *("task.accepted", "task.done", "joint.done", "handle", "close"),
    ]
    assert [row["sequence"] for row in steps] == list(range(1, len(steps) + 1))
    assert {row["to_state"] for row in steps[4:16]} == {"joint"}
