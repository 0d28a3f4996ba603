"""Writing the enterprise ledger (企业台账)."""

from typing import Annotated

import msgspec

from jingwei_safety_production.records import ENTERPRISE
from jingwei_safety_production.tables import SafetyEnterprise, SafetyRiskLevel
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.tables import PlacedTable

WRITE = "safety.enterprise.write"

Industry = Annotated[str, msgspec.Meta(max_length=200, description="行业类别, as GB/T 4754 has it")]
Employees = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class NewEnterprise(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What work safety keeps of an organisation."""

    industry: Industry = ""
    risk_level: SafetyRiskLevel = SafetyRiskLevel.BLUE
    employee_count: Employees | None = None


class EnterpriseChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """New values of an entry; what is left out stays."""

    industry: Industry | msgspec.UnsetType = msgspec.UNSET
    risk_level: SafetyRiskLevel | msgspec.UnsetType = msgspec.UNSET
    employee_count: Employees | msgspec.UnsetType | None = msgspec.UNSET


@command("safety.enterprise.register", permission=WRITE, on="Organisation", returns=ENTERPRISE)
async def register(ctx: Context, organisation: PlacedTable, new: NewEnterprise) -> SafetyEnterprise:
    """纳入台账: enter an organisation of the core's register in the safety ledger.

    Raises ``Conflict`` (``SAFETY_ENTERPRISE_REGISTERED``) when it is there already.
    """
    # The command bus has locked the organisation, so no second call can come in between.
    if await ctx.data.find(SafetyEnterprise, organisation=organisation.id):
        raise Conflict("SAFETY_ENTERPRISE_REGISTERED", field="id")
    row = SafetyEnterprise(
        organisation=organisation.id,
        place_id=organisation.place_id,
        industry=new.industry.strip(),
        risk_level=new.risk_level,
        employee_count=new.employee_count,
    )
    stored = await ctx.data.insert(row)
    await ctx.signals.changed(ENTERPRISE.name, stored.id, stored.place_path)
    return stored


@command("safety.enterprise.change", permission=WRITE, on=ENTERPRISE)
async def change(
    ctx: Context, target: SafetyEnterprise, given: EnterpriseChange
) -> SafetyEnterprise:
    """修改台账: change an entry of the safety ledger."""
    changes = {
        name: value
        for name in ("industry", "risk_level", "employee_count")
        if (value := getattr(given, name)) is not msgspec.UNSET
    }
    stored = await ctx.data.update(target, **changes)
    await ctx.signals.changed(ENTERPRISE.name, stored.id, stored.place_path)
    return stored
