"""Switching plugins (插件启停) for a tenant: without restart, seen by every process within 2 s."""

import json
from collections.abc import Mapping
from typing import Any

from jingwei_core.commands.data import Change, UnitData
from jingwei_core.events.tables import EventKind
from jingwei_core.session import CoreContext
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import EventKindDeclaration, Plugin

_UPSERT = """
INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version, settings)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, plugin_id) DO UPDATE
SET enabled = excluded.enabled, version = excluded.version, settings = excluded.settings,
    changed_at = now()
"""


async def switch_plugin(
    ctx: CoreContext, plugin_id: str, *, enabled: bool, settings: Mapping[str, Any] | None = None
) -> None:
    """Enable or disable a plugin for the context's tenant; data of a disabled plugin is kept.

    Without ``settings`` the stored ones stay. Raises ``NotFound`` (``PLUGIN_UNKNOWN``), ``Refused``
    (``PLUGIN_OFF``) for one that is not available, ``Conflict`` (``PLUGIN_NEEDS``,
    ``PLUGIN_NEEDED``) when plugins depend on one another.
    """
    assert isinstance(ctx.data, UnitData)
    host = ctx.platform.host
    found = host.get(plugin_id)
    stored = await _stored(ctx)
    active = {name for name, row in stored.items() if row[0]}
    if enabled:
        plugin = host.require_available(plugin_id)
        missing = sorted(set(plugin.requires) - active - {"core"})
        if missing:
            raise Conflict("PLUGIN_NEEDS", plugin=plugin_id, missing=missing)
        await _put_kinds(ctx, plugin)
    else:
        needing = sorted(
            other
            for other in active - {plugin_id}
            if (loaded := host.get(other).plugin) is not None and plugin_id in loaded.requires
        )
        if needing:
            raise Conflict("PLUGIN_NEEDED", plugin=plugin_id, by=needing)
        await _retire_kinds(ctx, plugin_id)
    before_enabled, before_settings = stored.get(plugin_id, (False, {}))
    after = dict(settings) if settings is not None else before_settings
    version = found.manifest.version if found.manifest else None
    values = (ctx.tenant.id, plugin_id, enabled, version, json.dumps(after, ensure_ascii=False))
    await ctx.unit.execute(_UPSERT, *values)
    ctx.data.changes.append(
        Change(
            "plugin_state",
            ctx.tenant.id,
            {"plugin": plugin_id, "enabled": before_enabled, "settings": before_settings},
            {"plugin": plugin_id, "enabled": enabled, "settings": after},
            None,
        )
    )


async def _stored(ctx: CoreContext) -> dict[str, tuple[bool, dict[str, Any]]]:
    rows = await ctx.unit.fetch(
        "SELECT plugin_id, enabled, settings FROM platform.plugin_state WHERE tenant_id = $1"
        " FOR UPDATE",
        ctx.tenant.id,
    )
    return {row["plugin_id"]: (row["enabled"], json.loads(row["settings"])) for row in rows}


async def _put_kinds(ctx: CoreContext, plugin: Plugin) -> None:
    """The event kinds the plugin brings; routing and deadlines stay the tenant's to change."""
    for declared in plugin.event_kinds:
        existing = await ctx.data.find(EventKind, code=declared.code)
        if not existing:
            await ctx.data.insert(_kind(plugin.id, declared))
        elif existing[0].owner_plugin != plugin.id:
            owner = existing[0].owner_plugin or "the tenant"
            raise Conflict("PLUGIN_KIND_TAKEN", plugin=plugin.id, kind=declared.code, owner=owner)
        elif not existing[0].is_active:
            await ctx.data.update(existing[0], is_active=True)


async def _retire_kinds(ctx: CoreContext, plugin_id: str) -> None:
    for row in await ctx.data.find(EventKind, owner_plugin=plugin_id, is_active=True):
        await ctx.data.update(row, is_active=False)


def _kind(plugin_id: str, declared: EventKindDeclaration) -> EventKind:
    return EventKind(
        code=declared.code,
        rank=1,
        name=declared.name_zh,
        name_en=declared.name_en,
        workflow=declared.workflow,
        deadline_profile=declared.deadline_profile,
        form_schema=declared.form_schema,
        photo_required=declared.photo_required,
        owner_plugin=plugin_id,
        source=plugin_id,
    )
