"""Plugins of the whole deployment (全部署启用): on for every tenant, those that come later too.

A manifest says by its ``scope`` who may switch the plugin on: each tenant, the deployment, or
either. What the plugin brings into a tenant is put there first; then one row switches it on for
everybody at once.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from jingwei_core.audit.writing import append_audit
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.contributing.fitting import require_fit_by_name
from jingwei_core.plugins.contributing.putting import put, withdraw
from jingwei_core.plugins.dependencies import plan_disable, plan_enable
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.hooks import announce_enabled
from jingwei_core.plugins.kinds import put_kinds, withdraw_kinds
from jingwei_core.plugins.sealing import TenantVault
from jingwei_core.plugins.standing import require_tables, standing
from jingwei_core.plugins.tenant_settings import SettingsChange, StoredSettings
from jingwei_core.plugins.tenant_settings import put as put_settings
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.errors import Conflict, JingweiError
from jingwei_sdk.manifest import Scope
from jingwei_sdk.payloads import PluginEnabled

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

_ON = "SELECT plugin_id FROM platform.plugin_deployment WHERE enabled"
_TENANTS = """
SELECT t.slug, array(SELECT p.plugin_id FROM platform.plugin_state p
                      WHERE p.tenant_id = t.id AND p.enabled) AS own
  FROM platform.tenant t ORDER BY t.slug
"""
_REACHED = """
SELECT t.slug, coalesce(p.data_version, p.version) AS version
  FROM platform.plugin_state p JOIN platform.tenant t ON t.id = p.tenant_id
 WHERE p.plugin_id = $1 ORDER BY t.slug
"""
_STORED = """
SELECT settings, settings_version, sealed FROM platform.plugin_deployment
 WHERE plugin_id = $1 FOR UPDATE
"""
_STORE = """
INSERT INTO platform.plugin_deployment
    (plugin_id, enabled, version, settings, settings_version, sealed)
VALUES ($1, true, $2, $3, $4, $5)
ON CONFLICT (plugin_id) DO UPDATE
SET enabled = true, version = excluded.version, settings = excluded.settings,
    settings_version = excluded.settings_version, sealed = excluded.sealed, changed_at = now()
"""
# Whoever removes the plugin waits for that, or is waited for: what is looked at next, such as its
# tables, cannot go away before the row is stored. The transaction stands while all are served.
_HELD = """
SET LOCAL idle_in_transaction_session_timeout = 0;
LOCK TABLE platform.plugin_deployment IN ROW EXCLUSIVE MODE
"""
_OFF = """
UPDATE platform.plugin_deployment SET enabled = false, changed_at = now() WHERE plugin_id = $1
"""
EVERYWHERE = "*"
"""Stands for the deployment where a refusal names a tenant."""


def require_scope(found: Installed, scope: Scope) -> None:
    """Raise ``Conflict`` (``PLUGIN_SCOPE``) unless the plugin may be switched on there."""
    declared = found.manifest.scope if found.manifest is not None else Scope.TENANT
    if declared not in (scope, Scope.BOTH):
        raise Conflict("PLUGIN_SCOPE", plugin=found.id, scope=declared.value, asked=scope.value)


async def on_everywhere(unit: Unit) -> frozenset[str]:
    """The plugins that are on for the whole deployment."""
    return frozenset(row["plugin_id"] for row in await unit.fetch(_ON))


async def enable_everywhere(
    platform: "Platform", plugin_id: str, change: SettingsChange | None = None
) -> list[str]:
    """Switch a plugin on for every tenant; the slugs of the tenants it was brought into.

    Raises ``NotFound`` (``PLUGIN_UNKNOWN``), ``Refused`` (``PLUGIN_OFF``), ``Conflict``:
    ``PLUGIN_SCOPE``, ``PLUGIN_NEEDS``, ``PLUGIN_NOT_MIGRATED``, ``PLUGIN_UPGRADE_PENDING`` and
    ``PLUGIN_CLASHES`` naming the first tenant in which its rows are of another version or a plugin
    would be off, and what bringing it in raises; ``Invalid`` (``PLUGIN_SETTINGS``). Whatever
    is raised, it is on for nobody who had it not.
    """
    host = platform.host
    found, plugin = host.get(plugin_id), host.require_available(plugin_id)
    require_scope(found, Scope.DEPLOYMENT)
    try:
        async with platform.database.platform() as unit:
            await unit.execute(_HELD)
            everywhere = await on_everywhere(unit)
            plan_enable(host, everywhere, plugin_id)
            await require_tables(unit, plugin)
            await _require_upgraded(unit, found)
            tenants = await _tenants(unit)
            settings = await _settings(platform, unit, found, change or SettingsChange())
            for slug, own in {**tenants, EVERYWHERE: frozenset[str]()}.items():
                _refuse_clash(platform, slug, own | everywhere, plugin_id)
            try:
                await _bring_into(platform, found, tenants, is_on=plugin_id in everywhere)
                version = found.manifest.version if found.manifest is not None else None
                await unit.execute(_STORE, plugin_id, version, *settings.columns())
            except JingweiError:
                if plugin_id not in everywhere:
                    await _take_out_of(platform, plugin_id, tenants)
                raise
    finally:
        platform.forget()
    return list(tenants)


async def disable_everywhere(platform: "Platform", plugin_id: str) -> list[str]:
    """Switch a plugin off for the deployment; the slugs of the tenants that have it no more. Those
    that switched it on themselves keep it, and all keep their data.

    Raises ``Conflict`` (``PLUGIN_NEEDED``) with the chain of what stands on it in some tenant.
    """
    async with platform.database.platform() as unit:
        everywhere = await on_everywhere(unit)
        tenants = {
            slug: own for slug, own in (await _tenants(unit)).items() if plugin_id not in own
        }
        for own in (frozenset[str](), *tenants.values()):
            plan_disable(platform.host, own | everywhere, plugin_id)
        await unit.execute(_OFF, plugin_id)
    platform.forget()
    if plugin_id in everywhere:
        await _take_out_of(platform, plugin_id, tenants)
    return list(tenants)


async def bring_in(ctx: CoreContext) -> None:
    """Put what the plugins of the deployment bring into the context's tenant, a new one, each after
    those it requires.

    Raises ``Conflict`` (``PLUGIN_WORKFLOW_UNFIT``) naming the tenant and the first plugin whose
    workflows cannot work there, with every flaw.
    """
    host = ctx.platform.host
    everywhere, there = await on_everywhere(ctx.unit), {one.id: one for one in host.installed()}
    brought = [
        found
        for plugin_id in host.order
        if plugin_id in everywhere
        and (found := there.get(plugin_id)) is not None
        and found.state == "available"
    ]
    for found in brought:
        await _put(ctx, found)
        await announce_enabled(ctx, _told(found))
    await require_fit_by_name(ctx, [found.id for found in brought])


async def _put(ctx: CoreContext, found: Installed) -> None:
    await put(ctx, found)
    if found.plugin is not None:
        await put_kinds(ctx, found.plugin)


def _told(found: Installed) -> PluginEnabled:
    return PluginEnabled(found.id, found.manifest.version if found.manifest else "")


async def _bring_into(
    platform: "Platform",
    found: Installed,
    tenants: Mapping[str, frozenset[str]],
    *,
    is_on: bool,
) -> None:
    for slug, own in tenants.items():
        tenant = (await platform.state(slug)).tenant
        async with system_context(platform, tenant, "plugin.switch") as ctx:
            await _put(ctx, found)
            await require_fit_by_name(ctx, [found.id])
            if not is_on and found.id not in own:
                # A reaction that comes before the switch waits for it.
                await announce_enabled(ctx, _told(found))
            await append_audit(ctx, "plugin.enable-everywhere", tenant.id)


async def _take_out_of(
    platform: "Platform", plugin_id: str, tenants: Mapping[str, frozenset[str]]
) -> None:
    for slug in [slug for slug, own in tenants.items() if plugin_id not in own]:
        tenant = (await platform.state(slug)).tenant
        async with system_context(platform, tenant, "plugin.switch") as ctx:
            await withdraw_kinds(ctx, plugin_id)
            await withdraw(ctx, plugin_id)
            await append_audit(ctx, "plugin.disable-everywhere", tenant.id)


async def _require_upgraded(unit: Unit, found: Installed) -> None:
    """Tenants that had the plugin before have rows of the version that they had."""
    for row in await unit.fetch(_REACHED, found.id):
        waiting = standing(found, row["version"])
        if waiting is not None:
            reason = f"{row['slug']}: {waiting.reason}"
            raise Conflict("PLUGIN_UPGRADE_PENDING", plugin=found.id, reason=reason)


async def _tenants(unit: Unit) -> dict[str, frozenset[str]]:
    """The plugins that each tenant has switched on itself, by its slug."""
    return {row["slug"]: frozenset(row["own"]) for row in await unit.fetch(_TENANTS)}


def _refuse_clash(platform: "Platform", slug: str, active: frozenset[str], plugin_id: str) -> None:
    before, after = platform.host.off(active), platform.host.off(active | {plugin_id})
    for off in after.values():
        if off.plugin not in before:
            reason = f"{slug}: {off.plugin}: {off.reason}"
            raise Conflict("PLUGIN_CLASHES", plugin=plugin_id, reason=reason)


async def _settings(
    platform: "Platform", unit: Unit, found: Installed, change: SettingsChange
) -> StoredSettings:
    row = await unit.fetchrow(_STORED, found.id)
    stored = StoredSettings()
    if row is not None:
        values, sealed = json.loads(row["settings"]), json.loads(row["sealed"])
        stored = StoredSettings(values, row["settings_version"], sealed)
    return put_settings(found, stored, change, TenantVault(platform.vault, None))
