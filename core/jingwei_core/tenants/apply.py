"""Applying a package (应用租户数据包): the tenant becomes what it says, or nothing happens.

Running it again changes nothing. Rows that people entered are left alone; what left the package is
taken out of use and never deleted, because events refer to it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from piccolo.columns import JSON, JSONB

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData, qualified
from jingwei_core.database.unit import Unit
from jingwei_core.platform import Platform
from jingwei_core.plugins.deployment import bring_in
from jingwei_core.plugins.switching import switch_plugin
from jingwei_core.session import CoreContext, system_context
from jingwei_core.tenants.desired import desired_sections
from jingwei_core.tenants.difference import Identities, TableDifference, difference
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_core.tenants.place_paths import add_paths
from jingwei_core.tenants.workflow_versions import WorkflowChange, apply_workflows, new_versions
from jingwei_core.workflows.tenant_check import require_fitting
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Invalid, NotFound
from jingwei_sdk.tables import columns_of


@dataclass(frozen=True, slots=True)
class TenantDifference:
    """The tenant's own row: whether it is new, and old and new value of what changes in it."""

    is_new: bool
    changed: Mapping[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What applying did or, for a dry run, would do: counts by table."""

    slug: str
    tenant: TenantDifference
    tables: tuple[TableDifference, ...]
    workflows: tuple[WorkflowChange, ...]
    plugins: tuple[tuple[str, bool], ...]

    @property
    def is_new(self) -> bool:
        """Whether the tenant was not there before."""
        return self.tenant.is_new

    @property
    def is_empty(self) -> bool:
        """Whether the tenant is already as the package says."""
        own = self.is_new or self.tenant.changed
        written = any(not table.is_empty for table in self.tables)
        return not (own or written or self.workflows or self.plugins)


async def apply_package(
    platform: Platform, package: TenantPackage, *, dry_run: bool = False
) -> Outcome:
    """Bring the tenant to its package in one transaction; a dry run only compares.

    Raises ``Invalid``: ``PACKAGE_PLUGIN_UNKNOWN``, ``PACKAGE_PLACE_MOVED``, ``PACKAGE_SLUG_TAKEN``,
    ``WorkflowInvalid`` when a workflow does not fit what the tenant then is; whatever is raised,
    nothing was applied.
    """
    _check_plugins(platform, package)
    try:
        async with platform.database.platform() as unit:
            own = await _put_tenant(unit, package, dry_run=dry_run)
            if dry_run:
                async with platform.database.unit(package.tenant.id) as inner:
                    return await _compare(platform, inner, package, own)
            platform.forget()
            async with system_context(platform, tenant_of(package), "tenant.apply") as ctx:
                return await _apply(ctx, package, own)
    finally:
        platform.forget()


def tenant_of(package: TenantPackage) -> Tenant:
    """The tenant that a package describes."""
    info = package.tenant
    return Tenant(info.id, info.slug, info.name_zh, ZoneInfo(info.timezone))


def _check_plugins(platform: Platform, package: TenantPackage) -> None:
    for row in package.plugins:
        try:
            platform.host.get(row.id)
        except NotFound as error:
            raise Invalid(
                "PACKAGE_PLUGIN_UNKNOWN", file="plugins.toml", field="id", plugin=row.id
            ) from error


async def _put_tenant(unit: Unit, package: TenantPackage, *, dry_run: bool) -> TenantDifference:
    """Store the tenant's row, unless it is a dry run; what is new in it."""
    info = package.tenant
    row = await unit.fetchrow(
        "SELECT slug, name, timezone, package_version, limits::text FROM platform.tenant"
        " WHERE id = $1",
        info.id,
    )
    taken = await unit.fetchval("SELECT id FROM platform.tenant WHERE slug = $1", info.slug)
    if taken not in (None, info.id) or (row is not None and row["slug"] != info.slug):
        raise Invalid("PACKAGE_SLUG_TAKEN", file="tenant.toml", field="tenant.id", slug=info.slug)
    wanted = {
        "name": info.name_zh,
        "timezone": info.timezone,
        "package_version": info.version,
        "limits": json.dumps(info.limits.stated(), sort_keys=True),
    }
    found = dict(row) if row is not None else wanted
    # The server spells its JSON in an order of its own.
    found["limits"] = json.dumps(json.loads(found["limits"]), sort_keys=True)
    changed = {name: (found[name], value) for name, value in wanted.items() if found[name] != value}
    if row is None and not dry_run:
        await unit.execute(
            "INSERT INTO platform.tenant (id, slug, name, timezone, package_version, limits)"
            " VALUES ($1, $2, $3, $4, $5, $6)",
            info.id,
            info.slug,
            *wanted.values(),
        )
    elif changed and not dry_run:
        await unit.execute(
            "UPDATE platform.tenant SET name = $2, timezone = $3, package_version = $4,"
            " limits = $5, updated_at = now() WHERE id = $1",
            info.id,
            *wanted.values(),
        )
    return TenantDifference(row is None, changed)


async def _compare(
    platform: Platform, unit: Unit, package: TenantPackage, own: TenantDifference
) -> Outcome:
    today = platform.clock.now().astimezone(ZoneInfo(package.tenant.timezone)).date()
    tables = await _differences(unit, package, today)
    return Outcome(
        package.tenant.slug,
        own,
        tuple(tables),
        tuple(await new_versions(unit, package)),
        tuple(await _plugin_changes(unit, package)),
    )


async def _apply(ctx: CoreContext, package: TenantPackage, own: TenantDifference) -> Outcome:
    assert isinstance(ctx.data, UnitData)
    found = await _compare(ctx.platform, ctx.unit, package, own)
    if found.is_empty:
        return found
    if own.changed:
        before = {name: old for name, (old, _) in own.changed.items()}
        after = {name: new for name, (_, new) in own.changed.items()}
        ctx.data.changes.append(Change("tenant", package.tenant.id, before, after, None))
    for table in found.tables:
        await _write(ctx, table)
    await apply_workflows(ctx, found.workflows)
    if own.is_new:
        # First, for its own plugins may stand on those that everybody has.
        await bring_in(ctx)
    settings = {row.id: row.settings for row in package.plugins}
    for plugin_id, enabled in found.plugins:
        await switch_plugin(ctx, plugin_id, enabled=enabled, settings=settings[plugin_id])
    await require_fitting(ctx, {row.code for row in package.workflows})
    await append_audit(ctx, "tenant.apply", package.tenant.id)
    return found


async def _differences(unit: Unit, package: TenantPackage, today: date) -> list[TableDifference]:
    ids = Identities()
    tables = []
    for section in desired_sections(package, today):
        table = await difference(unit, section, ids)
        if section.name == "place":
            await add_paths(unit, table)
        tables.append(table)
    return tables


async def _write(ctx: CoreContext, table: TableDifference) -> None:
    """Write one table's difference. Added rows go in one batch and are told in the audit log by
    their number and keys; changes are told row by row."""
    target = table.section.table
    if table.added:
        await _insert_all(ctx, table)
    for old, changes in table.changed.values():
        await ctx.data.update(target(**_writable(target, old)), **changes)
    for old in table.gone.values():
        row = target(**_writable(target, old))
        if table.section.gone is None:
            await ctx.data.delete(row)
        else:
            await ctx.data.update(row, **table.section.gone)


async def _insert_all(ctx: CoreContext, table: TableDifference) -> None:
    assert isinstance(ctx.data, UnitData)
    target = table.section.table
    columns = {column._meta.name: column for column in columns_of(target)}
    names = sorted({name for row in table.added.values() for name in row})
    rows = [
        [_stored(columns[name], row.get(name)) for name in names] for row in table.added.values()
    ]
    await _insert_batch(ctx, qualified(target), names, rows)
    keys = [" ".join(str(part) for part in key) for key in table.added]
    added = {"added": len(keys), "keys": keys if len(keys) <= 200 else [keys[0], "…", keys[-1]]}
    ctx.data.changes.append(Change(table.section.name, ctx.tenant.id, None, added, None))


async def _insert_batch(
    ctx: CoreContext, target: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    listed = ", ".join(f'"{name}"' for name in names)
    marks = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    await ctx.unit.executemany(f"INSERT INTO {target} ({listed}) VALUES ({marks})", rows)


async def _plugin_changes(unit: Unit, package: TenantPackage) -> list[tuple[str, bool]]:
    rows = await unit.fetch(
        "SELECT plugin_id, enabled, settings FROM platform.plugin_state WHERE tenant_id = $1",
        package.tenant.id,
    )
    stored = {row["plugin_id"]: (row["enabled"], json.loads(row["settings"])) for row in rows}
    return [
        (row.id, row.is_enabled)
        for row in package.plugins
        if stored.get(row.id, (False, {})) != (row.is_enabled, dict(row.settings))
    ]


def _writable(target: Any, values: Any) -> dict[str, Any]:
    return {column._meta.name: values[column._meta.name] for column in columns_of(target)}


def _stored(column: Any, value: Any) -> Any:
    if value is not None and isinstance(column, (JSON, JSONB)):
        return json.dumps(value, ensure_ascii=False)
    return value
