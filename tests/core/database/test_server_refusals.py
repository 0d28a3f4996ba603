"""What an operator is told when a server or a role will not do, and that nothing was made."""

import os
from pathlib import Path

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.database import embedded as embedded_room
from jingwei_core.database import engine as engine_room
from jingwei_core.database import server_account as account_room
from jingwei_core.database import server_binaries as binaries_room
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import connect
from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migration_apps import core_app
from jingwei_core.database.migration_faults import refuse_ended, transaction_of
from jingwei_core.database.migration_files import ordered
from jingwei_core.database.roles import ensure_roles
from jingwei_core.database.urls import app_url, owner_url
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable


async def code_of(what: object) -> str:
    with pytest.raises(Unavailable) as refusal:
        await what  # type: ignore[misc]
    return refusal.value.code


def test_the_applications_url_alone_does_not_make_roles() -> None:
    settings = Settings(database_url=None, app_database_url="postgresql://app@nowhere/db")
    with pytest.raises(Unavailable) as refusal:
        owner_url(settings)
    assert refusal.value.code == "OWNER_URL_MISSING"


def test_a_wheel_without_programs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries_room, "_PACKAGE", "jingwei_sdk")
    with pytest.raises(Unavailable) as refusal:
        binaries_room.find_binaries()
    assert refusal.value.code == "SERVER_BINARIES_MISSING"
    assert refusal.value.params["package"] == "jingwei_sdk"


def test_the_server_runs_as_an_account_that_exists(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(Unavailable) as refusal:
        account_room.choose_account("no-such-account", tmp_path / "none")
    assert refusal.value.code == "SERVER_ACCOUNT_UNKNOWN"
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(Unavailable) as refusal:
        account_room.choose_account(None, tmp_path)
    assert refusal.value.code == "SERVER_FOLDER_FOREIGN"


def test_a_folder_that_cannot_be_made_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(EmbeddedServer, "_check_passable", lambda *_: None)
    (tmp_path / "file").write_text("here already", encoding="utf-8")
    with pytest.raises(Unavailable) as refusal:
        EmbeddedServer(tmp_path / "file" / "database").start()
    assert refusal.value.code == "SERVER_FOLDER_UNUSABLE"
    assert (tmp_path / "file").read_text(encoding="utf-8") == "here already"


async def test_the_application_never_runs_as_a_powerful_role(database: Database) -> None:
    settings = database.settings
    powerful = settings.model_copy(update={"app_database_url": owner_url(settings)})
    opened = open_database(powerful)
    assert await code_of(opened.__aenter__()) == "DATABASE_ROLE_POWERFUL"


async def test_an_old_server_is_refused(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_room, "MINIMUM_VERSION", 990000)
    assert await code_of(open_database(database.settings).__aenter__()) == "DATABASE_TOO_OLD"


async def test_a_wrong_password_is_told_as_such(database: Database) -> None:
    head, _, place = app_url(database.settings).rpartition("@")
    wrong = f"{head.rpartition(':')[0]}:not-it@{place}"
    assert await code_of(connect(wrong)) == "DATABASE_PASSWORD"


async def test_a_migration_that_ended_the_transaction_is_caught(database: Database) -> None:
    async with database.owner() as unit:
        number = await transaction_of(unit)
        await refuse_ended(unit, number, core_app())
        with pytest.raises(MigrationRefused) as refusal:
            await refuse_ended(unit, str(int(number) + 1), core_app())
    assert refusal.value.code == "MIGRATION_ENDED_TRANSACTION"


def test_two_packages_of_one_name_are_refused() -> None:
    with pytest.raises(MigrationRefused) as refusal:
        ordered([core_app(), core_app()])
    assert refusal.value.code == "APP_DUPLICATE"


async def test_a_role_that_may_make_no_roles_is_told_so(database: Database) -> None:
    made = database.settings.model_copy(update={"role_prefix": "another"})
    async with database.owner() as unit:
        before = await unit.fetchval("SELECT count(*) FROM pg_roles")
        await unit.execute(f"SET LOCAL ROLE {database.settings.app_role}")
        savepoint = unit.savepoint()
        with pytest.raises(Unavailable) as refusal:
            async with savepoint:
                await ensure_roles(unit, made, None)
        assert refusal.value.code == "ROLE_RIGHTS_MISSING"
        assert await unit.fetchval("SELECT count(*) FROM pg_roles") == before


def test_a_server_that_cannot_be_made_or_ended_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedServer(tmp_path / "database")
    account = account_room.choose_account(None, server.cluster)
    monkeypatch.setattr(embedded_room, "stop_process", lambda *_, **__: False)
    monkeypatch.setattr(embedded_room, "postmaster", lambda _: os.getpid())
    server.cluster.mkdir(parents=True)
    monkeypatch.setattr(EmbeddedServer, "_check_passable", lambda *_: None)
    with pytest.raises(Unavailable) as refusal:
        server.stop()
    assert refusal.value.code == "SERVER_STOP_FAILED"

    class Broken:
        def program(self, _: str) -> str:
            return "/bin/false"

    with pytest.raises(Unavailable) as refusal:
        server._initialise(Broken(), account, "secret")  # type: ignore[arg-type]
    assert refusal.value.code == "SERVER_START_FAILED"
    assert "secret" not in str(refusal.value)
