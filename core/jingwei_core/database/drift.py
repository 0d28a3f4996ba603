"""Drift (偏差): table classes, migrations and the database must say the same."""

import re
from collections.abc import Iterable
from typing import Any

from piccolo.table import Table

from jingwei_core.database.engine import direct_unit
from jingwei_core.database.identifiers import quoted
from jingwei_core.database.migrate import migration_faults, migration_status
from jingwei_core.database.migration_apps import UNMANAGED
from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.database.migration_new import undeclared_changes
from jingwei_core.database.migration_plan import planned
from jingwei_core.database.security_check import violations
from jingwei_core.database.security_rules import rules_for, table_key
from jingwei_core.database.unit import Unit
from jingwei_core.database.urls import owner_url
from jingwei_core.settings import Settings

_REFERENCES = re.compile(r" REFERENCES .*")
_COLUMNS = """
SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AS required,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS value
FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped
"""


async def problems(settings: Settings, apps: Iterable[MigrationApp]) -> list[str]:
    """Everything that ``jingwei db check`` finds, one line for each; empty is right.

    In this order: plugins whose migrations cannot run, table classes without migration, migrations
    that did not run, columns that differ from the classes, and breaches of tenancy.
    """
    faults = await migration_faults(settings, apps := list(apps))
    found = [f"plugin left out: {fault.plugin}: {fault.reason}" for fault in faults]
    off = {fault.app for fault in faults}
    order = [each.app for each in planned(apps).apps if each.app.name not in off]
    found += [f"no migration: {line}" for line in await undeclared_changes(order)]
    statuses = await migration_status(settings, order)
    waiting = [status for status in statuses if status.applied_at is None]
    found += [f"not applied: {status.id}" for status in waiting]
    if len(waiting) == len(statuses):
        return found
    tables = [table for app in order for table in app.tables]
    records = [record for app in order for record in app.records]
    rules = rules_for(settings, tables, [app.name for app in order], records)
    async with direct_unit(owner_url(settings), "SET TRANSACTION READ WRITE") as unit:
        found += await column_drift(unit, tables)
        found += await undeclared_tables(unit, order)
        found += await violations(unit, rules)
    return found


async def column_drift(unit: Unit, tables: Iterable[type[Table]]) -> list[str]:
    """Columns whose name, type, nullability or default differs from the table class."""
    found = []
    for number, table in enumerate(tables):
        if UNMANAGED in table._meta.tags:
            continue
        schema, name = table_key(table)
        shadow = f"jingwei_shadow_{number}"
        # The database itself says what a declaration means; temporary, so nobody else sees it.
        await unit.execute(f"CREATE TEMPORARY TABLE {shadow} ({_ddl(table)})")
        wanted = await _columns(unit, f"pg_temp.{shadow}")
        await unit.execute(f"DROP TABLE pg_temp.{shadow}")
        present = await _columns(unit, f"{quoted(schema)}.{quoted(name)}")
        if not present:
            found.append(f"{schema}.{name}: table is missing")
            continue
        found += [f"{schema}.{name}.{line}" for line in _compare(wanted, present)]
    return found


async def undeclared_tables(unit: Unit, apps: Iterable[MigrationApp]) -> list[str]:
    """Tables in a package's schema that no table class declares."""
    found = []
    for app in apps:
        if not app.tables:
            continue
        declared = [table_key(table)[1] for table in app.tables]
        rows = await unit.fetch(
            "SELECT c.relname::text AS name FROM pg_class c JOIN pg_namespace n"
            " ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')"
            " AND NOT c.relispartition AND NOT c.relname = ANY($2) ORDER BY 1",
            app.name,
            declared,
        )
        found += [f"{app.name}.{row['name']}: no table class declares it" for row in rows]
    return found


def _ddl(table: type[Table]) -> str:
    # References cannot leave a temporary table; the finaliser's check compares them.
    return ", ".join(_REFERENCES.sub("", column.ddl) for column in table._meta.columns)


async def _columns(unit: Unit, relation: str) -> dict[str, Any]:
    return {row["name"]: row for row in await unit.fetch(_COLUMNS, relation)}


def _compare(wanted: dict[str, Any], present: dict[str, Any]) -> list[str]:
    lines = [f"{name}: column is missing" for name in wanted.keys() - present.keys()]
    lines += [f"{name}: no class declares it" for name in present.keys() - wanted.keys()]
    for name in wanted.keys() & present.keys():
        for attribute, label in (("type", "type"), ("required", "NOT NULL"), ("value", "default")):
            want, have = wanted[name][attribute], present[name][attribute]
            if want != have:
                lines.append(f"{name}: {label} is {have}, the class says {want}")
    return sorted(lines)
