"""Whether the workflows that a plugin brings work in a tenant (流程适用性), before it is on."""

from jingwei_core.access.tables import Role
from jingwei_core.events.tables import Workflow
from jingwei_core.events.workflow_checks import Flaw
from jingwei_core.session import CoreContext
from jingwei_core.workflows.tenant_check import flaws_in_force
from jingwei_sdk.errors import Conflict


async def require_workflows_fit(ctx: CoreContext, plugin_id: str) -> None:
    """Look at the plugin's workflows that new events would begin with, as they are put.

    Raises ``Conflict`` (``PLUGIN_WORKFLOW_UNFIT``) with every flaw: a role, a department or a level
    that the tenant does not have, a step that nobody may take. A workflow that the tenant has made
    its own is not looked at, and nothing is asked of a tenant that has no roles yet.
    """
    current = await ctx.data.find(Workflow, owner_plugin=plugin_id, is_current=True)
    if not current or not await ctx.data.find(Role, owner_plugin=""):
        return
    codes = {row.code for row in current}
    reasons = [
        f"{code}: {_told(flaw)}"
        for code, flaws in sorted((await flaws_in_force(ctx)).items())
        if code in codes
        for flaw in flaws
    ]
    if reasons:
        raise Conflict("PLUGIN_WORKFLOW_UNFIT", plugin=plugin_id, reasons="; ".join(reasons))


def _told(flaw: Flaw) -> str:
    given = ", ".join(f"{name} {value}" for name, value in flaw.params.items())
    return f"{flaw.code} {flaw.field} ({given})"
