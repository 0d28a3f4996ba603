import uuid

import asyncpg
import pytest

from jingwei_core.database import Database
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.security import secure
from jingwei_core.database.security_check import violations
from jingwei_core.database.security_rules import Rules, rules_for
from jingwei_core.settings import Settings
from tests.tenants.listing import list_tenant

OURS, NEIGHBOUR = uuid.UUID(int=1), uuid.UUID(int=2)
PLACE = (
    "INSERT INTO core.place (tenant_id, parent, level, ordinal, path, name, valid_from)"
    " VALUES ($1, $2, 'grid', $3, $4, 'x', '2026-01-01') RETURNING id"
)
ORGANISATION = (
    "INSERT INTO core.organisation (tenant_id, name, place_id, place_path)"
    " VALUES ($1, 'x', $2, '/forged/') RETURNING place_path"
)


def rules(settings: Settings) -> Rules:
    apps = installed_apps()
    tables = [table for app in apps for table in app.tables]
    records = [record for app in apps for record in app.records]
    return rules_for(settings, tables, [app.name for app in apps], records)


async def test_a_row_cannot_point_into_another_tenant(database: Database):
    async with database.unit(NEIGHBOUR) as unit:
        theirs = await unit.fetchval(PLACE, NEIGHBOUR, None, 1, "/1/")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.unit(OURS) as unit:
            await unit.fetchval(PLACE, OURS, theirs, 1, "/1/")
    async with database.unit(OURS) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place") == 0


async def test_a_place_of_another_tenant_is_no_place(database: Database):
    async with database.unit(NEIGHBOUR) as unit:
        theirs = await unit.fetchval(PLACE, NEIGHBOUR, None, 1, "/1/")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.unit(OURS) as unit:
            await unit.fetchval(ORGANISATION, OURS, theirs)


async def test_the_path_comes_from_the_place_and_moves_with_it(database: Database):
    async with database.unit(OURS) as unit:
        street = await unit.fetchval(PLACE, OURS, None, 1, "/1/")
        grid = await unit.fetchval(PLACE, OURS, street, 2, "/1/2/")
        assert await unit.fetchval(ORGANISATION, OURS, grid) == "/1/2/"
        await unit.execute("UPDATE core.organisation SET place_path = '/forged/'")
        assert await unit.fetchval("SELECT place_path FROM core.organisation") == "/1/2/"
        await unit.execute("UPDATE core.place SET path = '/9' || path")
        assert await unit.fetchval("SELECT place_path FROM core.organisation") == "/9/1/2/"
        await unit.execute("UPDATE core.organisation SET place_id = $1", street)
        assert await unit.fetchval("SELECT place_path FROM core.organisation") == "/9/1/"


async def test_a_subtree_is_a_range_of_bytes(database: Database):
    async with database.unit(OURS) as unit:
        for ordinal, path in enumerate(("/a/", "/a/1/", "/a/z/", "/a0/", "/a1/", "/ab/")):
            await unit.fetchval(PLACE, OURS, None, ordinal, path)
        rows = await unit.fetch(
            "SELECT path FROM core.place WHERE path >= $1 AND path < left($1, -1) || '0'"
            " ORDER BY path",
            "/a/",
        )
    assert [row["path"] for row in rows] == ["/a/", "/a/1/", "/a/z/"]


async def test_identifiers_made_by_the_database_are_version_7_and_grow(database: Database):
    async with database.unit(OURS) as unit:
        first = await unit.fetchval("SELECT core.uuid7()")
        await unit.execute("SELECT pg_sleep(0.002)")
        second = await unit.fetchval("SELECT core.uuid7()")
    assert (first.version, second.version) == (7, 7)
    assert first.variant == uuid.RFC_4122
    assert first < second


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE platform.tenant SET slug = 'x'",
        "DELETE FROM platform.tenant",
        "INSERT INTO platform.migration VALUES ('a', 'b', 'c')",
        "UPDATE platform.plugin_epoch SET epoch = 0",
        "TRUNCATE core.event",
        "ALTER TABLE core.event DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE core.mine (a int)",
        "DELETE FROM core.audit_entry",
        "UPDATE core.audit_entry SET command = 'x'",
    ],
)
async def test_the_application_may_not(database: Database, sql: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.unit(OURS) as unit:
            await unit.execute(sql)


@pytest.mark.parametrize("role", ["owner", "ops"])
async def test_the_application_cannot_become_another_role(database: Database, role: str):
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.platform() as unit:
            await unit.execute(f"SET ROLE {database.settings.role_prefix}_{role}")


async def test_switching_a_plugin_counts_up_the_epoch(database: Database):
    async with database.platform() as unit:
        await list_tenant(unit, "ours", ("probe",), tenant_id=OURS)
        await unit.execute("UPDATE platform.plugin_state SET enabled = false")
        assert await unit.fetchval("SELECT epoch FROM platform.plugin_epoch") == 2


@pytest.mark.commit
async def test_the_finaliser_finds_nothing_to_do_the_second_time(
    database: Database, settings: Settings
):
    async with database.owner() as unit:
        assert await secure(unit, rules(settings)) == []
        assert await violations(unit, rules(settings)) == []


@pytest.mark.commit
async def test_maintenance_reaches_every_tenant_only_when_switched_on(database: Database):
    for tenant in (OURS, NEIGHBOUR):
        async with database.unit(tenant) as unit:
            await unit.fetchval(PLACE, tenant, None, 1, "/1/")
    async with database.owner() as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place") == 2
        await unit.execute("SET LOCAL app.maintenance = 'off'")
        await unit.execute(f"SET LOCAL app.tenant = '{OURS}'")
        assert await unit.fetchval("SELECT count(*) FROM core.place") == 1


BREACHES = [
    ("ALTER TABLE core.event NO FORCE ROW LEVEL SECURITY", 'missing: ALTER TABLE "core"."event"'),
    ("DROP POLICY jingwei_tenant ON core.event", "missing: CREATE POLICY jingwei_tenant"),
    ("CREATE POLICY open ON core.event USING (true)", 'missing: DROP POLICY "open"'),
    ("DROP INDEX core.organisation_tenant_id_created_at_id_idx", "missing: CREATE INDEX"),
    ("GRANT TRUNCATE ON core.event TO {app}", "missing: REVOKE TRUNCATE"),
    (
        "GRANT SELECT ON core.event TO PUBLIC",
        'missing: REVOKE SELECT ON "core"."event" FROM PUBLIC',
    ),
    ("GRANT UPDATE ON core.audit_entry TO {app}", "missing: REVOKE UPDATE"),
    ("DROP TRIGGER place_path ON core.event", "missing: CREATE TRIGGER place_path"),
    ("ALTER TABLE core.place DROP CONSTRAINT place_parent_tenant_fk", "missing: ALTER TABLE"),
    ("CREATE TABLE core.bare (a int)", "core.bare: no tenant_id, so no tenant can use it"),
    (
        "ALTER TABLE core.event_step ADD CONSTRAINT loose FOREIGN KEY (event)"
        " REFERENCES core.once (id)",
        "core.event_step: loose could point into another tenant",
    ),
    (
        "CREATE VIEW core.peep AS SELECT * FROM core.event; GRANT SELECT ON core.peep TO {app}",
        "core.peep: a view that shows every tenant's rows",
    ),
    (
        "CREATE FUNCTION core.leak() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'",
        "core.leak: a function that runs with its owner's rights",
    ),
    ("ALTER TABLE core.event OWNER TO {app}", "core.event: owned by the application"),
]


@pytest.mark.parametrize(("sql", "line"), BREACHES)
async def test_a_breach_is_found(kept_database: Database, sql: str, line: str):
    settings = kept_database.settings
    async with kept_database.owner() as unit:
        await unit.execute("SAVEPOINT before; RESET ROLE")
        await unit.execute("CREATE TABLE core.once (id uuid PRIMARY KEY)")
        await unit.execute(sql.format(app=settings.app_role))
        found = await violations(unit, rules(settings))
        await unit.execute("ROLLBACK TO before")
    assert [entry for entry in found if entry.startswith(line)]


async def test_rows_that_name_nothing_are_in_no_index_of_the_reference(kept_database: Database):
    """An index of all rows, as there was before, gives way to one of those that name somebody."""
    about = (
        "SELECT pg_get_expr(x.indpred, x.indrelid) FROM pg_index x JOIN pg_attribute a"
        " ON a.attrelid = x.indrelid AND a.attnum = x.indkey[1] AND a.attname = 'found_by'"
        " WHERE x.indrelid = 'core.event'::regclass"
    )
    async with kept_database.owner() as unit:
        await unit.execute("SAVEPOINT before")
        was = "event_tenant_id_found_by_idx ON core.event (tenant_id, found_by)"
        await unit.execute(f"CREATE INDEX {was}")
        await secure(unit, rules(kept_database.settings))
        found = [row[0] for row in await unit.fetch(about)]
        again = await secure(unit, rules(kept_database.settings))
        await unit.execute("ROLLBACK TO before")
    assert found == ["(found_by IS NOT NULL)"]
    assert again == []


async def test_an_index_that_another_serves_is_taken_away(kept_database: Database):
    made = {
        "organisation_address": "(address)",
        "organisation_name": "(name)",
        "organisation_tenant_id_name_idx": "(tenant_id, name)",
    }
    found = "SELECT indexname::text FROM pg_indexes WHERE indexname = ANY($1)"
    async with kept_database.owner() as unit:
        await unit.execute("SAVEPOINT before")
        for name, columns in made.items():
            await unit.execute(f"CREATE INDEX {name} ON core.organisation {columns}")
        await secure(unit, rules(kept_database.settings))
        kept = [row["indexname"] for row in await unit.fetch(found, list(made))]
        again = await secure(unit, rules(kept_database.settings))
        await unit.execute("ROLLBACK TO before")
    # Nobody declares the first one, so it is its maker's.
    assert kept == ["organisation_address"]
    assert again == []
