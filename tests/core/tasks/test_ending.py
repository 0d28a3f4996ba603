"""How tasks and their event end: none is lost, whoever is first."""

import asyncio
import contextvars
import uuid
from collections.abc import Coroutine
from typing import Any

import pytest

from jingwei_core.database.unit import Unit
from jingwei_sdk.errors import Conflict, JingweiError
from tests.core.events.city import City
from tests.core.events.rulebook import available
from tests.core.tasks.working import (
    done,
    joined,
    opened,
    operation,
    photos,
    planned,
    refused,
    task,
    tasks,
)

LOCK_EVENT = "SELECT 1 FROM core.event WHERE id = $1 FOR NO KEY UPDATE"
LOCK_TASK = "SELECT 1 FROM core.event_task WHERE id = $1 FOR NO KEY UPDATE NOWAIT"
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


def begin(work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """The work in a context of its own: in that of the test it would run in the test's unit."""
    return asyncio.create_task(work, context=contextvars.Context())


async def waits(unit: Unit, count: int) -> None:
    """Until so many connections wait for a lock."""
    for _ in range(2000):
        if await unit.fetchval(WAITING) >= count:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits")


async def accepted(street: City) -> tuple[uuid.UUID, uuid.UUID, dict[str, uuid.UUID]]:
    """An event, its operation, and the tasks of three departments that have accepted."""
    event = await joined(street)
    joint = await planned(street, event)
    rows = {code: row["id"] for code, row in (await tasks(street, event)).items()}
    for code, row in rows.items():
        await street.run(code, "event.task.accept", row)
    return event, joint, rows


async def test_two_that_complete_at_one_moment_end_the_operation_once(street: City) -> None:
    event, joint, rows = await accepted(street)
    pictures = {code: await photos(street, code) for code in rows}

    async def complete(code: str) -> None:
        given = {"result": "已办", "evidence": pictures[code]}
        await street.run(code, "event.task.complete", rows[code], **given)

    await complete("enforcement")
    async with street.platform.database.unit(street.tenant.id) as unit:
        await unit.fetch(LOCK_EVENT, event)
        both = [begin(complete(code)) for code in ("commerce", "food")]
        await waits(unit, 2)
        # Both wait for the event, and hold none of its tasks: the one order in which all lock.
        for code in ("commerce", "food"):
            assert await unit.fetchval(LOCK_TASK, rows[code]) == 1
    await asyncio.gather(*both)
    assert (await street.event(event))["open_tasks"] == 0
    assert (await operation(street, joint))["state"] == "done"
    steps = await street.steps(event)
    assert [row["action"] for row in steps].count("joint.done") == 1
    assert steps[-1]["action"] == "joint.done"
    assert [row["sequence"] for row in steps] == list(range(1, len(steps) + 1))


async def test_cancelling_the_event_and_completing_its_task_come_one_after_the_other(
    street: City,
) -> None:
    event = await joined(street)
    row = await opened(street, event, "food")
    await street.run("food", "event.task.accept", row)
    async with street.platform.database.unit(street.tenant.id) as unit:
        await unit.fetch(LOCK_EVENT, event)
        cancels = begin(street.act("chief", event, "cancel", reason="误报"))
        await waits(unit, 1)
        completes = begin(street.run("food", "event.task.complete", row, result="已办"))
        await waits(unit, 2)
    found = await asyncio.gather(cancels, completes, return_exceptions=True)
    assert [error.code for error in found if isinstance(error, JingweiError)] in (
        ["TASK_STATE"],
        [],
    )
    ended = await task(street, row)
    closed = await street.event(event)
    assert (closed["state"], closed["open_tasks"], ended["is_final"]) == ("cancelled", 0, True)
    assert ended["state"] == ("cancelled" if isinstance(found[1], JingweiError) else "done")


async def test_an_event_is_not_finished_before_its_tasks_are(street: City) -> None:
    """``close`` has no guard in this workflow: the platform itself keeps it back."""
    event = await joined(street)
    assert "close" in await available(street, "chief", event)
    row = await opened(street, event, "food")
    assert "close" not in await available(street, "chief", event)
    refusal = await refused(street, "chief", "event.act", event, action="close")
    assert isinstance(refusal, Conflict)
    assert refusal.code == "EVENT_GUARD_TASKS"
    await street.run("food", "event.task.return", row, reason="无管辖权")
    refusal = await refused(street, "chief", "event.act", event, action="close")
    assert refusal.code == "EVENT_GUARD_TASKS"
    await street.run("chief", "event.task.reopen", row, reason="请再核")
    await done(street, "food", row)
    assert "close" in await available(street, "chief", event)
    await street.act("chief", event, "close")
    given = {"title": "清运", "department_code": "food", "limit": {"amount": 1}}
    refusal = await refused(street, "chief", "event.task.open", event, **given)
    assert refusal.code == "TASK_EVENT_ENDED"


async def test_a_cancelled_event_takes_its_tasks_along(street: City) -> None:
    event, joint, rows = await accepted(street)
    await street.run("food", "event.task.complete", rows["food"], result="已办")
    lone = await opened(street, event, "quality")
    await street.act("chief", event, "cancel", reason="重复上报")
    states = {code: row["state"] for code, row in (await tasks(street, event)).items()}
    assert states == {
        "enforcement": "cancelled",
        "commerce": "cancelled",
        "food": "done",
        "quality": "cancelled",
    }
    assert (await task(street, lone))["reason"] == "重复上报"
    assert (await operation(street, joint))["state"] == "done"
    assert (await street.event(event))["open_tasks"] == 0
    last = [row["action"] for row in await street.steps(event)][-5:]
    assert last == ["task.cancelled", "task.cancelled", "joint.done", "task.cancelled", "cancel"]
    refusal = await refused(
        street, "enforcement", "event.task.return", rows["enforcement"], reason="x"
    )
    assert refusal.code in ("TASK_STATE", "TASK_EVENT_ENDED")


async def test_an_operation_that_is_called_off_leaves_other_tasks(street: City) -> None:
    event = await joined(street)
    joint = await planned(street, event)
    lone = await opened(street, event, "quality")
    await street.run("chief", "event.joint.cancel", joint, reason="暴雨")
    assert (await operation(street, joint))["state"] == "cancelled"
    assert (await street.event(event))["open_tasks"] == 1
    assert (await task(street, lone))["state"] == "open"


@pytest.mark.parametrize("keeps", ["evidence", "words"])
async def test_a_refused_completion_changes_nothing(street: City, keeps: str) -> None:
    event, _, rows = await accepted(street)
    if keeps == "evidence":
        others = await photos(street, "food")
        given = {"result": "已办", "evidence": others}
        refusal = await refused(
            street, "commerce", "event.task.complete", rows["commerce"], **given
        )
        assert refusal.code == "EVENT_EVIDENCE_UNKNOWN"
    else:
        refusal = await refused(
            street, "commerce", "event.task.complete", rows["commerce"], result="  "
        )
        assert refusal.code == "INPUT_INVALID"
    assert (await street.event(event))["open_tasks"] == 3
