"""The workflows in force of a tenant, checked against it (租户流程检查)."""

from collections.abc import Collection, Mapping

import msgspec

from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.events.workflow_checks import Flaw
from jingwei_core.events.workflow_reading import WorkflowInvalid
from jingwei_core.session import CoreContext
from jingwei_core.workflows.fitting import find_misfits
from jingwei_core.workflows.surroundings import surroundings_of


async def flaws_in_force(ctx: CoreContext) -> Mapping[str, list[Flaw]]:
    """What is wrong with each workflow that new events of the tenant begin with, by its code: an
    empty list for one that works. Raises ``WorkflowInvalid`` for a stored one that is none."""
    around = await surroundings_of(ctx)
    configuration = await ctx.configuration.get()
    return {
        stored.code: find_misfits(stored.read, around)
        for stored in configuration.workflows
        if stored.is_current
    }


async def require_fitting(ctx: CoreContext, codes: Collection[str]) -> None:
    """Raise ``WorkflowInvalid`` unless the tenant's workflows of these codes work as it is now;
    each flaw's field begins with the workflow's code."""
    found = [
        msgspec.structs.replace(flaw, field=f"{code}.{flaw.field}")
        for code, flaws in (await flaws_in_force(ctx)).items()
        if code in codes
        for flaw in flaws
    ]
    if found:
        raise WorkflowInvalid(found)


async def require_fit(ctx: CoreContext, definition: WorkflowDefinition) -> None:
    """Raise ``WorkflowInvalid`` unless the definition would work in the tenant as it is now."""
    flaws = find_misfits(definition, await surroundings_of(ctx))
    if flaws:
        raise WorkflowInvalid(flaws)
