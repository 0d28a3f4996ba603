"""Tasks of a street: accepted, handed over, completed, given back, opened again, put off."""

import tempfile
import uuid
from pathlib import Path
from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import City
from tests.core.tasks.street import build_street
from tests.core.tasks.working import TWO_DAYS, done, joined, opened, photos, planned, tasks
from tests.faults.site import Act, Caller

WHY = {"reason": "因故"}
MORE = {**WHY, "limit": {"amount": 9}}


async def task_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each command on a task."""
    with tempfile.TemporaryDirectory() as folder:
        street = await build_street(platform, Path(folder) / "street")
    at = platform.clock.now()

    def who(login: str) -> Caller:
        return Caller(street.tenant.id, street.people[login], at, workers, every_point=True)

    chief, food = who("chief"), who("food")
    return [
        *await _open_ones(street, chief, food),
        await _the_last_of_an_operation(street, who("commerce")),
        chief.act(
            "event.act", await joined(street), "opens two tasks and tells people", action="inspect"
        ),
        chief.act(
            "event.task.open",
            await joined(street),
            "for a department",
            title="清运",
            department_code="food",
            limit=TWO_DAYS,
        ),
    ]


async def _open_ones(street: City, chief: Caller, food: Caller) -> list[Act]:
    waiting = [await _waiting(street) for _ in range(7)]
    await street.run("food", "event.task.ask-time", waiting[6], **MORE)
    accepted, returned = await _accepted(street), await _accepted(street)
    await street.run("food", "event.task.return", returned, **WHY)
    after = await photos(street, "food")
    act = "event.task."
    return [
        food.act(f"{act}accept", waiting[0]),
        food.act(f"{act}hand-over", waiting[1], **WHY, department_code="commerce"),
        food.act(f"{act}return", waiting[2], **WHY),
        chief.act(f"{act}extend", waiting[3], **WHY, limit={"amount": 5}),
        chief.act(f"{act}cancel", waiting[4], "and its event waits no longer", **WHY),
        food.act(f"{act}ask-time", waiting[5], **MORE),
        chief.act(f"{act}refuse-time", waiting[6], reason="不必"),
        chief.act(f"{act}reopen", returned, **WHY),
        food.act(f"{act}complete", accepted, result="已办", evidence=after),
    ]


async def _the_last_of_an_operation(street: City, commerce: Caller) -> Act:
    """Of three tasks one is done, one cancelled: this one ends the operation."""
    event = await joined(street)
    await planned(street, event)
    units = {code: row["id"] for code, row in (await tasks(street, event)).items()}
    await done(street, "enforcement", units["enforcement"])
    await street.run("chief", "event.task.cancel", units["food"], **WHY)
    await street.run("commerce", "event.task.accept", units["commerce"])
    return commerce.act(
        "event.task.complete",
        units["commerce"],
        "the last of an operation",
        result="已办",
        evidence=await photos(street, "commerce"),
    )


async def _waiting(street: City) -> uuid.UUID:
    return await opened(street, await joined(street), "food")


async def _accepted(street: City) -> uuid.UUID:
    task = await _waiting(street)
    await street.run("food", "event.task.accept", task)
    return task
