"""Reactions (响应) of work safety: to the steps of events, to being switched on, to questions of
the core."""

from jingwei_safety_production.checklists import load_standard
from jingwei_safety_production.hazards import EVENT_KIND, PLUGIN, follow_event
from jingwei_safety_production.records import HAZARD
from jingwei_safety_production.settings import SafetySettings
from jingwei_safety_production.tables import SafetyHazard, SafetyHazardLevel, SafetyInspection
from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import (
    before_event_transition,
    decide_event_department,
    extend_subject_export,
    on_event_transitioned,
    on_plugin_enabled,
)
from jingwei_sdk.payloads import (
    DepartmentChoice,
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
    Veto,
)

INSPECTIONS = "safety-production.inspections"
"""The topic of a person's copy under which the inspections stand that they made."""


@before_event_transition
async def measures_come_first(ctx: Context, given: EventTransition) -> Veto | None:
    """未整改不得销号: refuse to close a hazard's event while no measures are stated."""
    if given.kind != EVENT_KIND or given.to_state != "closed":
        return None
    for hazard in await ctx.data.find(SafetyHazard, event=given.event_id):
        if not hazard.measures:
            return Veto("SAFETY_HAZARD_NOT_RECTIFIED", {"number": given.number})
    return None


@on_event_transitioned
async def hazards_follow_their_event(ctx: Context, given: EventTransition) -> None:
    """Settle or reopen the hazard after its event."""
    if given.kind != EVENT_KIND:
        return
    for hazard in await ctx.data.find(SafetyHazard, event=given.event_id):
        await follow_event(ctx, hazard.id)


@on_plugin_enabled
async def standard_checklists_are_there(ctx: Context, given: PluginEnabled) -> None:
    """载入标准检查表: whoever switches the plugin on can inspect at once."""
    if given.plugin == PLUGIN:
        await load_standard(ctx)


@decide_event_department
async def major_hazards_have_their_department(
    ctx: Context, given: EventToAssign
) -> DepartmentChoice | None:
    """重大隐患: the event of a major hazard goes to the department that the tenant has set."""
    code = ctx.settings_of(SafetySettings).department_major
    if not code or given.subject_type != HAZARD.name:
        return None
    for hazard in await ctx.data.find(SafetyHazard, id=given.subject_id):
        if hazard.level == SafetyHazardLevel.MAJOR:
            return DepartmentChoice(code)
    return None


@extend_subject_export
async def inspections_of_an_account(ctx: Context, given: SubjectExport) -> SubjectExport:
    """检查记录: the inspections that a person made, with the day and their own note."""
    if given.subject != "Account":
        return given
    made = await ctx.data.find(SafetyInspection, inspector=given.subject_id)
    rows = [
        {
            "id": str(inspection.id),
            "inspected_on": inspection.inspected_on.isoformat(),
            "failed_items": inspection.failed_items,
            "note": inspection.note,
        }
        for inspection in made
    ]
    return given.adding(INSPECTIONS, rows) if rows else given


HOOKS = (
    measures_come_first,
    hazards_follow_their_event,
    standard_checklists_are_there,
    major_hazards_have_their_department,
    inspections_of_an_account,
)
