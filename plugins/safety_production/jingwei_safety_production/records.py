"""How work safety is read, and what it adds to the core's organisations and events.

Each reference column is a relation by itself; only what leads back is declared here.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_safety_production.tables import (
    UNSETTLED,
    SafetyChecklist,
    SafetyEnterprise,
    SafetyHazard,
    SafetyInspection,
    SafetyInspectionItem,
)
from jingwei_sdk.context import Context
from jingwei_sdk.figures import Rollup
from jingwei_sdk.records import (
    AtPlace,
    Computed,
    Extension,
    Many,
    Opposite,
    Record,
    TenantWide,
    Through,
    row_id,
)

ENTERPRISE = Record(
    SafetyEnterprise,
    read="safety.enterprise.read",
    scope=(AtPlace(),),
    filters=("organisation", "industry", "risk_level", "last_inspected_on", "place_id"),
    sort=("created_at", "risk_level", "last_inspected_on"),
    dimensions=("risk_level", "industry", "place_id", "last_inspected_on"),
    measures=("employee_count", "last_inspected_on"),
    rollups=(Rollup(("risk_level",)),),
    hidden=frozenset({"place_path"}),
    relations={
        "inspections": Many("SafetyInspection", "enterprise"),
        "hazards": Many("SafetyHazard", "enterprise"),
    },
)
CHECKLIST = Record(
    SafetyChecklist,
    read="safety.checklist.read",
    scope=(TenantWide(),),
    filters=("code", "is_current"),
    sort=("code", "number", "created_at"),
)
INSPECTION = Record(
    SafetyInspection,
    read="safety.inspection.read",
    scope=(AtPlace(),),
    filters=("enterprise", "checklist", "inspected_on", "inspector", "failed_items", "place_id"),
    sort=("created_at", "inspected_on"),
    dimensions=("checklist", "inspector", "place_id", "inspected_on"),
    measures=("failed_items", "inspected_on"),
    hidden=frozenset({"place_path"}),
    relations={
        "items": Many("SafetyInspectionItem", "inspection"),
        "hazards": Many("SafetyHazard", "inspection"),
    },
)
INSPECTION_ITEM = Record(
    SafetyInspectionItem,
    read="safety.inspection.read",
    scope=(Through("inspection", "SafetyInspection"),),
    filters=("inspection", "code", "verdict"),
    sort=("code", "created_at"),
    dimensions=("code", "verdict"),
)
HAZARD = Record(
    SafetyHazard,
    read="safety.hazard.read",
    scope=(AtPlace(),),
    filters=(
        "enterprise",
        "inspection",
        "level",
        "status",
        "rectify_by",
        "overdue_since",
        "event",
        "place_id",
    ),
    sort=("created_at", "rectify_by", "overdue_since"),
    dimensions=("level", "status", "enterprise", "place_id", "rectify_by"),
    measures=("rectify_by", "overdue_since"),
    rollups=(Rollup(("level", "status")),),
    hidden=frozenset({"place_path"}),
)


async def open_hazards(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """未销号隐患数 of each organisation, counting the hazards in the reader's sight."""
    ids = [row_id(row) for row in rows]
    ledger = await ctx.records.many(ctx, ENTERPRISE.name, ids, by="organisation")
    enterprises = {organisation: row_id(row) for organisation, row in ledger.items()}
    counts: Mapping[uuid.UUID, int] = {}
    if enterprises:
        counts = await ctx.records.count(
            ctx, HAZARD.name, list(enterprises.values()), by="enterprise", status=UNSETTLED
        )
    return [counts[enterprises[each]] if each in enterprises else 0 for each in ids]


EXTENSIONS = (
    Extension(
        "Organisation",
        relations={"safety_enterprise": Opposite("SafetyEnterprise", "organisation")},
        computed={
            "safety_open_hazards": Computed(
                int,
                ("id",),
                open_hazards,
                permission="safety.hazard.read",
                description="未销号隐患数: hazards not yet verified, of those that you may see",
            )
        },
    ),
    Extension("Event", relations={"safety_hazard": Opposite("SafetyHazard", "event")}),
)
RECORDS = (ENTERPRISE, CHECKLIST, INSPECTION, INSPECTION_ITEM, HAZARD)
