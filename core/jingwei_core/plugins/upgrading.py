"""Upgrading a tenant's plugin (插件升级): settings, then rows in batches, then what it ships.

Each batch is a transaction; the tenant's row says which version its data has reached. After an
interruption, and in a second process that does the same, the work goes on where it stood.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from packaging.version import Version

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.plugins.contributing.fitting import misfits, require_workflows_fit, unfit
from jingwei_core.plugins.contributing.putting import put
from jingwei_core.plugins.contributing.upcoming import Upcoming, upcoming
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.kinds import put_kinds
from jingwei_core.plugins.plugin_rows import PluginRow, plugin_rows, store_row
from jingwei_core.plugins.sealing import TenantVault
from jingwei_core.plugins.standing import pending_upgrades
from jingwei_core.plugins.tenant_settings import SettingsChange, declared
from jingwei_core.plugins.tenant_settings import put as put_settings
from jingwei_core.session import (
    CoreContext,
    EveryPermission,
    Request,
    onlooker_context,
    system_context,
)
from jingwei_core.tenant_states import SNAPSHOT_AGE_S
from jingwei_sdk.errors import Conflict, JingweiError, NotFound
from jingwei_sdk.upgrades import DataMigration

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

HEARD_WITHIN_S = 2 * SNAPSHOT_AGE_S
"""So long a process may serve a tenant with what it read of its plugins."""

_PROGRESS = "UPDATE platform.plugin_state SET progress = $3 WHERE tenant_id = $1 AND plugin_id = $2"
_USED = """
SELECT slug, plugin_id FROM (
    SELECT t.slug, p.plugin_id FROM platform.plugin_state p
        JOIN platform.tenant t ON t.id = p.tenant_id
    UNION SELECT t.slug, d.plugin_id FROM platform.plugin_deployment d, platform.tenant t
        WHERE d.enabled
) AS used
WHERE ($1::text IS NULL OR slug = $1) AND ($2::text IS NULL OR plugin_id = $2)
ORDER BY 1, 2
"""
_EVERYWHERE = "SELECT version FROM platform.plugin_deployment WHERE plugin_id = $1 AND enabled"
_ALL_REACHED = """
UPDATE platform.plugin_deployment d SET version = $2, changed_at = now()
WHERE d.plugin_id = $1 AND d.enabled AND d.version IS DISTINCT FROM $2 AND NOT EXISTS (
    SELECT FROM platform.tenant t LEFT JOIN platform.plugin_state p
        ON p.tenant_id = t.id AND p.plugin_id = d.plugin_id
    WHERE coalesce(p.data_version, p.version, d.version) IS DISTINCT FROM $2)
"""


@dataclass(frozen=True, slots=True)
class UpgradePlan:
    """What an upgrade of one tenant's plugin would do; versions are ``None`` where none is known,
    and settings versions are equal where nothing is to be done."""

    tenant: str
    plugin: str
    from_version: str | None
    to_version: str
    from_settings: int
    to_settings: int
    steps: tuple[DataMigration, ...]
    puts: tuple[Upcoming, ...] = ()
    """What would change of the workflows, deadlines and roles that the plugin brings; nothing of
    one that is off."""
    misfits: tuple[str, ...] = ()
    """Why its workflows, as they would be put, cannot work in the tenant; the upgrade is refused
    then."""

    @property
    def is_empty(self) -> bool:
        """Whether the tenant's plugin is of the installed version already."""
        same = self.from_version == self.to_version and self.from_settings == self.to_settings
        return same and not self.steps

    def told(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {
            "tenant": self.tenant,
            "plugin": self.plugin,
            "from": self.from_version,
            "to": self.to_version,
            "settings": [self.from_settings, self.to_settings],
            "steps": [
                {"to": step.to_version, "description": step.description} for step in self.steps
            ],
            "puts": [each.told() for each in self.puts],
            "misfits": list(self.misfits),
        }


@dataclass(frozen=True, slots=True)
class Upgraded:
    """A finished upgrade: its plan, and how many rows the data migrations changed here."""

    plan: UpgradePlan
    rows: int


async def plugins_in_use(
    platform: "Platform", slug: str | None = None, plugin_id: str | None = None
) -> list[tuple[str, str]]:
    """Tenant and plugin wherever a plugin that is installed here has rows, narrowed by either."""
    known = {found.id for found in platform.host.installed() if found.plugin is not None}
    async with platform.database.platform() as unit:
        rows = await unit.fetch(_USED, slug, plugin_id)
    return [(row["slug"], row["plugin_id"]) for row in rows if row["plugin_id"] in known]


async def plan_upgrade(platform: "Platform", slug: str, plugin_id: str) -> UpgradePlan:
    """What :func:`upgrade_plugin` would do now.

    Raises ``NotFound`` (``TENANT_NOT_FOUND``, ``PLUGIN_UNKNOWN``, ``PLUGIN_NOT_USED``), ``Refused``
    (``PLUGIN_OFF``), ``Conflict``: ``PLUGIN_DATA_NEWER`` when later code has upgraded the tenant,
    ``PLUGIN_KIND_TAKEN`` and ``PLUGIN_ROW_TAKEN`` when it cannot be put beside what is there.
    """
    tenant = (await platform.state(slug)).tenant
    who = (f"plugin:{plugin_id}", EveryPermission())
    async with onlooker_context(platform, tenant, who, Request()) as ctx:
        row = await _used_row(ctx, plugin_id)
        plan = _plan(platform, slug, plugin_id, row)
        if row is not None and await _is_on(ctx, row):
            found = platform.host.get(plugin_id)
            plan = replace(plan, puts=await upcoming(ctx, found))
            if not plan.is_empty:
                await _put(ctx, found)
                plan = replace(plan, misfits=await misfits(ctx, plugin_id))
    return plan


async def upgrade_plugin(platform: "Platform", slug: str, plugin_id: str) -> Upgraded:
    """Bring a tenant's plugin to the installed version; a second call finds nothing to do.

    Raises as :func:`plan_upgrade` does, and ``Conflict``: ``PLUGIN_WORKFLOW_UNFIT`` before anything
    is done, with the flaws of workflows that cannot work in the tenant;
    ``PLUGIN_UPGRADE_FAILED`` naming the step: what was finished before it stays, and the next call
    goes on there.
    """
    plan = await plan_upgrade(platform, slug, plugin_id)
    if plan.is_empty:
        return Upgraded(plan, 0)
    if plan.misfits:
        raise unfit(plugin_id, plan.misfits)
    work = _Upgrade(platform, plan)
    try:
        await work.settings()
        rows = sum([await work.step(step) for step in plan.steps])
        await work.finish()
    finally:
        platform.forget()
    return Upgraded(plan, rows)


@dataclass(frozen=True, slots=True)
class _Upgrade:
    platform: "Platform"
    plan: UpgradePlan
    began: float = field(default_factory=time.monotonic)

    @property
    def found(self) -> Installed:
        return self.platform.host.get(self.plan.plugin)

    async def settings(self) -> None:
        """Bring the settings to this version; code that is older holds the plugin back then.

        A tenant that has the plugin only as everybody has gets a row of its own, to be locked.
        """
        async with self._context() as ctx:
            row = await _used_row(ctx, self.plan.plugin)
            assert row is not None
            if row.data_version is None:
                row = replace(row, data_version=row.version)
                await store_row(ctx.unit, ctx.tenant.id, row)
            vault = TenantVault(self.platform.vault, ctx.tenant.id)
            new = put_settings(self.found, row.settings, SettingsChange(), vault)
            if new != row.settings:
                await self._store(ctx, row, replace(row, settings=new))

    async def step(self, step: DataMigration) -> int:
        """Run one data migration, batch by batch; how many rows it changed.

        Code of the version before is held back before the last look: by the settings that this
        upgrade has stored, or else by a version just below the one that is reached. It may not have
        heard of that yet and write more rows: the last look is after it has.
        """
        rows, heard_by = 0, self.began + HEARD_WITHIN_S
        is_held = self.plan.from_settings != self.plan.to_settings
        while True:
            is_last = is_held and time.monotonic() >= heard_by
            async with self._context() as ctx:
                row = await self._row(ctx)
                if row.data_version and Version(row.data_version) >= Version(step.to_version):
                    return rows  # another process was faster
                changed = await self._batch(ctx, step)
                rows += changed
                if not changed and is_last:
                    await self._store(ctx, row, replace(row, data_version=step.to_version))
                    return rows
                if changed:
                    progress = json.dumps({"to": step.to_version, "rows": rows})
                    await ctx.unit.execute(_PROGRESS, ctx.tenant.id, self.plan.plugin, progress)
                    await append_audit(ctx, "plugin.upgrade", ctx.tenant.id)
                elif not is_held:
                    await self._store(ctx, row, replace(row, data_version=_below(step.to_version)))
            if not changed:
                if not is_held:
                    is_held, heard_by = True, time.monotonic() + HEARD_WITHIN_S
                await asyncio.sleep(heard_by - time.monotonic())

    async def finish(self) -> None:
        """Put what this version ships, and note the version."""
        async with self._context() as ctx:
            row = await self._row(ctx)
            if await _is_on(ctx, row):
                await _put(ctx, self.found)
                # The tenant may have changed since the plan was made.
                await require_workflows_fit(ctx, self.plan.plugin)
            version = self.plan.to_version
            await ctx.unit.execute(_PROGRESS, ctx.tenant.id, self.plan.plugin, "{}")
            await self._store(ctx, row, replace(row, version=version, data_version=version))
            await ctx.unit.execute(_ALL_REACHED, self.plan.plugin, version)

    async def _batch(self, ctx: CoreContext, step: DataMigration) -> int:
        try:
            return await step.run(given_to(self.plan.plugin, ctx))
        except JingweiError as error:
            cause = error.code
        except Exception as error:  # noqa: BLE001 - a stranger's code; only its type is told
            cause = type(error).__name__
        raise Conflict(
            "PLUGIN_UPGRADE_FAILED", plugin=self.plan.plugin, version=step.to_version, cause=cause
        )

    @asynccontextmanager
    async def _context(self) -> AsyncIterator[CoreContext]:
        tenant = (await self.platform.state(self.plan.tenant)).tenant
        async with system_context(self.platform, tenant, f"plugin:{self.plan.plugin}") as ctx:
            yield ctx

    async def _row(self, ctx: CoreContext) -> PluginRow:
        """The tenant's row, locked: batches of two processes come one after the other."""
        return (await plugin_rows(ctx.unit, ctx.tenant.id))[self.plan.plugin]

    async def _store(self, ctx: CoreContext, before: PluginRow, after: PluginRow) -> None:
        assert isinstance(ctx.data, UnitData)
        await store_row(ctx.unit, ctx.tenant.id, after)
        change = Change("plugin_state", ctx.tenant.id, before.told(), after.told(), None)
        ctx.data.changes.append(change)
        await append_audit(ctx, "plugin.upgrade", ctx.tenant.id)


def _below(version: str) -> str:
    """The version just below another: later than every release before it, for code of those to see
    that the rows are on their way."""
    reached = Version(version)
    if reached.dev is None:
        return f"{reached.public}.dev0"
    return f"{reached.public.rpartition('.dev')[0]}.dev{max(reached.dev - 1, 0)}"


async def _put(ctx: CoreContext, found: Installed) -> None:
    await put(ctx, found)
    if found.plugin is not None:
        await put_kinds(ctx, found.plugin)


async def _is_on(ctx: CoreContext, row: PluginRow) -> bool:
    """Whether the tenant has the plugin on, by itself or as everybody has."""
    return row.enabled or await ctx.unit.fetchrow(_EVERYWHERE, row.plugin) is not None


async def _used_row(ctx: CoreContext, plugin_id: str) -> PluginRow | None:
    """The tenant's row of the plugin; what it is for everybody where the tenant has none, and
    ``None`` where nobody switched it on."""
    rows = await plugin_rows(ctx.unit, ctx.tenant.id)
    everywhere = await ctx.unit.fetchrow(_EVERYWHERE, plugin_id)
    if plugin_id in rows or everywhere is None:
        return rows.get(plugin_id)
    return PluginRow(plugin_id, version=everywhere["version"])


def _plan(platform: "Platform", slug: str, plugin_id: str, row: PluginRow | None) -> UpgradePlan:
    platform.host.require_available(plugin_id)
    found = platform.host.get(plugin_id)
    if row is None:
        raise NotFound("PLUGIN_NOT_USED", plugin=plugin_id, tenant=slug)
    reached = row.data_version or row.version
    version = found.manifest.version if found.manifest else reached or "0"
    if reached and Version(version) < Version(reached):
        raise Conflict("PLUGIN_DATA_NEWER", plugin=plugin_id, version=version, reached=reached)
    typed = declared(found)
    to_settings = typed.version if typed is not None else row.settings.version
    settings = (row.settings.version, to_settings)
    return UpgradePlan(
        slug, plugin_id, reached, version, *settings, pending_upgrades(found, reached)
    )
