"""Demo rows (演示数据): some of the city's organisations in the ledger, inspected, with hazards."""

from datetime import timedelta
from random import Random

from jingwei_safety_production.checklists import load_standard, stored_items
from jingwei_safety_production.enterprises import NewEnterprise
from jingwei_safety_production.hazards import FoundHazard, Origin, open_hazard
from jingwei_safety_production.tables import (
    SafetyChecklist,
    SafetyEnterprise,
    SafetyHazardLevel,
    SafetyInspection,
    SafetyInspectionItem,
    SafetyRiskLevel,
    SafetyVerdict,
)
from jingwei_sdk.context import Context

ENTERPRISES = 12
INDUSTRIES = ("餐饮业", "零售业", "木质家具制造", "汽车修理与维护", "仓储业")
FINDINGS = ("演示：安全出口堆放杂物", "演示：灭火器压力不足", "演示：电气线路私拉乱接")


async def fill(ctx: Context, random: Random) -> int:
    """Enter up to :data:`ENTERPRISES` organisations, inspect each, and open hazards at some.

    An organisation that is in the ledger is left alone, so a second call adds nothing.
    """
    organisations = await ctx.records.some(ctx, "Organisation", most=ENTERPRISES)
    entered = await ctx.records.many(
        ctx, "SafetyEnterprise", [row["id"] for row in organisations], by="organisation"
    )
    fresh = [row for row in organisations if row["id"] not in entered]
    if not fresh:
        return 0
    loaded = await load_standard(ctx)
    checklist = (await ctx.data.find(SafetyChecklist, is_current=True))[0]
    added = len(loaded.added)
    for row in fresh:
        new = NewEnterprise(random.choice(INDUSTRIES), random.choice(list(SafetyRiskLevel)))
        enterprise = await ctx.data.insert(
            SafetyEnterprise(
                organisation=row["id"],
                place_id=row["place_id"],
                industry=new.industry,
                risk_level=new.risk_level,
                employee_count=random.randint(3, 400),
            )
        )
        added += 1 + await _inspect(ctx, enterprise, checklist, random)
    return added


async def _inspect(
    ctx: Context, enterprise: SafetyEnterprise, checklist: SafetyChecklist, random: Random
) -> int:
    """One inspection with an answer to each item, and perhaps a hazard; how many rows."""
    codes = [item["code"] for item in stored_items(checklist)]
    failed = {random.choice(codes)} if random.random() < 0.6 else set()
    day = ctx.today() - timedelta(days=random.randint(1, 20))
    inspection = await ctx.data.insert(
        SafetyInspection(
            enterprise=enterprise.id,
            checklist=checklist.id,
            inspected_on=day,
            failed_items=len(failed),
            place_id=enterprise.place_id,
        )
    )
    answers = [
        SafetyInspectionItem(
            inspection=inspection.id,
            code=code,
            verdict=SafetyVerdict.FAIL if code in failed else SafetyVerdict.PASS,
        )
        for code in codes
    ]
    await ctx.data.insert_all(answers)
    enterprise = await ctx.data.update(enterprise, last_inspected_on=day)
    for code in failed:
        level = random.choice(list(SafetyHazardLevel))
        found = FoundHazard(random.choice(FINDINGS), level)
        await open_hazard(ctx, enterprise, found, Origin(inspection.id, code))
    return 1 + len(answers) + len(failed)
