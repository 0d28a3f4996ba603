"""What the office follows (跟踪): reminders of what is due, figures, and what anybody may know."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from jingwei_safety_production.records import ENTERPRISE, HAZARD, INSPECTION
from jingwei_safety_production.tables import SafetyHazardLevel, SafetyHazardStatus
from jingwei_sdk.context import Context
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.presence import PUBLIC, MapLayer, NavigationItem, PublicPage
from jingwei_sdk.reminders import Due, Reminder
from jingwei_sdk.subscriptions import Subscription

REMIND_BEFORE = timedelta(days=3)
_DUE = """
SELECT h.id, h.rectify_by, i.inspector
  FROM safety_production.hazard h JOIN safety_production.inspection i ON i.id = h.inspection
 WHERE h.status = 'open' AND h.rectify_by <= $1 AND i.inspector IS NOT NULL
"""
_LISTED = """
SELECT count(*) FILTER (WHERE status IN ('open', 'rectified')) AS open,
       count(*) FILTER (WHERE status = 'verified') AS settled
  FROM safety_production.hazard WHERE level = $1
"""


async def due_hazards(ctx: Context) -> Sequence[Due]:
    """整改将到期: open hazards whose last day is near or past, each for who found it."""
    rows = await ctx.data.fetch(_DUE, ctx.today() + REMIND_BEFORE)
    return [
        Due(row["inspector"], (HAZARD.name, row["id"]), {"day": row["rectify_by"].isoformat()})
        for row in rows
    ]


async def major_hazards(ctx: Context, query: Mapping[str, str]) -> Mapping[str, Any]:
    """重大隐患公示: how many there are; no enterprise and no place is named."""
    (row,) = await ctx.data.fetch(_LISTED, SafetyHazardLevel.MAJOR.value)
    return {"open": row["open"], "settled": row["settled"], "day": ctx.today().isoformat()}


REMINDERS = (Reminder("hazard-due", "10 8 * * *", due_hazards, "SAFETY_HAZARD_DUE"),)
INDICATORS = (
    Indicator(
        "safety.open-hazards",
        HAZARD.name,
        "未整改隐患数",
        "Hazards to be rectified",
        "safety.hazard.read",
        dimensions=("level",),
        where={"status": SafetyHazardStatus.OPEN},
    ),
    Indicator(
        "safety.employees-at-risk",
        ENTERPRISE.name,
        "各风险等级从业人数",
        "Employees by risk level",
        "safety.enterprise.read",
        measure="sum",
        column="employee_count",
        dimensions=("risk_level",),
    ),
)
NAVIGATION = (
    NavigationItem(
        "safety.enterprises", "企业台账", "Enterprises", ENTERPRISE.name, ENTERPRISE.read, 300
    ),
    NavigationItem(
        "safety.inspections", "安全检查", "Inspections", INSPECTION.name, INSPECTION.read, 310
    ),
    NavigationItem("safety.hazards", "隐患", "Hazards", HAZARD.name, HAZARD.read, 320),
)
MAP_LAYERS = (
    MapLayer(
        "safety.hazards",
        "隐患分布",
        "Hazards",
        HAZARD.name,
        HAZARD.read,
        shape="place",
        style={"by": "level", "colours": {"general": "#e6a23c", "major": "#c0392b"}},
    ),
)
SUBSCRIPTIONS = (
    Subscription(
        "safety_hazard_changes",
        HAZARD,
        "Hazards of my area as they change (隐患变更), told at most once each.",
    ),
)
PUBLIC_PAGES = (
    PublicPage("major-hazards", "重大隐患公示", "Major hazards", major_hazards, PUBLIC),
)
