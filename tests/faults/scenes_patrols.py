"""Patrols and visits: plans, needs, and what was found on the way."""

from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import GRID, POTHOLE, SIBLING
from tests.core.patrols.quarter import build_quarter
from tests.faults.site import Act, Caller

HOLE = {"kind": POTHOLE, "title": "路面坑洞"}


async def patrol_acts(platform: Platform, workers: Any) -> list[Act]:
    """Acts of planners and walkers; what they find is an event of the same transaction."""
    quarter = await build_quarter(platform)

    def who(login: str) -> Caller:
        account = quarter.people[login]
        return Caller(quarter.tenant.id, account, quarter.clock.now(), workers)

    plan = await quarter.plan()
    seen = [await quarter.point("gate")]
    grid, sibling = quarter.places[GRID], quarter.places[SIBLING]
    west, east, planner = who("west"), who("east"), who("planner")
    return [
        planner.act("patrol.plan.save", **quarter.plan_of(code="evening")),
        west.act("patrol.log", plan_id=plan, place_id=grid, seen=seen, note="平安"),
        east.act("patrol.log", None, "finds something", plan_id=plan, place_id=sibling, found=HOLE),
        west.act("visit.log", None, "finds something", place_id=grid, found=HOLE),
        planner.act("visit.need.save", place_id=grid, level="high"),
    ]
