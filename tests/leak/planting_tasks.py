"""Tasks and joint operations of the leak tests: where an event lies, and of a department."""

import uuid

from jingwei_core.access.tables import Department
from jingwei_core.database.unit import Unit
from jingwei_core.tasks.tables import EventTask, JointOperation
from tests.leak.world import NOW, City

# Where the events of these zones lie; the department's own is in sight of its members besides.
PLACES = {"city": "street", "near": "near", "far": "far", "department": "far_house"}
IDLE = "idle"
"""A department without members, so that a row of it is in sight by its place alone."""


async def plant_tasks(
    city: City, unit: Unit, zone: str, event: uuid.UUID, department: uuid.UUID
) -> None:
    """An operation about an event with one task in it, and a task that was handed on."""
    where = {"place_id": city.places[PLACES[zone]], "event": event}
    if zone != "department":
        department = await _idle(city, unit)
    told = city.canary(zone, "task")
    person = city.accounts["far_worker" if zone in ("far", "department") else "chief"]
    operation = await city.plant(
        unit,
        JointOperation,
        zone,
        **where,
        title=told,
        lead=person,
        lead_department=department,
        planned_at=NOW,
        certificate_kind=told,
        opened_by=person,
        decided_by=uuid.uuid4(),
    )
    said = {"title": told, "title_en": told, "result": told, "reason": told}
    given = {"department": department, "opened_by": person, "created_at": NOW}
    given |= {"begun_at": NOW, "due_at": NOW}
    first = await city.plant(
        unit,
        EventTask,
        zone,
        **where,
        **said,
        **given,
        operation=operation,
        certificate_kind=told,
        time_limit={"amount": 1, "unit": "day"},
    )
    given |= {"handed_from": first, "state": "accepted"}
    await city.plant(unit, EventTask, zone, **where, **said, **given)


async def _idle(city: City, unit: Unit) -> uuid.UUID:
    known = [row for row in city.rows if row.record == "Department"]
    for row in known:
        if row.values["code"] == IDLE:
            return row.id
    told = city.canary("wide", "staff")
    named = {"name": told, "name_en": told, "duties": told}
    return await city.plant(unit, Department, "wide", code=IDLE, **named)
