"""Putting what a plugin brings into a tenant: workflows, deadlines and roles, as rows it owns.

A row that the tenant has made its own stays as it is: the plugin's then waits beside it, or is not
put at all. Putting the same twice changes nothing.
"""

from collections.abc import Mapping
from typing import Any

from jingwei_core.access.tables import Post, Role
from jingwei_core.events.tables import DeadlineRule, Workflow
from jingwei_core.events.workflow import WorkflowDefinition
from jingwei_core.plugins.contributing.shipped_files import shipped_files
from jingwei_core.plugins.discovery import Installed
from jingwei_core.session import CoreContext
from jingwei_core.tenants.package_model import DeadlineRow
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import RoleText


async def put(ctx: CoreContext, found: Installed) -> None:
    """Put the workflows, deadlines and roles of an installed plugin into the context's tenant.

    Of a workflow whose definition is new to the tenant it makes the next version, the current one
    unless the tenant's own is. Called when a plugin is switched on and after each upgrade.

    Raises ``Conflict`` (``PLUGIN_ROW_TAKEN``) when another plugin has brought a row of that name,
    ``Invalid`` (``PLUGIN_FILE``).
    """
    if found.plugin is not None:
        shipped = shipped_files(found.plugin)
        for definition in shipped.workflows:
            await _put_workflow(ctx, found.id, definition)
        for rule in shipped.deadlines:
            await _put_deadline(ctx, found.id, rule)
    if found.manifest is not None:
        for role in found.manifest.roles:
            await _put_role(ctx, found.id, role)


async def withdraw(ctx: CoreContext, plugin_id: str) -> None:
    """Take the plugin's roles out of the tenant's list that nobody was ever given; all else stays,
    for events and posts refer to it."""
    for role in await ctx.data.find(Role, owner_plugin=plugin_id):
        if not await ctx.data.find(Post, role=role.id):
            await ctx.data.delete(role)


async def _put_workflow(ctx: CoreContext, plugin_id: str, definition: WorkflowDefinition) -> None:
    versions = await ctx.data.find(Workflow, code=definition.code)
    current = next((row for row in versions if row.is_current), None)
    for row in versions:
        if row.owner_plugin not in ("", plugin_id):
            raise _taken(plugin_id, f"workflow {definition.code}", row.owner_plugin)
    same = [row for row in versions if row.digest == definition.digest]
    mine = next((row for row in same if row.is_current or row.owner_plugin == plugin_id), None)
    leads = current is None or current.owner_plugin == plugin_id
    if mine is not None and (mine.is_current or not leads):
        return
    if current is not None and leads:
        await ctx.data.update(current, is_current=False)
    if mine is not None:
        await ctx.data.update(mine, is_current=True)
        return
    await ctx.data.insert(
        Workflow(
            code=definition.code,
            number=1 + max((row.number for row in versions), default=0),
            digest=definition.digest,
            definition=definition.document(),
            is_current=leads,
            owner_plugin=plugin_id,
        )
    )


async def _put_deadline(ctx: CoreContext, plugin_id: str, rule: DeadlineRow) -> None:
    values = limit_values(rule)
    found = await ctx.data.find(DeadlineRule, profile=rule.profile, state=rule.state)
    if not found:
        row = DeadlineRule(profile=rule.profile, state=rule.state, owner_plugin=plugin_id, **values)
        await ctx.data.insert(row)
    elif found[0].owner_plugin == plugin_id:
        await _change(ctx, found[0], values)
    elif found[0].owner_plugin:
        what = f"deadline {rule.profile} {rule.state}"
        raise _taken(plugin_id, what, found[0].owner_plugin)


async def _put_role(ctx: CoreContext, plugin_id: str, role: RoleText) -> None:
    values = role_values(role)
    found = await ctx.data.find(Role, code=role.code)
    if not found:
        await ctx.data.insert(Role(code=role.code, owner_plugin=plugin_id, **values))
    elif found[0].owner_plugin == plugin_id:
        await _change(ctx, found[0], values)
    elif found[0].owner_plugin:
        raise _taken(plugin_id, f"role {role.code}", found[0].owner_plugin)


def limit_values(rule: DeadlineRow) -> dict[str, Any]:
    """The columns of a deadline that the plugin decides."""
    return {
        "amount": float(rule.amount),
        "unit": rule.unit.value,
        "warn_at_percent": rule.warn_at_percent,
        "source": rule.source,
    }


def role_values(role: RoleText) -> dict[str, Any]:
    """The columns of a role that the plugin decides."""
    return {"name": role.zh, "name_en": role.en, "permissions": sorted(role.permissions)}


async def _change(ctx: CoreContext, row: Role | DeadlineRule, values: Mapping[str, object]) -> None:
    changed = {name: value for name, value in values.items() if getattr(row, name) != value}
    if changed:
        await ctx.data.update(row, **changed)


def _taken(plugin_id: str, what: str, owner: str) -> Conflict:
    return Conflict("PLUGIN_ROW_TAKEN", plugin=plugin_id, what=what, owner=owner)
