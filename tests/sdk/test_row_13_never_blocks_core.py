"""Row 13: a disabled plugin cannot block core deletes; no hard FK into core, conformance says no.

The declaration is refused before it is registered, plain SQL of a migration before it is kept, and
with the plugin off every row of the core that its rows point at can be removed.
"""

from dataclasses import replace
from pathlib import Path

import pytest
from piccolo.columns import ForeignKey

from jingwei_core.access.tables import Account, Department, Post, Role
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.events.tables import EventKind
from jingwei_core.places.tables import Place
from jingwei_core.plugins.conformance import objection
from jingwei_core.plugins.switching import disable_plugin, enable_plugin
from jingwei_core.registers.tables import Organisation
from jingwei_core.settings import Settings
from jingwei_core.tables import core_tables
from jingwei_sdk.tables import TenantFK, TenantTable
from tests.plugins.lifecycle.ward_book.book import ID, TWO, manifest
from tests.plugins.lifecycle.world import Wards

STAMP = "2026_11_22t00_00_00"
_TIES = """
SELECT k.conname::text AS name FROM pg_constraint k
    JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class t ON t.oid = k.confrelid JOIN pg_namespace o ON o.oid = t.relnamespace
WHERE k.contype = 'f' AND n.nspname <> o.nspname
UNION ALL
SELECT g.tgname::text FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_proc p ON p.oid = g.tgfoid JOIN pg_namespace o ON o.oid = p.pronamespace
WHERE NOT g.tgisinternal AND o.nspname NOT IN ('core', 'platform', 'jobs', n.nspname)
"""


class InTenant(TenantTable, tablename="in_tenant", schema="ward_book"):
    """A key into the core by the platform's own column type."""

    account = TenantFK(Account, null=True)


class Plain(TenantTable, tablename="plain", schema="ward_book"):
    """A key into the core by Piccolo's."""

    organisation = ForeignKey(Organisation, null=True)


@pytest.mark.parametrize("table", [InTenant, Plain])
def test_a_declared_key_into_the_core_is_refused(table: type[TenantTable]) -> None:
    assert objection(TWO, manifest("2.0.0")) == ""
    told = objection(replace(TWO, tables=(*TWO.tables, table)), manifest("2.0.0"))
    assert "is a foreign key out of its schema: use CoreRef" in told


@pytest.mark.commit
@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE tied.note (tenant_id uuid, id uuid, account uuid,"
        " FOREIGN KEY (tenant_id, account) REFERENCES core.account (tenant_id, id))",
        "CREATE TABLE tied.note (tenant_id uuid, id uuid, PRIMARY KEY (tenant_id, id));"
        "ALTER TABLE core.organisation ADD COLUMN note uuid,"
        " ADD FOREIGN KEY (tenant_id, note) REFERENCES tied.note (tenant_id, id)",
        "CREATE FUNCTION tied.never() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'no'; END $$;"
        "CREATE TRIGGER never BEFORE DELETE ON core.account FOR EACH ROW"
        " EXECUTE FUNCTION tied.never()",
    ],
)
async def test_plain_sql_that_ties_the_core_is_undone(
    settings: Settings, tmp_path: Path, sql: str
) -> None:
    (tmp_path / f"tied_{STAMP}.sql").write_text(f"CREATE SCHEMA tied; {sql}", encoding="utf-8")
    app = MigrationApp("tied", tmp_path, (), ("core",), plugin="tied")
    report = await migrate(settings, [*installed_apps(), app])
    assert [fault.error.code for fault in report.faults] == ["MIGRATION_KEY_OUT"]
    assert report.applied == ()


@pytest.mark.commit
async def test_with_the_plugin_off_every_row_it_points_at_can_go(wards: Wards) -> None:
    east = wards.east
    assert await wards.owner(_TIES) == []
    await enable_plugin(east.platform, "east", ID)
    async with east.system() as ctx:
        department = await ctx.data.insert(Department(code="d", name="d", duties=""))
        organisation = await ctx.data.insert(
            Organisation(name="o", search_text="o", place_id=east.place)
        )
        guest = await ctx.data.insert(Account(login="guest", name="guest"))
    # The plugin's rows point at a row of every table of the core, as CoreRefs do: by id alone.
    targets = [guest.id, organisation.id, department.id, east.place, east.keeper]
    for target in targets:
        await east.fetch("INSERT INTO ward_book.call_on (account, topic) VALUES ($1, 'x')", target)
    await disable_plugin(east.platform, "east", ID)

    async with east.system() as ctx:
        for table, row_id in (
            (Account, guest.id),
            (Organisation, organisation.id),
            (Department, department.id),
        ):
            await ctx.data.delete(await ctx.data.get(table, row_id))
        for table in (Post, Role, EventKind):
            for row in await ctx.data.find(table):
                await ctx.data.delete(row)
        await ctx.data.delete(await ctx.data.get(Account, east.keeper))
        await ctx.data.delete(await ctx.data.get(Place, east.place))
    assert await east.value("SELECT count(*) FROM core.account") == 0
    assert await east.value("SELECT count(*) FROM ward_book.call_on") == len(targets)
    # And whatever is not there today: no table of the core is the target of a plugin's key.
    for table in core_tables():
        name = f'"{table._meta.schema}"."{table._meta.tablename}"'
        referring = await wards.owner(
            "SELECT conrelid::regclass::text AS name FROM pg_constraint"
            " WHERE contype = 'f' AND confrelid = to_regclass($1)",
            name,
        )
        assert [row["name"] for row in referring if not row["name"].startswith("core.")] == []
