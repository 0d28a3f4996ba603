"""Migrations per plugin — runner: unique file names, advisory lock, row in same transaction.

Each plugin's part stands or falls by itself: one that fails leaves nothing, says why, and costs
nobody else's migrations. Deeper tests of the runner are in ``tests/core/database``.
"""

import asyncio
import json
import sys
from pathlib import Path

import asyncpg
import pytest
from piccolo.columns import Text

from jingwei_core.cli import db
from jingwei_core.database.drift import problems
from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.settings import Settings
from jingwei_sdk.tables import TenantTable
from tests.fixtures.command_line import CommandLine
from tests.servers.databases import environment

STAMP = "2026_11_22t00_00_00"
TENANT_TABLE = "(tenant_id uuid NOT NULL, id uuid NOT NULL, name text NOT NULL)"


class Twice(TenantTable, tablename="berth", schema="crowded"):
    """A key that the rows of the migration do not keep."""

    UNIQUE = (("name",),)

    name = Text(default=None, null=False)


def plugin(folder: Path, name: str, *requires: str, **files: str) -> MigrationApp:
    """A plugin with migrations of plain SQL, by topic."""
    place = folder / name
    place.mkdir(exist_ok=True)
    for topic, sql in files.items():
        (place / f"{name}_{STAMP}_{topic}.sql").write_text(sql, encoding="utf-8")
    return MigrationApp(name, place, (), ("core", *requires), plugin=name.replace("_", "-"))


def harbour(folder: Path, name: str, *requires: str) -> MigrationApp:
    """A plugin that works."""
    made = f"CREATE SCHEMA {name}; CREATE TABLE {name}.berth {TENANT_TABLE}"
    return plugin(folder, name, *requires, initial=made)


async def read(settings: Settings, sql: str, *args: object) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(sql, *args)]
    finally:
        await connection.close()


async def state_of(settings: Settings) -> dict[str, object]:
    """What the run left: schemas of the plugins here, their rows, their faults by id."""
    own = (
        "('alpha', 'beta', 'broken', 'copied', 'crowded', 'leaning', 'lonely', 'ending', 'tied',"
        " 'omega')"
    )
    schemas = await read(settings, f"SELECT nspname FROM pg_namespace WHERE nspname IN {own}")
    rows = await read(settings, f"SELECT app, id FROM platform.migration WHERE app IN {own}")
    faults = await read(
        settings, "SELECT plugin_id, split_part(reason, ' ', 1) FROM platform.plugin_fault"
    )
    return {
        "schemas": sorted(str(name) for (name,) in schemas),
        "rows": sorted(str(app) for app, _ in rows),
        "faults": dict(faults),
    }


def copied(folder: Path) -> MigrationApp:
    """A plugin with a file of another one's name: whose it is could not be told by it."""
    place = folder / "copied"
    place.mkdir()
    (place / f"alpha_{STAMP}_initial.sql").write_text("CREATE SCHEMA copied", encoding="utf-8")
    return MigrationApp("copied", place, (), ("core",), plugin="copied")


def faulty_and_sound(folder: Path) -> list[MigrationApp]:
    """Two plugins that work among seven that do not, each for a reason of its own."""
    crowded = plugin(
        folder,
        "crowded",
        initial=f"CREATE SCHEMA crowded; CREATE TABLE crowded.berth {TENANT_TABLE};"
        "INSERT INTO crowded.berth SELECT '01890000-0000-7000-8000-000000000000', core.uuid7(), 'a'"
        " FROM generate_series(1, 2)",
    )
    return [
        # What it sets for itself is not what the next one finds.
        plugin(
            folder,
            "alpha",
            initial=f"CREATE SCHEMA alpha; CREATE TABLE alpha.berth {TENANT_TABLE};"
            "SET LOCAL search_path = alpha; SET LOCAL app.maintenance = 'off'; RESET ROLE",
        ),
        plugin(
            folder,
            "broken",
            a_first=f"CREATE SCHEMA broken; CREATE TABLE broken.berth {TENANT_TABLE}",
            b_second="ALTER TABLE broken.nowhere ADD COLUMN x int",
        ),
        harbour(folder, "leaning", "broken"),
        harbour(folder, "lonely", "not_installed"),
        MigrationApp("crowded", crowded.folder, (Twice,), ("core",), plugin="crowded"),
        plugin(
            folder,
            "tied",
            initial=f"CREATE SCHEMA tied; CREATE TABLE tied.berth {TENANT_TABLE};"
            "ALTER TABLE tied.berth ADD FOREIGN KEY (tenant_id, id)"
            " REFERENCES core.organisation (tenant_id, id)",
        ),
        copied(folder),
        plugin(folder, "ending", initial="CREATE SCHEMA ending; COMMIT; SELECT 1"),
        harbour(folder, "omega", "alpha"),
    ]


FAULTS = {
    "broken": "MIGRATION_FAILED",
    "copied": "MIGRATION_NAME",
    "crowded": "MIGRATION_RULES_FAILED",
    "ending": "MIGRATION_ENDS_TRANSACTION",
    "leaning": "APP_REQUIREMENT_OFF",
    "lonely": "APP_REQUIREMENT_MISSING",
    "tied": "MIGRATION_KEY_OUT",
}


@pytest.mark.commit
async def test_a_faulty_plugin_is_left_out_and_everybody_else_is_applied(
    settings: Settings, tmp_path: Path, jingwei: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    apps = [*installed_apps(), *faulty_and_sound(tmp_path)]
    monkeypatch.setattr(db, "installed_apps", lambda: apps)

    told = await jingwei(settings, "db", "migrate", "--json")

    assert told.code == 1
    said = json.loads(told.out)
    assert said["applied"] == [f"alpha_{STAMP}_initial", f"omega_{STAMP}_initial"]
    assert {each["plugin"]: each["reason"].split()[0] for each in said["faults"]} == FAULTS
    assert await state_of(settings) == {
        "schemas": ["alpha", "omega"],
        "rows": ["alpha", "omega"],
        "faults": FAULTS,
    }
    # The tables of those that work are secured as if the faulty ones were not there.
    assert await read(
        settings,
        "SELECT relname, relrowsecurity, relforcerowsecurity FROM pg_class"
        " WHERE oid IN ('alpha.berth'::regclass, 'omega.berth'::regclass)",
    ) == [("berth", True, True), ("berth", True, True)]
    assert await read(
        settings,
        "SELECT DISTINCT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'omega'",
    ) == [(settings.owner_role,)]
    check = await jingwei(settings, "db", "check")
    assert "plugin left out: lonely: APP_REQUIREMENT_MISSING" in check.out

    # Mended, it runs as if nothing had been; the fault is gone.
    (tmp_path / "broken" / f"broken_{STAMP}_b_second.sql").write_text("SELECT 1")
    again = json.loads((await jingwei(settings, "db", "migrate", "--json")).out)
    assert again["applied"] == [
        f"broken_{STAMP}_a_first",
        f"broken_{STAMP}_b_second",
        f"leaning_{STAMP}_initial",
    ]
    left = "copied crowded ending lonely tied"
    assert sorted((await state_of(settings))["faults"]) == left.split()


@pytest.mark.commit
async def test_a_changed_or_missing_file_is_the_plugins_fault_alone(
    settings: Settings, tmp_path: Path
) -> None:
    alpha, beta = harbour(tmp_path, "alpha"), harbour(tmp_path, "beta")
    await migrate(settings, [*installed_apps(), alpha, beta])
    file = next(alpha.folder.iterdir())
    was = file.read_text()
    for spoil, code in ((was + "\n-- changed", "MIGRATION_CHANGED"), (None, "MIGRATION_MISSING")):
        if spoil is None:
            file.unlink()
        else:
            file.write_text(spoil)
        later = plugin(tmp_path, "beta", **{code.lower(): "SELECT 1"})
        report = await migrate(settings, [*installed_apps(), alpha, later])
        assert report.applied == (f"beta_{STAMP}_{code.lower()}",)
        assert [(fault.plugin, fault.error.code) for fault in report.faults] == [("alpha", code)]
        assert (await state_of(settings))["faults"] == {"alpha": code}
    # Its rows and its table are still there, and still nobody's but the tenant's.
    assert (await state_of(settings))["rows"].count("alpha") == 1
    assert await read(
        settings, "SELECT relforcerowsecurity FROM pg_class WHERE oid = 'alpha.berth'::regclass"
    ) == [(True,)]
    # A file that carries no name of its own never runs.
    (alpha.folder / "0001_initial.sql").write_text("SELECT 1")
    (alpha.folder / "initial.py").write_text("ID = '1'")
    report = await migrate(settings, [*installed_apps(), alpha, later])
    assert [fault.error.code for fault in report.faults] == ["MIGRATION_NAME"]
    # What the platform itself cannot do without still stops the run.
    own = MigrationApp("alpha", alpha.folder)
    with pytest.raises(MigrationRefused):
        await migrate(settings, [*installed_apps(), own])


async def test_processes_at_once_wait_for_one_another_and_apply_each_once(empty: Settings) -> None:
    command = (sys.executable, "-m", "jingwei_core.cli.main", "db", "migrate", "--json")
    started = [
        await asyncio.create_subprocess_exec(
            *command, env=environment(empty), stdout=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    outputs = [(await process.communicate())[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    counts = sorted(len(json.loads(out)["applied"]) for out in outputs)
    rows = await read(empty, "SELECT count(*), count(DISTINCT (app, id)) FROM platform.migration")
    assert counts[0] == 0
    assert rows == [(counts[1], counts[1])]
    assert await problems(empty, installed_apps()) == []
