"""What in the database breaks the rules of tenancy, told as a list; empty is right."""

from jingwei_core.database.security import has_composite_key, needed_statements
from jingwei_core.database.security_catalogue import TableState, read_tables
from jingwei_core.database.security_rules import Rules
from jingwei_core.database.unit import Unit
from jingwei_core.rollups.installing import trusted_functions

# Functions that run as the owner; each is written here and keeps to the bound tenant.
TRUSTED_FUNCTIONS = (
    *("core.audit_append", "core.move_place_paths", "core.rollup_waiting"),
    *("platform.plugins_changed", "platform.deployment_changed"),
)


async def violations(unit: Unit, rules: Rules) -> list[str]:
    """Every breach of the rules, one line for each.

    Row security not forced, keys or references without the tenant, grants too wide or too narrow,
    objects owned by the application, roles too powerful, views and functions that see everything.
    """
    tables = await read_tables(unit, rules.schemas)
    found = [f"missing: {sql}" for sql in await needed_statements(unit, rules)]
    for table in tables:
        found += _table_breaches(table, rules)
    found += await _role_breaches(unit, rules)
    found += await _object_breaches(unit, rules)
    return found


def _table_breaches(table: TableState, rules: Rules) -> list[str]:
    name = f"{table.schema}.{table.name}"
    found = []
    if table.owner != rules.owner:
        found.append(f"{name}: owned by {table.owner}, not by {rules.owner}")
    if table.schema in ("platform", "jobs"):
        return found
    if not table.is_tenant_table:
        found.append(f"{name}: no tenant_id, so no tenant can use it")
    elif not has_composite_key(table):
        found.append(f"{name}: its key does not begin with tenant_id")
    return found + [
        f"{name}: {key.name} could point into another tenant"
        for key in table.foreign_keys
        if "tenant_id" in table.columns and key.columns[0] != "tenant_id"
    ]


async def _role_breaches(unit: Unit, rules: Rules) -> list[str]:
    rows = await unit.fetch(
        "SELECT rolname::text AS name, rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb"
        " OR rolreplication AS powerful, rolcanlogin AS login,"
        " ARRAY(SELECT g.rolname::text FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid"
        " WHERE m.member = r.oid) AS memberships FROM pg_roles r WHERE rolname = ANY($1)",
        [rules.app, rules.owner, rules.ops],
    )
    by_name = {row["name"]: row for row in rows}
    found = [
        f"role {n} is missing" for n in (rules.app, rules.owner, rules.ops) if n not in by_name
    ]
    app = by_name.get(rules.app)
    if app is not None and app["powerful"]:
        found.append(f"role {rules.app} has rights beyond logging in")
    if app is not None and app["memberships"]:
        found.append(f"role {rules.app} is a member of {', '.join(app['memberships'])}")
    owner = by_name.get(rules.owner)
    if owner is not None and (owner["login"] or owner["powerful"]):
        found.append(f"role {rules.owner} must neither log in nor have rights beyond owning")
    return found


async def _object_breaches(unit: Unit, rules: Rules) -> list[str]:
    owned = await unit.fetch(
        "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE pg_get_userbyid(c.relowner) = $1"
        " AND c.relpersistence <> 't'"
        " UNION SELECT nspname::text FROM pg_namespace"
        " WHERE pg_get_userbyid(nspowner) = $1 AND nspname NOT LIKE 'pg_%'"
        " UNION SELECT n.nspname || '.' || p.proname || '()' FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE pg_get_userbyid(p.proowner) = $1",
        rules.app,
    )
    views = await unit.fetch(
        "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ANY($1)"
        " AND has_table_privilege($2, c.oid, 'SELECT') AND (c.relkind = 'm' OR c.relkind = 'v'"
        " AND NOT coalesce(c.reloptions, '{}')"
        " && ARRAY['security_invoker=true', 'security_invoker=on'])",
        list(rules.schemas),
        rules.app,
    )
    functions = await unit.fetch(
        "SELECT n.nspname || '.' || p.proname AS name FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY($1) AND p.prosecdef"
        " AND n.nspname <> 'jobs' AND NOT n.nspname || '.' || p.proname = ANY($2)",
        list(rules.schemas),
        [*TRUSTED_FUNCTIONS, *trusted_functions(rules.sources)],
    )
    return [
        *(f"{row['name']}: owned by the application" for row in owned),
        *(f"{row['name']}: a view that shows every tenant's rows" for row in views),
        *(f"{row['name']}: a function that runs with its owner's rights" for row in functions),
    ]
