"""Rows of the safety production plugin, their texts full of canaries."""

import uuid
from datetime import date
from typing import Any

from jingwei_core.database.unit import Unit
from jingwei_safety_production.tables import (
    SafetyChecklist,
    SafetyEnterprise,
    SafetyHazard,
    SafetyInspection,
    SafetyInspectionItem,
)
from tests.leak.world import City


async def plant_safety(
    city: City, unit: Unit, zone: str, organisation: uuid.UUID, event: uuid.UUID
) -> None:
    """A hazard of an enterprise, with all that leads to it."""
    told = city.canary(zone, "safety")
    here = {"place_id": city.places["street" if zone == "city" else zone]}
    checklists = [row.id for row in city.rows if row.record == "SafetyChecklist"]
    checklist = checklists[0] if checklists else await _checklist(city, unit)
    enterprise = await city.plant(
        unit,
        SafetyEnterprise,
        zone,
        **here,
        organisation=organisation,
        industry=told,
        risk_level="red",
        employee_count=3,
        last_inspected_on=date(2026, 5, 1),
    )
    inspection = await city.plant(
        unit,
        SafetyInspection,
        zone,
        **here,
        enterprise=enterprise,
        checklist=checklist,
        inspector=city.accounts["chief"],
        inspected_on=date(2026, 5, 1),
        failed_items=1,
        note=told,
    )
    found = {**here, "enterprise": enterprise, "inspection": inspection, "event": event}
    await _hazard(city, unit, zone, found)


async def _hazard(city: City, unit: Unit, zone: str, found: dict[str, Any]) -> None:
    told = city.canary(zone, "safety")
    item = {"inspection": found["inspection"], "code": told, "verdict": "fail", "note": told}
    await city.plant(unit, SafetyInspectionItem, zone, **item)
    await city.plant(
        unit,
        SafetyHazard,
        zone,
        **found,
        item_code=told,
        level="major",
        description=told,
        rectify_by=date(2026, 6, 1),
        status="open",
        measures=told,
        overdue_since=date(2026, 6, 2),
    )


async def _checklist(city: City, unit: Unit) -> uuid.UUID:
    told = city.canary("wide", "checklist")
    return await city.plant(
        unit,
        SafetyChecklist,
        "wide",
        code="canary",
        number=1,
        name=told,
        name_en=told,
        items=[{"code": "attack", "zh": told, "en": told, "law": told}],
    )
