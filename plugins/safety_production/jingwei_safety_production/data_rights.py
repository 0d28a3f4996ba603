"""Rights of inspectors (检查人的个人信息权利), and what a copy of a tenant takes along.

An inspection is evidence and stays; whoever made it is taken out of it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_safety_production.tables import SafetyInspection, SafetyTip
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import ACCOUNT, CloneRule, DataRights


async def export_inspector(ctx: Context, account: UUID) -> Mapping[str, Any]:
    """How many inspections the account has made, and when; what it wrote stands in the hook's."""
    made = await ctx.data.find(SafetyInspection, inspector=account)
    return {"inspected_on": sorted(inspection.inspected_on.isoformat() for inspection in made)}


async def erase_inspector(ctx: Context, account: UUID) -> int:
    """Take the account out of the inspections it made."""
    made = await ctx.data.find(SafetyInspection, inspector=account)
    for inspection in made:
        await ctx.data.update(inspection, inspector=None)
    return len(made)


DATA_RIGHTS = (DataRights(ACCOUNT, export_inspector, erase_inspector),)
CLONE_RULES = (CloneRule(SafetyInspection, "skip"), CloneRule(SafetyTip, "skip"))
