"""Event kinds of plugins (插件的事件类型) in a tenant's tree of kinds."""

from collections.abc import Mapping
from typing import Any

from jingwei_core.events.stored_json import stored_json
from jingwei_core.events.tables import EventKind
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import EventKindDeclaration, Plugin


async def put_kinds(ctx: CoreContext, plugin: Plugin) -> None:
    """Put the kinds that the plugin brings, and bring those it has brought up to what it says now;
    routing and deadlines stay the tenant's to change.

    Raises ``Conflict`` (``PLUGIN_KIND_TAKEN``) when the tenant or another plugin has one of them.
    """
    for declared in plugin.event_kinds:
        existing = await ctx.data.find(EventKind, code=declared.code)
        if not existing:
            await ctx.data.insert(_kind(plugin.id, declared, await _group_of(ctx, declared.code)))
        elif existing[0].owner_plugin != plugin.id:
            owner = existing[0].owner_plugin or "the tenant"
            raise Conflict("PLUGIN_KIND_TAKEN", plugin=plugin.id, kind=declared.code, owner=owner)
        elif changes := kind_changes(existing[0], declared):
            await ctx.data.update(existing[0], **changes)


def kind_changes(row: EventKind, declared: EventKindDeclaration) -> Mapping[str, object]:
    """What of a plugin's kind in a tenant is not as the plugin says: its names, its form, whether
    it wants a photo, and that it is in use."""
    values = {**kind_values(declared), "is_active": True}
    held = {name: stored_json(getattr(row, name)) for name in ("form_schema",)}
    return {
        name: value for name, value in values.items() if held.get(name, getattr(row, name)) != value
    }


def kind_values(declared: EventKindDeclaration) -> Mapping[str, Any]:
    """The columns of a kind that stay the plugin's."""
    return {
        "name": declared.name_zh,
        "name_en": declared.name_en,
        "form_schema": declared.form_schema,
        "photo_required": declared.photo_required,
    }


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
        **kind_values(declared),
        code=declared.code,
        parent=group.id if group else None,
        rank=group.rank + 1 if group else 1,
        workflow=declared.workflow,
        deadline_profile=declared.deadline_profile,
        owner_plugin=plugin_id,
        source=plugin_id,
    )
