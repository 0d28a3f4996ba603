"""The finaliser: after the migrations, every table gets what tenancy needs; run again, nothing.

For each tenant table: ``PRIMARY KEY (tenant_id, id)``, forced row security and its policies, exact
grants, composite foreign keys with indexes, the place trigger, kept counts. Plugin authors write
none of it.
"""

from collections.abc import Callable, Iterator

from jingwei_core.database.identifiers import column_list, qualified, quoted
from jingwei_core.database.security_catalogue import TableState, read_tables
from jingwei_core.database.security_indexes import (
    PLACE,
    PLACE_COLUMNS,
    missing_indexes,
    superfluous_indexes,
)
from jingwei_core.database.security_rules import PLATFORM_WRITES, Rules, policy_sql, shortened
from jingwei_core.database.unit import Unit
from jingwei_core.rollups.installing import rollup_statements


async def secure(unit: Unit, rules: Rules) -> list[str]:
    """Bring every table to its rules, in the caller's transaction as the owner.

    Returns the statements that were needed: an empty list if nothing had to change.
    """
    done: list[str] = []
    for step in _steps():
        # Read anew for each step: a foreign key needs the key that the step before has made.
        tables = await read_tables(unit, rules.schemas)
        for sql in step(rules, tables):
            await unit.execute(sql)
            done.append(sql)
    for rest in (_schema_grants, _rollups):
        for sql in await rest(unit, rules):
            await unit.execute(sql)
            done.append(sql)
    return done


async def needed_statements(unit: Unit, rules: Rules) -> list[str]:
    """What :func:`secure` would run first, without running it: empty where all is right."""
    tables = await read_tables(unit, rules.schemas)
    needed = [sql for step in _steps() for sql in step(rules, tables)]
    return [*needed, *await _schema_grants(unit, rules), *await _rollups(unit, rules)]


def _steps() -> tuple[Callable[[Rules, list[TableState]], Iterator[str]], ...]:
    return (
        *(_primary_keys, _isolation, _references),
        *(missing_indexes, superfluous_indexes, _places, _table_grants),
    )


async def _rollups(unit: Unit, rules: Rules) -> list[str]:
    return await rollup_statements(unit, rules.sources, rules.app)


def _tenant_tables(tables: list[TableState]) -> list[TableState]:
    return [table for table in tables if table.is_tenant_table]


def _primary_keys(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    for table in _tenant_tables(tables):
        name = qualified(*table.key)
        if has_composite_key(table) or "id" not in table.columns:
            continue
        old = table.primary_key_name
        drop = f"DROP CONSTRAINT {quoted(old)}, " if old else ""
        rest = tuple(c for c in table.primary_key if c not in ("tenant_id", "id"))
        columns = column_list(("tenant_id", "id", *rest))
        key = quoted(old or shortened(f"{table.name}_pkey"))
        yield f"ALTER TABLE {name} {drop}ADD CONSTRAINT {key} PRIMARY KEY ({columns})"


def _isolation(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    wanted = rules.policies()
    for table in _tenant_tables(tables):
        name = qualified(*table.key)
        if not (table.row_security and table.forced):
            yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
        for policy in table.policies:
            if policy not in wanted:
                yield f"DROP POLICY {quoted(policy.name)} ON {name}"
        for policy in wanted:
            if policy not in table.policies:
                yield policy_sql(table, policy)


def _references(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    by_key = {table.key: table for table in tables}
    for reference in rules.references:
        table = by_key.get(reference.table)
        if table is None or reference.target not in by_key:
            continue
        present = {key.name: key for key in table.foreign_keys}.get(reference.state.name)
        if present is not None and present != reference.state:
            yield f"ALTER TABLE {qualified(*table.key)} DROP CONSTRAINT {quoted(present.name)}"
        if present != reference.state:
            yield reference.sql
    for choice in rules.choices:
        table = by_key.get(choice.table)
        if table is None or choice.name in table.checks:
            continue
        for old in sorted(table.checks):
            if old.startswith(f"{choice.prefix}_") and len(old) == len(choice.name):
                yield f"ALTER TABLE {qualified(*table.key)} DROP CONSTRAINT {quoted(old)}"
        yield choice.sql


def _places(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    for table in _tenant_tables(tables):
        name = qualified(*table.key)
        if table.key == PLACE:
            yield from _byte_order(table, "path")
            if "place_path_moved" not in table.triggers:
                yield (
                    f"CREATE TRIGGER place_path_moved AFTER UPDATE ON {name}"
                    " REFERENCING OLD TABLE AS old_places NEW TABLE AS new_places"
                    " FOR EACH STATEMENT EXECUTE FUNCTION core.move_place_paths()"
                )
            continue
        yield from _byte_order(table, "place_path")
        if table.columns.keys() >= PLACE_COLUMNS and "place_path" not in table.triggers:
            yield (
                f"CREATE TRIGGER place_path BEFORE INSERT OR UPDATE OF place_id, place_path"
                f" ON {name} FOR EACH ROW EXECUTE FUNCTION core.set_place_path()"
            )


def _byte_order(table: TableState, column: str) -> Iterator[str]:
    # Subtrees are ranges of bytes; under a language's order '/' and digits sort otherwise.
    if column in table.columns and table.collations[column] != "C":
        name = qualified(*table.key)
        yield f'ALTER TABLE {name} ALTER COLUMN {quoted(column)} TYPE text COLLATE "C"'


def _table_grants(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    for table in tables:
        name = qualified(*table.key)
        wanted = rules.grants(table)
        for role in sorted({*table.grants, *wanted} - {table.owner}):
            have = table.grants.get(role, frozenset())
            want = wanted.get(role, frozenset())
            grantee = "PUBLIC" if role == "public" else quoted(role)
            if have - want:
                yield f"REVOKE {', '.join(sorted(have - want))} ON {name} FROM {grantee}"
            if want - have:
                yield f"GRANT {', '.join(sorted(want - have))} ON {name} TO {grantee}"


async def _schema_grants(unit: Unit, rules: Rules) -> list[str]:
    """Use of schemas and sequences, and the columns of the platform's tables that may change."""
    usage = await unit.fetch(
        "SELECT n.nspname::text AS schema, r.role FROM pg_namespace n, unnest($2::text[]) r(role)"
        " WHERE n.nspname = ANY($1) AND NOT has_schema_privilege(r.role, n.oid, 'USAGE')",
        list(rules.schemas),
        [rules.app, rules.ops],
    )
    sequences = await unit.fetch(
        "SELECT n.nspname::text AS schema, c.relname::text AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1)"
        " AND CASE WHEN c.relkind = 'S' THEN NOT has_sequence_privilege($2, c.oid, 'USAGE') END",
        list(rules.schemas),
        rules.app,
    )
    columns = await unit.fetch(
        "SELECT w.table_name, w.column_name FROM unnest($1::text[], $2::text[])"
        " AS w(table_name, column_name) WHERE NOT has_column_privilege("
        "$3, format('platform.%I', w.table_name), w.column_name, 'UPDATE')",
        [table for table, names in PLATFORM_WRITES.items() for _ in names],
        [name for names in PLATFORM_WRITES.values() for name in names],
        rules.app,
    )
    app = quoted(rules.app)
    return [
        *(f"GRANT USAGE ON SCHEMA {quoted(r['schema'])} TO {quoted(r['role'])}" for r in usage),
        *(
            f"GRANT USAGE, SELECT ON SEQUENCE {qualified(r['schema'], r['name'])} TO {app}"
            for r in sequences
        ),
        *(
            f"GRANT UPDATE ({quoted(r['column_name'])})"
            f" ON {qualified('platform', r['table_name'])} TO {app}"
            for r in columns
        ),
    ]


def has_composite_key(table: TableState) -> bool:
    """Whether the table's key begins with the tenant and, if it has an id, holds it next."""
    if "id" in table.columns:
        return table.primary_key[:2] == ("tenant_id", "id")
    return table.primary_key[:1] == ("tenant_id",)
