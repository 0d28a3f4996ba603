"""What the tests of tasks do with a street: join, plan, look, and be refused."""

import uuid
from typing import Any

import pytest

from jingwei_sdk.errors import JingweiError
from tests.core.events.city import City
from tests.core.tasks.street import CARD, GRID, KIND

PLAN = {"title": "拆除违建", "planned_at": "2026-11-24T09:00:00+08:00", "certificate_kind": CARD}
TWO_DAYS = {"amount": 2, "unit": "work_day"}


async def joined(street: City) -> uuid.UUID:
    """An event of the grid on which joint enforcement has begun."""
    event = await street.report(
        "worker", kind=KIND, position=None, place_id=str(street.places[GRID]), title="违建"
    )
    await street.act("chief", event, "dispatch", department_code="works")
    await street.act("chief", event, "join")
    return event


def unit(code: str, **more: Any) -> dict[str, Any]:
    return {"department_code": code, "limit": TWO_DAYS, **more}


async def planned(street: City, event: uuid.UUID, **more: Any) -> uuid.UUID:
    """An operation of three departments that enforcement leads."""
    units = [unit("enforcement"), unit("commerce"), unit("food", asks_evidence=False)]
    given = {**PLAN, "lead_department_code": "enforcement", "units": units, **more}
    answer = await street.run("chief", "event.joint.plan", event, **given)
    assert answer.row_id is not None
    return answer.row_id


async def opened(street: City, event: uuid.UUID, department: str, **more: Any) -> uuid.UUID:
    """A task of a department by itself."""
    given = {"title": "清运", "department_code": department, "limit": TWO_DAYS, **more}
    answer = await street.run("chief", "event.task.open", event, **given)
    assert answer.row_id is not None
    return answer.row_id


async def tasks(street: City, event: uuid.UUID) -> dict[str, Any]:
    """The event's tasks by the codes of their departments; the newest of each."""
    rows = await street.fetch(
        "SELECT t.*, d.code AS unit FROM core.event_task t"
        " LEFT JOIN core.department d ON d.id = t.department WHERE t.event = $1 ORDER BY t.id",
        event,
    )
    return {row["unit"]: row for row in rows}


async def task(street: City, row: uuid.UUID) -> Any:
    return (await street.fetch("SELECT * FROM core.event_task WHERE id = $1", row))[0]


async def operation(street: City, row: uuid.UUID) -> Any:
    return (await street.fetch("SELECT * FROM core.joint_operation WHERE id = $1", row))[0]


async def state(street: City) -> dict[str, Any]:
    """Everything that a refusal must leave alone."""
    more = await street.rows(("event_task", "joint_operation", "notification"))
    return {**await street.state(), **more}


async def refused(street: City, login: str, name: str, row: uuid.UUID, **given: Any) -> Any:
    """The refusal, after which everything is as it was."""
    before = await state(street)
    with pytest.raises(JingweiError) as refusal:
        await street.run(login, name, row, **given)
    assert await state(street) == before
    return refusal.value


async def photos(street: City, login: str, phase: str = "after") -> list[dict[str, str]]:
    return [{"id": str(await street.photo(login)), "phase": phase}]


async def done(street: City, login: str, row: uuid.UUID) -> None:
    """The task accepted and completed, with a picture."""
    await street.run(login, "event.task.accept", row)
    after = await photos(street, login)
    await street.run(login, "event.task.complete", row, result="已拆除", evidence=after)
