import asyncio
from pathlib import Path

import asyncpg
import pytest
from piccolo.columns import Text

from jingwei_core.database import MigrationRefused
from jingwei_core.database.drift import problems
from jingwei_core.database.migrate import migrate, migration_status
from jingwei_core.database.migration_apps import installed_apps, platform_app
from jingwei_core.database.migration_files import MigrationApp, files_of, ordered
from jingwei_core.database.migration_new import new_migration, undeclared_changes
from jingwei_core.settings import Settings
from jingwei_sdk.tables import TenantTable

STAMP = "2026_11_22t00_00_00"


class Wharf(TenantTable, tablename="wharf", schema="alpha"):
    """码头: a table of a plugin that only these tests have."""

    UNIQUE = (("name",),)

    name = Text(default=None, null=False)


class WharfWithDepth(TenantTable, tablename="wharf", schema="alpha"):
    """The same table after its class was changed and no migration was written."""

    UNIQUE = (("name",),)

    name = Text(default=None, null=False)
    depth = Text(default="", null=False)


def sql_app(folder: Path, name: str, *requires: str, **files: str) -> MigrationApp:
    """An app with migrations of plain SQL, by topic."""
    place = folder / name
    place.mkdir(exist_ok=True)
    for topic, sql in files.items():
        (place / f"{name}_{STAMP}_{topic}.sql").write_text(sql)
    return MigrationApp(name, place, (), requires)


async def read(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(settings.database_url)
    try:
        return [tuple(row) for row in await connection.fetch(sql)]
    finally:
        await connection.close()


async def test_everything_installed_migrates_once_and_checks_clean(empty: Settings):
    first = await migrate(empty, installed_apps())
    assert first.applied[0] == f"platform_{STAMP}_initial"
    again = await migrate(empty, installed_apps())
    assert (again.applied, again.roles, again.secured) == ((), (), ())
    assert await problems(empty, installed_apps()) == []
    assert {s.applied_at is None for s in await migration_status(empty, installed_apps())} == {
        False
    }


async def test_processes_that_migrate_at_once_run_each_migration_once(empty: Settings):
    reports = await asyncio.gather(*(migrate(empty, installed_apps()) for _ in range(3)))
    assert sorted(len(report.applied) > 0 for report in reports) == [False, False, True]
    counts = await read(empty, "SELECT count(*), count(DISTINCT (app, id)) FROM platform.migration")
    assert counts[0][0] == counts[0][1] == max(len(report.applied) for report in reports)


async def test_a_failing_migration_leaves_nothing_of_any_package(empty: Settings, tmp_path: Path):
    apps = [
        platform_app(),
        sql_app(
            tmp_path, "alpha", "platform", one="CREATE SCHEMA alpha; CREATE TABLE alpha.t (a int)"
        ),
        sql_app(tmp_path, "beta", "alpha", one="CREATE TABLE nowhere.t (a int)"),
    ]
    with pytest.raises(MigrationRefused) as refusal:
        await migrate(empty, apps)
    assert refusal.value.code == "MIGRATION_FAILED"
    assert refusal.value.file == f"beta_{STAMP}_one.sql"
    left = "SELECT nspname FROM pg_namespace WHERE nspname IN ('alpha', 'platform', 'core')"
    assert await read(empty, left) == []


async def test_requirements_decide_the_order_and_names_the_rest(tmp_path: Path):
    apps = [
        sql_app(tmp_path, "zeta"),
        sql_app(tmp_path, "beta", "zeta"),
        sql_app(tmp_path, "alpha", "beta"),
        sql_app(tmp_path, "gamma", "zeta"),
    ]
    assert [app.name for app in ordered(apps)] == ["zeta", "beta", "gamma", "alpha"]


@pytest.mark.parametrize(
    ("requirements", "code"),
    [
        ({"a": ["b"], "b": ["a"]}, "APP_CYCLE"),
        ({"a": ["nobody"]}, "APP_REQUIREMENT_MISSING"),
        ({"A-b": []}, "APP_NAME_INVALID"),
    ],
)
def test_impossible_orders_are_refused(
    tmp_path: Path, requirements: dict[str, list[str]], code: str
):
    apps = [sql_app(tmp_path, name, *needs) for name, needs in requirements.items()]
    with pytest.raises(MigrationRefused) as refusal:
        ordered(apps)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "name",
    ["0001_initial.py", f"beta_{STAMP}_initial.py", "alpha_initial.py", f"alpha2_{STAMP}.py"],
)
def test_a_file_that_does_not_carry_its_apps_name_is_refused(tmp_path: Path, name: str):
    app = sql_app(tmp_path, "alpha")
    (app.folder / name).write_text("ID = '1'")
    with pytest.raises(MigrationRefused) as refusal:
        files_of(app)
    assert (refusal.value.code, refusal.value.file) == ("MIGRATION_NAME", name)


def test_two_files_of_one_id_are_refused(tmp_path: Path):
    app = sql_app(tmp_path, "alpha")
    for topic in ("one", "two"):
        (app.folder / f"alpha_{STAMP}_{topic}.py").write_text(f"ID = 'same' # {topic}")
    with pytest.raises(MigrationRefused) as refusal:
        files_of(app)
    assert refusal.value.code == "MIGRATION_DUPLICATE"


def test_files_of_one_name_in_two_folders_are_loaded_apart(tmp_path: Path):
    loaded = []
    for folder in ("left", "right"):
        (tmp_path / folder).mkdir()
        app = sql_app(tmp_path / folder, "alpha")
        (app.folder / f"alpha_{STAMP}.py").write_text(f"ID = '{folder}'")
        loaded.append(files_of(app)[0].load().ID)
    assert loaded == ["left", "right"]


async def test_a_migration_changed_after_it_ran_is_refused(empty: Settings, tmp_path: Path):
    app = sql_app(tmp_path, "alpha", "platform", one="CREATE SCHEMA alpha")
    await migrate(empty, [platform_app(), app])
    file = files_of(app)[0].path
    file.write_bytes(file.read_bytes() + b"\r\n")
    with pytest.raises(MigrationRefused) as refusal:
        await migrate(empty, [platform_app(), app])
    assert (refusal.value.code, refusal.value.file) == ("MIGRATION_CHANGED", file.name)
    file.unlink()
    with pytest.raises(MigrationRefused) as missing:
        await migrate(empty, [platform_app(), app])
    assert missing.value.code == "MIGRATION_MISSING"
    assert (await migrate(empty, [platform_app()])).applied == ()


async def test_a_migration_copied_from_another_package_is_refused(empty: Settings, tmp_path: Path):
    original = MigrationApp("alpha", tmp_path / "alpha", (Wharf,), ("platform",))
    written = await new_migration(original, auto=True, topic="initial")
    assert written is not None
    copied = sql_app(tmp_path, "beta", "platform")
    (copied.folder / written.name.replace("alpha", "beta")).write_text(written.read_text())
    with pytest.raises(MigrationRefused) as refusal:
        await migrate(empty, [platform_app(), copied])
    assert refusal.value.code == "MIGRATION_OF_ANOTHER_APP"


async def test_a_plugins_table_gets_all_that_tenancy_needs(empty: Settings, tmp_path: Path):
    app = MigrationApp("alpha", tmp_path / "alpha", (Wharf,), ("platform",))
    path = await new_migration(app, auto=True, topic="initial")
    assert path is not None
    assert path.name.startswith("alpha_2")
    assert path.name.endswith("_initial.py")
    assert await new_migration(app, auto=True, topic="again") is None
    await migrate(empty, [platform_app(), app])
    assert await problems(empty, [platform_app(), app]) == []
    assert await read(
        empty,
        "SELECT relrowsecurity, relforcerowsecurity, pg_get_constraintdef(k.oid) FROM pg_class c"
        " JOIN pg_constraint k ON k.conrelid = c.oid AND k.contype = 'p'"
        " WHERE c.oid = 'alpha.wharf'::regclass",
    ) == [(True, True, "PRIMARY KEY (tenant_id, id)")]


async def test_a_class_without_migration_is_found(empty: Settings, tmp_path: Path):
    app = MigrationApp("alpha", tmp_path / "alpha", (Wharf,), ("platform",))
    await new_migration(app, auto=True, topic="initial")
    await migrate(empty, [platform_app(), app])
    changed = MigrationApp("alpha", app.folder, (WharfWithDepth,), ("platform",))
    assert any("WharfWithDepth" in line for line in await undeclared_changes([changed]))
    found = await problems(empty, [platform_app(), changed])
    assert "alpha.wharf.depth: column is missing" in found


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("ALTER TABLE core.event ADD COLUMN extra int", "core.event.extra: no class declares it"),
        (
            "ALTER TABLE core.event ALTER COLUMN title DROP NOT NULL",
            "core.event.title: NOT NULL is False, the class says True",
        ),
        ("CREATE TABLE core.stray (a int)", "core.stray: no table class declares it"),
        ("DROP TABLE core.place_shape", "core.place_shape: table is missing"),
    ],
)
@pytest.mark.commit
async def test_a_database_changed_by_hand_is_found(settings: Settings, sql: str, line: str):
    assert await problems(settings, installed_apps()) == []
    await read(settings, sql)
    assert line in await problems(settings, installed_apps())


async def test_roles_are_made_once_and_can_log_in(empty: Settings):
    prefix = f"{empty.role_prefix}_other"
    other = empty.model_copy(update={"role_prefix": prefix})
    report = await migrate(other, [platform_app()])
    assert report.roles == (f"{prefix}_owner", f"{prefix}_app", f"{prefix}_ops")
    rows = await read(
        empty,
        "SELECT rolname, rolcanlogin, rolbypassrls, rolsuper FROM pg_roles"
        f" WHERE starts_with(rolname, '{prefix}') ORDER BY 1",
    )
    assert rows == [
        (f"{prefix}_app", True, False, False),
        (f"{prefix}_ops", False, True, False),
        (f"{prefix}_owner", False, False, False),
    ]
    await read(empty, f"DROP OWNED BY {prefix}_owner, {prefix}_app, {prefix}_ops CASCADE")
    await read(empty, f"DROP ROLE {prefix}_owner, {prefix}_app, {prefix}_ops")
