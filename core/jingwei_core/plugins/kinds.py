"""Event kinds of plugins (插件的事件类型) in a tenant's tree of kinds."""

from jingwei_core.events.tables import EventKind
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import EventKindDeclaration, Plugin


async def put_kinds(ctx: CoreContext, plugin: Plugin) -> None:
    """Put the kinds that the plugin brings; routing and deadlines stay the tenant's to change.

    Raises ``Conflict`` (``PLUGIN_KIND_TAKEN``) when the tenant or another plugin has one of them.
    """
    for declared in plugin.event_kinds:
        existing = await ctx.data.find(EventKind, code=declared.code)
        if not existing:
            await ctx.data.insert(_kind(plugin.id, declared, await _group_of(ctx, declared.code)))
        elif existing[0].owner_plugin != plugin.id:
            owner = existing[0].owner_plugin or "the tenant"
            raise Conflict("PLUGIN_KIND_TAKEN", plugin=plugin.id, kind=declared.code, owner=owner)
        elif not existing[0].is_active:
            await ctx.data.update(existing[0], is_active=True)


async def withdraw_kinds(ctx: CoreContext, plugin_id: str) -> None:
    """Take the plugin's kinds out of use; events of them stay."""
    for row in await ctx.data.find(EventKind, owner_plugin=plugin_id, is_active=True):
        await ctx.data.update(row, is_active=False)


async def _group_of(ctx: CoreContext, code: str) -> EventKind | None:
    """The nearest group of the tenant's tree above a code: ``a.b`` or ``a`` for ``a.b.c``."""
    while "." in code:
        code = code.rpartition(".")[0]
        found = await ctx.data.find(EventKind, code=code, workflow="")
        if found:
            return found[0]
    return None


def _kind(plugin_id: str, declared: EventKindDeclaration, group: EventKind | None) -> EventKind:
    return EventKind(
        code=declared.code,
        parent=group.id if group else None,
        rank=group.rank + 1 if group else 1,
        name=declared.name_zh,
        name_en=declared.name_en,
        workflow=declared.workflow,
        deadline_profile=declared.deadline_profile,
        form_schema=declared.form_schema,
        photo_required=declared.photo_required,
        owner_plugin=plugin_id,
        source=plugin_id,
    )
