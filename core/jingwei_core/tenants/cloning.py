"""Cloning a tenant (复制租户): its configuration in a new one, without people and what happened.

Each table says what becomes of its rows (:class:`jingwei_sdk.data_rights.CloneRule`); without a
rule, those of ``IS_SMALL`` tables are copied. Rows keep their ids, since a key begins with the
tenant. A reference to a row that is not copied is emptied; where the column must be filled, the
whole table is left out. Secrets are sealed anew. The plugins that are on hear ``on_plugin_enabled``
as in any tenant in which they are switched on.
"""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

import asyncpg

from jingwei_core.database.identifiers import qualified, quoted
from jingwei_core.database.security_rules import table_key
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.contributing.fitting import require_fit_by_name
from jingwei_core.plugins.deployment import on_everywhere
from jingwei_core.plugins.hooks import enabling_jobs
from jingwei_core.plugins.plugin_rows import PluginRow, plugin_rows, store_row
from jingwei_core.plugins.sealing import TenantVault
from jingwei_core.session import system_context
from jingwei_sdk.errors import Conflict, Invalid, NotFound
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import CoreRef, TenantTable, columns_of

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

Table = type[TenantTable]
_NEW = """
INSERT INTO platform.tenant (id, slug, name, timezone, limits)
SELECT $1, $2, $3, timezone, limits FROM platform.tenant WHERE id = $4
"""
_AUDIT = (
    "SELECT core.audit_note(now(), 'system', NULL, 'tenant.clone', 'tenant.clone', '', $1, NULL,"
    " $2)"
)


@dataclass(frozen=True, slots=True)
class Cloned:
    """A new tenant: its id, rows by table, its plugins, and plugins whose tables nobody can copy
    because their code is not installed."""

    tenant: uuid.UUID
    rows: Mapping[str, int]
    plugins: tuple[str, ...]
    left_out: tuple[str, ...]


async def clone_tenant(platform: "Platform", source: str, slug: str, name: str) -> Cloned:
    """Make a tenant ``slug`` with the configuration of ``source``, in one transaction as the owner.

    Raises ``NotFound`` (``TENANT_NOT_FOUND``), ``Conflict`` (``TENANT_SLUG_TAKEN``), ``Invalid``
    (``TENANT_SLUG``) for a name that cannot be in an address; ``Conflict``
    (``PLUGIN_WORKFLOW_UNFIT``) naming the plugin whose workflows cannot work in the copy.
    """
    async with platform.database.owner() as unit:
        old = await unit.fetchval("SELECT id FROM platform.tenant WHERE slug = $1", source)
        if old is None:
            raise NotFound("TENANT_NOT_FOUND", tenant=source)
        work = _Clone(platform, unit, old, uuid.uuid4())
        await work.make(slug, name)
        used, everywhere = await plugin_rows(unit, old), await on_everywhere(unit)
        plugins, left_out = work.answering({*used, *everywhere})
        by_record = _tables_by_record([platform.host.core, *plugins])
        copied = _in_order(copied_tables([platform.host.core, *plugins], by_record))
        # Triggers and defaults of the new rows are those of the new tenant.
        await unit.execute("SELECT set_config('app.tenant', $1, true)", str(work.new))
        tables = {table_key(table) for table in copied}
        rows = {
            ".".join(table_key(table)): await work.copy(table, tables, by_record)
            for table in copied
        }
        await work.plugins(used)
        enabled = {row.plugin for row in used.values() if row.enabled} | everywhere
        await platform.queue.add(unit, work.new, enabling_jobs(platform, enabled))
        await work.audit(source)
        await work.require_fit(sorted(enabled))
    platform.forget()
    return Cloned(work.new, rows, tuple(sorted(used)), left_out)


@dataclass(frozen=True, slots=True)
class _Clone:
    platform: "Platform"
    unit: Unit
    old: uuid.UUID
    new: uuid.UUID

    async def make(self, slug: str, name: str) -> None:
        try:
            await self.unit.execute(_NEW, self.new, slug, name, self.old)
        except asyncpg.UniqueViolationError as error:
            raise Conflict("TENANT_SLUG_TAKEN", tenant=slug) from error
        except asyncpg.CheckViolationError as error:
            raise Invalid("TENANT_SLUG", field="slug", tenant=slug) from error

    def answering(self, used: Collection[str]) -> tuple[list[Plugin], tuple[str, ...]]:
        """The plugins that the tenant may have rows of, and those whose code is not here."""
        known = {found.id: found.plugin for found in self.platform.host.installed()}
        plugins = [plugin for each in used if (plugin := known.get(each)) is not None]
        return plugins, tuple(sorted(each for each in used if known.get(each) is None))

    async def copy(
        self, table: Table, copied: set[tuple[str, str]], by_record: Mapping[str, tuple[str, str]]
    ) -> int:
        """Copy the rows of one table; how many."""
        names, values = [], []
        for column in columns_of(table):
            own = quoted(column._meta.db_column_name)
            if column._meta.name == "tenant_id":
                continue
            names.append(own)
            target = _target(column, by_record)
            values.append(f"t.{own}" if target is None or target in copied else "NULL")
        source = qualified(*table_key(table))
        tag = await self.unit.execute(
            f"INSERT INTO {source} (tenant_id, {', '.join(names)})"
            f" SELECT $2, {', '.join(values)} FROM {source} t WHERE t.tenant_id = $1",
            self.old,
            self.new,
        )
        return int(tag.rpartition(" ")[2])

    async def plugins(self, used: Mapping[str, PluginRow]) -> None:
        """The same plugins with the same settings, secrets sealed for the new tenant."""
        before = TenantVault(self.platform.vault, self.old)
        after = TenantVault(self.platform.vault, self.new)
        for row in used.values():
            sealed = {
                name: after.seal(row.plugin, name, before.open(row.plugin, name, text))
                for name, text in row.settings.sealed.items()
            }
            moved = replace(row, settings=replace(row.settings, sealed=sealed))
            await store_row(self.unit, self.new, moved)

    async def audit(self, source: str) -> None:
        change = {"table": "tenant", "id": str(self.new), "before": None, "after": {"of": source}}
        # The place of the entry is looked up in the bound tenant alone.
        await self.unit.execute("SET LOCAL app.maintenance = 'off'")
        await self.unit.execute(_AUDIT, self.new, json.dumps([change]))

    async def require_fit(self, plugin_ids: Iterable[str]) -> None:
        """What the source's workflows name may have gone since they were put there, and what is not
        copied is not there. Only rows of the new tenant are in sight by now."""
        tenant = (await self.platform.tenant_by_id(self.new)).tenant
        async with system_context(self.platform, tenant, "tenant.clone") as ctx:
            await require_fit_by_name(ctx, plugin_ids)


def copied_tables(
    plugins: Iterable[Plugin], by_record: Mapping[str, tuple[str, str]]
) -> list[Table]:
    """The tables whose rows are copied, by their rule or because they are configuration; none that
    needs rows of a table that is not."""
    found = [table for plugin in plugins for table in plugin.tables if _is_copied(plugin, table)]
    while True:
        there = {table_key(table) for table in found}
        kept = [table for table in found if _needed(table, by_record) <= there]
        if kept == found:
            return found
        found = kept


def _needed(table: Table, by_record: Mapping[str, tuple[str, str]]) -> set[tuple[str, str]]:
    """The tables without a row of which this one can have none."""
    targets = {
        _target(column, by_record)
        for column in columns_of(table)
        if not column._meta.params["null"]
    }
    return {target for target in targets if target is not None}


def _is_copied(plugin: Plugin, table: Table) -> bool:
    rule = next((rule.rows for rule in plugin.clone_rules if rule.table is table), None)
    return table.IS_SMALL if rule is None else rule == "copy"


def _in_order(tables: list[Table]) -> list[Table]:
    """Each table after those that it refers to."""
    by_key = {table_key(table): table for table in tables}
    needs = {
        key: {
            target
            for column in table._meta.foreign_key_columns
            if (target := table_key(column._foreign_key_meta.resolved_references)) in by_key
            and target != key
        }
        for key, table in by_key.items()
    }
    return [by_key[key] for key in TopologicalSorter(needs).static_order()]


def _tables_by_record(plugins: Iterable[Plugin]) -> dict[str, tuple[str, str]]:
    return {record.name: table_key(record.table) for plugin in plugins for record in plugin.records}


def _target(column: object, by_record: Mapping[str, tuple[str, str]]) -> tuple[str, str] | None:
    """The table that a column refers to; ``None`` for a value of its own."""
    if isinstance(column, CoreRef):
        return by_record.get(column.target)
    meta = getattr(column, "_foreign_key_meta", None)
    return table_key(meta.resolved_references) if meta is not None else None
