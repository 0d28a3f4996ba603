"""Switching and setting plugins (插件启停与设置) for a tenant: without restart, seen within 2 s.

Everything a switch does is one transaction: the plugins that come along, settings, kinds, roles and
workflows, one audit row. A dry run does all of it and keeps nothing.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.plugins.contributing.fitting import require_workflows_fit
from jingwei_core.plugins.contributing.putting import put, withdraw
from jingwei_core.plugins.dependencies import Step, plan_disable, plan_enable
from jingwei_core.plugins.deployment import on_everywhere, require_scope
from jingwei_core.plugins.kinds import put_kinds, withdraw_kinds
from jingwei_core.plugins.plugin_rows import PluginRow, plugin_rows, store_row
from jingwei_core.plugins.sealing import TenantVault
from jingwei_core.plugins.standing import require_tables, standing
from jingwei_core.plugins.tenant_settings import SettingsChange, StoredSettings
from jingwei_core.plugins.tenant_settings import put as put_settings
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.hook_specs import on_plugin_enabled
from jingwei_sdk.manifest import Scope
from jingwei_sdk.payloads import PluginEnabled

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

Rows = dict[str, PluginRow]


@dataclass(frozen=True, slots=True)
class Switching:
    """How a switch is asked for: settings of the plugin itself; ``with_others`` takes along what
    it requires (enable) or what requires it (disable); ``dry_run`` keeps nothing."""

    change: SettingsChange = field(default_factory=SettingsChange)
    with_others: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Switched:
    """What a switch did: the plugins in their order, and the row of the one that was asked for."""

    steps: tuple[Step, ...]
    row: PluginRow


async def enable_plugin(
    platform: "Platform", slug: str, plugin_id: str, asked: Switching = Switching()
) -> Switched:
    """Enable a plugin for a tenant, in a transaction of its own with its audit row.

    Raises ``NotFound`` (``TENANT_NOT_FOUND``, ``PLUGIN_UNKNOWN``), ``Refused`` (``PLUGIN_OFF``) for
    one that is not available, ``Conflict``: ``PLUGIN_SCOPE`` for one that only the deployment may
    switch on, ``PLUGIN_NEEDS`` with the chain, ``PLUGIN_CLASHES``
    when it cannot be served beside those that are enabled, ``PLUGIN_NOT_MIGRATED`` when its tables
    are not there, ``PLUGIN_UPGRADE_PENDING``, ``PLUGIN_KIND_TAKEN``, ``PLUGIN_ROW_TAKEN``;
    ``PLUGIN_WORKFLOW_UNFIT`` with the flaws of a workflow that it brings and that cannot work in
    the tenant; ``Invalid`` (``PLUGIN_SETTINGS``, ``PLUGIN_SETTING_SECRET``).
    """
    async with _switch(platform, slug, "plugin.enable", asked) as (ctx, rows):
        active = _active(rows) | await on_everywhere(ctx.unit)
        steps = plan_enable(platform.host, active, plugin_id, with_dependencies=asked.with_others)
        for step in steps:
            change = asked.change if step.plugin == plugin_id else SettingsChange()
            await _enable(ctx, rows, step.plugin, change)
        row = rows[plugin_id]
    return Switched(steps, row)


async def disable_plugin(
    platform: "Platform", slug: str, plugin_id: str, asked: Switching = Switching()
) -> Switched:
    """Disable a plugin for a tenant; its data is kept and stands in nobody's way.

    Raises ``NotFound``, ``Conflict``: ``PLUGIN_NEEDED`` with the chain of those that stand on it,
    ``PLUGIN_ON_EVERYWHERE`` for one that the deployment has on.
    """
    async with _switch(platform, slug, "plugin.disable", asked) as (ctx, rows):
        steps = await _disable(ctx, rows, plugin_id, with_others=asked.with_others)
        row = rows[plugin_id]
    return Switched(steps, row)


async def configure_plugin(
    platform: "Platform", slug: str, plugin_id: str, asked: Switching
) -> PluginRow:
    """Change settings of a plugin of a tenant, whether it is enabled or not.

    Raises ``NotFound``, ``Invalid`` (``PLUGIN_SETTINGS``, ``PLUGIN_SETTING_SECRET``), ``Refused``
    (``SETTINGS_NEWER``) when a later version of the plugin stored them. Of one that is enabled the
    workflows are looked at again: ``Conflict`` (``PLUGIN_WORKFLOW_UNFIT``).
    """
    async with _switch(platform, slug, "plugin.configure", asked) as (ctx, rows):
        before = _row(ctx, rows, plugin_id)
        row = replace(before, settings=_settings(ctx, before, asked.change))
        if row.enabled:
            await require_workflows_fit(ctx, plugin_id)
        await _store(ctx, rows, row)
    return row


async def switch_audited(
    platform: "Platform", slug: str, plugin_id: str, *, enabled: bool, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Enable or disable one plugin, with ``settings`` put over the stored ones; the plain values
    that are stored then. Raises as :func:`enable_plugin` and :func:`disable_plugin` do."""
    asked = Switching(SettingsChange(settings))
    work = enable_plugin if enabled else disable_plugin
    return dict((await work(platform, slug, plugin_id, asked)).row.settings.values)


async def switch_plugin(
    ctx: CoreContext, plugin_id: str, *, enabled: bool, settings: Mapping[str, Any] | None = None
) -> None:
    """Enable or disable one plugin in the context's transaction, whose audit row is the caller's.

    ``settings`` replace the stored plain ones; without them these stay. Raises as
    :func:`enable_plugin` and :func:`disable_plugin` do.
    """
    rows = await plugin_rows(ctx.unit, ctx.tenant.id)
    if not enabled:
        await _disable(ctx, rows, plugin_id)
        return
    stored = _row(ctx, rows, plugin_id).settings.values
    gone = frozenset(stored) - frozenset(settings) if settings is not None else frozenset[str]()
    active = _active(rows) | await on_everywhere(ctx.unit)
    plan_enable(ctx.platform.host, active, plugin_id)
    await _enable(ctx, rows, plugin_id, SettingsChange(settings or {}, unset=gone))


class _DryRun(Exception):
    """Ends the transaction of a dry run."""


@asynccontextmanager
async def _switch(
    platform: "Platform", slug: str, command: str, asked: Switching
) -> AsyncIterator[tuple[CoreContext, Rows]]:
    state = await platform.state(slug)
    try:
        async with system_context(platform, state.tenant, "plugin.switch") as ctx:
            yield ctx, await plugin_rows(ctx.unit, ctx.tenant.id)
            if asked.dry_run:
                raise _DryRun
            await append_audit(ctx, command, state.tenant.id)
    except _DryRun:
        pass
    finally:
        platform.forget()


async def _enable(ctx: CoreContext, rows: Rows, plugin_id: str, change: SettingsChange) -> None:
    host = ctx.platform.host
    plugin = host.require_available(plugin_id)
    found = host.get(plugin_id)
    require_scope(found, Scope.TENANT)
    before = _row(ctx, rows, plugin_id)
    active = _active(rows) | await on_everywhere(ctx.unit) | {plugin_id}
    clash = host.off(active).get(plugin_id)
    if clash:
        raise Conflict("PLUGIN_CLASHES", plugin=plugin_id, reason=clash.reason)
    await require_tables(ctx.unit, plugin)
    reached = before.data_version or before.version
    waiting = standing(found, reached)
    if waiting is not None:
        raise Conflict("PLUGIN_UPGRADE_PENDING", plugin=plugin_id, reason=waiting.reason)
    version = found.manifest.version if found.manifest else None
    settings = _settings(ctx, before, change)
    await put(ctx, found)
    await put_kinds(ctx, plugin)
    await require_workflows_fit(ctx, plugin_id)
    row = replace(before, enabled=True, version=version, data_version=version, settings=settings)
    await _store(ctx, rows, row)
    if not before.enabled:
        told = PluginEnabled(plugin_id, version or "", before.version)
        now = replace(ctx, registry=host.registry(active))
        await ctx.platform.hooks.collect(now, on_plugin_enabled, told)


async def _disable(
    ctx: CoreContext, rows: Rows, plugin_id: str, *, with_others: bool = False
) -> tuple[Step, ...]:
    if plugin_id not in rows:
        ctx.platform.host.get(plugin_id)
    everywhere = await on_everywhere(ctx.unit)
    if plugin_id in everywhere:
        raise Conflict("PLUGIN_ON_EVERYWHERE", plugin=plugin_id)
    active = _active(rows) | everywhere
    steps = plan_disable(ctx.platform.host, active, plugin_id, with_dependants=with_others)
    for step in steps:
        await withdraw_kinds(ctx, step.plugin)
        await withdraw(ctx, step.plugin)
        before = rows.get(step.plugin, PluginRow(step.plugin))
        await _store(ctx, rows, replace(before, enabled=False))
    return steps


async def _store(ctx: CoreContext, rows: Rows, row: PluginRow) -> None:
    assert isinstance(ctx.data, UnitData)
    before = rows.get(row.plugin, PluginRow(row.plugin))
    await store_row(ctx.unit, ctx.tenant.id, row)
    rows[row.plugin] = row
    change = Change("plugin_state", ctx.tenant.id, before.told(), row.told(), None)
    ctx.data.changes.append(change)


def _row(ctx: CoreContext, rows: Rows, plugin_id: str) -> PluginRow:
    """The plugin's row, or that of one which was never switched; raises ``PLUGIN_UNKNOWN``."""
    ctx.platform.host.get(plugin_id)
    return rows.get(plugin_id, PluginRow(plugin_id))


def _active(rows: Rows) -> frozenset[str]:
    return frozenset(row.plugin for row in rows.values() if row.enabled)


def _settings(ctx: CoreContext, row: PluginRow, change: SettingsChange) -> StoredSettings:
    vault = TenantVault(ctx.platform.vault, ctx.tenant.id)
    return put_settings(ctx.platform.host.get(row.plugin), row.settings, change, vault)
