"""Removing a plugin (移除插件) from a deployment: its rows, rights and traces, told before.

It is removed while its package is still installed and nobody has it on, as the owner of the
database, in one transaction. The audit log stays whole and gets an entry in each tenant that had
it; event kinds that events refer to stay, out of use. Installed anew it begins at the beginning.
"""

import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jingwei_core.contribution import core_manifest
from jingwei_core.database.identifiers import qualified, quoted
from jingwei_core.database.migrate import MIGRATION_LOCK
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.migration_plan import planned
from jingwei_core.database.security_rules import rules_for
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.exporting import Exported, export_plugin, tables_in
from jingwei_core.plugins.removal_parts import PARTS
from jingwei_core.reminders.jobs import jobs_of
from jingwei_core.rollups.installing import rollup_statements
from jingwei_sdk.errors import Conflict

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

Counts = Mapping[str, Mapping[str, int]]
"""Rows by tenant, by what they are; rows of nobody under an empty name."""

_SWITCHED_ON = """
SELECT t.slug FROM platform.plugin_state p JOIN platform.tenant t ON t.id = p.tenant_id
WHERE p.plugin_id = $1 AND p.enabled
UNION ALL SELECT '*' FROM platform.plugin_deployment d WHERE d.plugin_id = $1 AND d.enabled
ORDER BY 1
"""
_LOCKED = """
SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '10s';
LOCK TABLE platform.plugin_state, platform.plugin_deployment IN SHARE ROW EXCLUSIVE MODE
"""
_AUDIT = (
    "SELECT core.audit_note(now(), 'system', NULL, 'plugin.remove', 'plugin.remove', '', $1, NULL,"
    " $2)"
)


@dataclass(frozen=True, slots=True)
class RemovalPlan:
    """What a removal takes away: rows of the plugin's tables, and of everybody else's by part.

    Parts whose name ends with ``_kept`` and ``grants`` are changed and not deleted.
    """

    plugin: str
    version: str
    schema: str
    tables: Counts
    parts: Counts

    @property
    def tenants(self) -> list[str]:
        """The tenants that lose something."""
        found = {
            slug for counts in (*self.tables.values(), *self.parts.values()) for slug in counts
        }
        return sorted(found - {""})

    def told(self) -> dict[str, Any]:
        """The plan as plain values."""
        return {
            "plugin": self.plugin,
            "version": self.version,
            "schema": self.schema,
            "tenants": self.tenants,
            "tables": {name: dict(counts) for name, counts in self.tables.items()},
            "parts": {name: dict(counts) for name, counts in self.parts.items() if counts},
        }


async def plan_removal(platform: "Platform", plugin_id: str) -> RemovalPlan:
    """What :func:`remove_plugin` would take away now.

    Raises ``NotFound`` (``PLUGIN_UNKNOWN``), ``Unavailable`` (``OWNER_URL_MISSING``).
    """
    removal = _Removal.of(platform, plugin_id)
    async with platform.database.owner() as unit:
        return await removal.plan(unit)


async def remove_plugin(
    platform: "Platform", plugin_id: str, export: Path | None = None
) -> tuple[RemovalPlan, list[Exported]]:
    """Remove all that the plugin has in the database, after exporting it if a folder is given.

    Raises what :func:`plan_removal` and :func:`export_plugin` raise, and ``Conflict``:
    ``PLUGIN_STILL_ENABLED`` with the tenants that have it on, ``PLUGIN_STILL_NEEDED`` with the
    installed plugins that require it. Then nothing was removed.
    """
    removal = _Removal.of(platform, plugin_id)
    removal.refuse_needed(platform)
    async with platform.database.owner() as unit:
        await removal.refuse_enabled(unit)
        before = await removal.plan(unit)
    exported = [
        await export_plugin(platform, slug, plugin_id, export)
        for slug in before.tenants
        if export is not None
    ]
    async with platform.database.owner() as unit:
        await unit.execute(MIGRATION_LOCK)
        await unit.execute(_LOCKED)
        await removal.refuse_enabled(unit)
        plan = await removal.plan(unit)
        await removal.run(unit, platform)
        await _audit(unit, plan)
    platform.forget()
    return plan, exported


@dataclass(frozen=True, slots=True)
class _Removal:
    plugin: str
    version: str
    schema: str
    codes: tuple[str, ...]
    jobs: tuple[str, ...]

    @classmethod
    def of(cls, platform: "Platform", plugin_id: str) -> "_Removal":
        found = platform.host.get(plugin_id)
        manifest, plugin = found.manifest, found.plugin
        own = {permission.code for permission in manifest.permissions} if manifest else set()
        others = {
            permission.code
            for other in platform.host.installed()
            if other.manifest is not None and other.id != plugin_id
            for permission in other.manifest.permissions
        }
        others |= {permission.code for permission in core_manifest().permissions}
        return cls(
            plugin_id,
            manifest.version if manifest else "",
            plugin_id.replace("-", "_"),
            (*sorted(own), *_wildcards(own, others)),
            tuple(job.name for job in jobs_of(plugin)) if plugin is not None else (),
        )

    def refuse_needed(self, platform: "Platform") -> None:
        needed = sorted(
            other
            for other, needs in platform.host.needs.items()
            if any(need.id == self.plugin and not need.optional for need in needs)
        )
        if needed:
            raise Conflict("PLUGIN_STILL_NEEDED", plugin=self.plugin, by=", ".join(needed))

    async def refuse_enabled(self, unit: Unit) -> None:
        slugs = [row["slug"] for row in await unit.fetch(_SWITCHED_ON, self.plugin)]
        if slugs:
            raise Conflict("PLUGIN_STILL_ENABLED", plugin=self.plugin, tenants=", ".join(slugs))

    async def plan(self, unit: Unit) -> RemovalPlan:
        tables = {
            table: await _counted(
                unit,
                "SELECT n.slug, count(*) AS count FROM"
                f" {qualified(self.schema, table)} t JOIN platform.tenant n ON n.id = t.tenant_id"
                " GROUP BY 1 ORDER BY 1",
            )
            for table in await tables_in(unit, self.schema)
        }
        parts = {part.name: await _counted(unit, part.counting, *self._given) for part in PARTS}
        return RemovalPlan(self.plugin, self.version, self.schema, tables, parts)

    async def run(self, unit: Unit, platform: "Platform") -> None:
        for part in PARTS:
            await unit.execute(part.removing, *self._given)
        await unit.execute(f"DROP SCHEMA IF EXISTS {quoted(self.schema)} CASCADE")
        for sql in await self._rollups(unit, platform):
            await unit.execute(sql)

    async def _rollups(self, unit: Unit, platform: "Platform") -> list[str]:
        """The statements that take away the kept counts of the plugin's records."""
        plugins = [
            found.plugin
            for found in platform.host.installed()
            if found.plugin is not None and found.id != self.plugin
        ]
        rows = await unit.fetch("SELECT app, id, checksum FROM platform.migration")
        applied = {(row["app"], row["id"]): row for row in rows}
        # Those that are not migrated have no tables yet on which anything could be counted.
        there = [
            each.app
            for each in planned(installed_apps(plugins)).apps
            if all((each.app.name, file.id) in applied for file in each.files)
        ]
        records = [record for app in there for record in app.records]
        settings = platform.settings
        sources = rules_for(settings, (), (), records).sources
        return await rollup_statements(unit, sources, settings.app_role)

    @property
    def _given(self) -> tuple[str, list[str], list[str]]:
        return self.plugin, list(self.codes), list(self.jobs)


async def _counted(unit: Unit, sql: str, *args: object) -> dict[str, int]:
    return {row["slug"]: row["count"] for row in await unit.fetch(sql, *args)}


async def _audit(unit: Unit, plan: RemovalPlan) -> None:
    """An entry in the log of each tenant that lost something; it counts rows and quotes none."""
    rows = await unit.fetch(
        "SELECT id, slug FROM platform.tenant WHERE slug = ANY($1)", plan.tenants
    )
    # The place of the entry is looked up in the bound tenant alone.
    await unit.execute("SET LOCAL app.maintenance = 'off'")
    for row in rows:
        tenant: uuid.UUID = row["id"]
        await unit.execute("SELECT set_config('app.tenant', $1, true)", str(tenant))
        before = {
            "plugin": plan.plugin,
            "version": plan.version,
            "rows": _of_tenant(plan.tables, row["slug"]),
            "parts": _of_tenant(plan.parts, row["slug"]),
        }
        change = {"table": "plugin_state", "id": str(tenant), "before": before, "after": None}
        await unit.execute(_AUDIT, tenant, json.dumps([change]))
    await unit.execute("SET LOCAL app.maintenance = 'on'")


def _of_tenant(counts: Counts, slug: str) -> dict[str, int]:
    return {name: found[slug] for name, found in counts.items() if slug in found}


def _wildcards(own: Iterable[str], others: set[str]) -> list[str]:
    """The grants such as ``ward.*`` that cover nothing but permissions of the plugin."""
    found = set()
    for code in own:
        parts = code.split(".")
        found |= {".".join(parts[:size]) for size in range(1, len(parts))}
    return sorted(
        f"{prefix}.*"
        for prefix in found
        if not any(other.startswith(f"{prefix}.") for other in others)
    )
