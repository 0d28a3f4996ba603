"""Switching plugins (插件启停) for a tenant: without restart, seen by every process within 2 s."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.events.tables import EventKind
from jingwei_core.plugins.contributing.putting import put, withdraw
from jingwei_core.plugins.dependencies import plan_disable, plan_enable
from jingwei_core.plugins.tenant_settings import check_settings
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import EventKindDeclaration, Plugin

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_UPSERT = """
INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version, settings)
VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, plugin_id) DO UPDATE
SET enabled = excluded.enabled, version = excluded.version, settings = excluded.settings,
    changed_at = now()
"""


async def switch_audited(
    platform: "Platform", slug: str, plugin_id: str, *, enabled: bool, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Switch a plugin for a tenant in a transaction of its own, with its audit row.

    ``settings`` are put over the stored ones; what results is returned. Raises what
    :func:`switch_plugin` raises, and ``NotFound`` (``TENANT_NOT_FOUND``).
    """
    state = await platform.state(slug)
    try:
        async with system_context(platform, state.tenant, "plugin.switch") as ctx:
            _, before = (await _stored(ctx)).get(plugin_id, (False, {}))
            after = {**before, **settings}
            await switch_plugin(ctx, plugin_id, enabled=enabled, settings=after)
            command = "plugin.enable" if enabled else "plugin.disable"
            await append_audit(ctx, command, state.tenant.id)
    finally:
        platform.forget()
    return after


async def switch_plugin(
    ctx: CoreContext, plugin_id: str, *, enabled: bool, settings: Mapping[str, Any] | None = None
) -> None:
    """Enable or disable a plugin for the context's tenant; data of a disabled plugin is kept.

    Without ``settings`` the stored ones stay. Raises ``NotFound`` (``PLUGIN_UNKNOWN``), ``Refused``
    (``PLUGIN_OFF``) for one that is not available, ``Conflict`` (``PLUGIN_NEEDS``,
    ``PLUGIN_NEEDED``) when plugins depend on one another, ``PLUGIN_CLASHES`` when it cannot be
    served beside those that are enabled, ``PLUGIN_NOT_MIGRATED`` when its tables are not there,
    ``PLUGIN_KIND_TAKEN``; ``Invalid`` (``PLUGIN_SETTINGS``).
    """
    assert isinstance(ctx.data, UnitData)
    stored = await _stored(ctx)
    if enabled or plugin_id not in stored:
        ctx.platform.host.get(plugin_id)
    before_enabled, before_settings = stored.get(plugin_id, (False, {}))
    after = dict(settings) if settings is not None else before_settings
    active = frozenset(name for name, row in stored.items() if row[0])
    if enabled:
        await _enable(ctx, plugin_id, active, after)
    else:
        await _disable(ctx, plugin_id, active)
    version = _version(ctx, plugin_id)
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


async def _enable(
    ctx: CoreContext, plugin_id: str, active: frozenset[str], settings: Mapping[str, Any]
) -> None:
    host = ctx.platform.host
    plugin = host.require_available(plugin_id)
    plan_enable(host, active, plugin_id)
    clash = host.off(active | {plugin_id}).get(plugin_id)
    if clash:
        raise Conflict("PLUGIN_CLASHES", plugin=plugin_id, reason=clash.reason)
    check_settings(host.get(plugin_id), settings)
    await _require_tables(ctx, plugin)
    await put(ctx, host.get(plugin_id))
    await _put_kinds(ctx, plugin)


async def _disable(ctx: CoreContext, plugin_id: str, active: frozenset[str]) -> None:
    plan_disable(ctx.platform.host, active, plugin_id)
    for row in await ctx.data.find(EventKind, owner_plugin=plugin_id, is_active=True):
        await ctx.data.update(row, is_active=False)
    await withdraw(ctx, plugin_id)


def _version(ctx: CoreContext, plugin_id: str) -> str | None:
    """The installed version; none for a plugin that is switched off after it was removed."""
    known = {found.id: found.manifest for found in ctx.platform.host.installed()}
    manifest = known.get(plugin_id)
    return manifest.version if manifest else None


async def _require_tables(ctx: CoreContext, plugin: Plugin) -> None:
    for table in plugin.tables:
        name = f'"{table._meta.schema}"."{table._meta.tablename}"'
        if await ctx.unit.fetchval("SELECT to_regclass($1) IS NULL", name):
            raise Conflict("PLUGIN_NOT_MIGRATED", plugin=plugin.id, table=name)


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
            await ctx.data.insert(_kind(plugin.id, declared, await _group_of(ctx, declared.code)))
        elif existing[0].owner_plugin != plugin.id:
            owner = existing[0].owner_plugin or "the tenant"
            raise Conflict("PLUGIN_KIND_TAKEN", plugin=plugin.id, kind=declared.code, owner=owner)
        elif not existing[0].is_active:
            await ctx.data.update(existing[0], is_active=True)


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
