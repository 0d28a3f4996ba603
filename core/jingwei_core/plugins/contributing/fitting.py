"""Whether the workflows that a plugin brings work in a tenant (流程适用性), before it is on."""

from collections.abc import Iterable

from jingwei_core.events.tables import Workflow
from jingwei_core.events.workflow_checks import Flaw
from jingwei_core.session import CoreContext
from jingwei_core.workflows.tenant_check import flaws_in_force
from jingwei_sdk.errors import Conflict


async def misfits(ctx: CoreContext, plugin_id: str) -> tuple[str, ...]:
    """Why the plugin's workflows that new events would begin with, as they are put, cannot work in
    the context's tenant; nothing of a workflow that the tenant has made its own.

    One line for each flaw: a role, a department or a level that the tenant does not have, a step
    that nobody may take.
    """
    current = await ctx.data.find(Workflow, owner_plugin=plugin_id, is_current=True)
    if not current:
        return ()
    codes = {row.code for row in current}
    return tuple(
        f"{code}: {_told(flaw)}"
        for code, flaws in sorted((await flaws_in_force(ctx)).items())
        if code in codes
        for flaw in flaws
    )


async def require_workflows_fit(ctx: CoreContext, plugin_id: str) -> None:
    """Raise ``Conflict`` (``PLUGIN_WORKFLOW_UNFIT``) with all that :func:`misfits` finds."""
    reasons = await misfits(ctx, plugin_id)
    if reasons:
        raise unfit(plugin_id, reasons)


async def require_fit_by_name(ctx: CoreContext, plugin_ids: Iterable[str]) -> None:
    """As :func:`require_workflows_fit` for each of the plugins, where whoever asks did not name
    the tenant: the reasons begin with its slug."""
    for plugin_id in plugin_ids:
        reasons = await misfits(ctx, plugin_id)
        if reasons:
            raise unfit(plugin_id, (f"{ctx.tenant.slug}: {reasons[0]}", *reasons[1:]))


def unfit(plugin_id: str, reasons: Iterable[str]) -> Conflict:
    """The refusal of a plugin whose workflows cannot work in a tenant."""
    return Conflict("PLUGIN_WORKFLOW_UNFIT", plugin=plugin_id, reasons="; ".join(reasons))


def _told(flaw: Flaw) -> str:
    given = ", ".join(f"{name} {value}" for name, value in flaw.params.items())
    return f"{flaw.code} {flaw.field} ({given})"
