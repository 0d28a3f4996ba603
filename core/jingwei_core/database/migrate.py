"""The migration runner (迁移): all packages in one order, in one transaction, or not at all.

The lock against a second process, the roles, each migration that has not run, the finaliser and the
bookkeeping are one transaction. A failure anywhere leaves the database as it was.
"""

import asyncio
import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import Any

import asyncpg
from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from jingwei_core.database.embedded import ADMIN_ROLE
from jingwei_core.database.engine import connect, direct_unit
from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.identifiers import quoted
from jingwei_core.database.migration_files import (
    MigrationApp,
    MigrationFile,
    files_of,
    ordered,
)
from jingwei_core.database.roles import ensure_roles
from jingwei_core.database.security import secure
from jingwei_core.database.security_rules import rules_for
from jingwei_core.database.unit import Unit
from jingwei_core.database.urls import (
    EMBEDDED_DATABASE,
    app_password,
    is_embedded,
    owner_url,
    with_credentials,
    with_database,
)
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError, Unavailable

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('jingwei.migrate', 0))"
# A migration that waits behind a long transaction blocks everybody behind itself.
_LIMITS = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'"
_BOOKKEEPING = """
CREATE SCHEMA IF NOT EXISTS platform;
CREATE TABLE IF NOT EXISTS platform.migration (
    app text NOT NULL,
    id text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (app, id)
)
"""


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What a run did: migrations by id, roles made, statements of the finaliser."""

    applied: tuple[str, ...]
    roles: tuple[str, ...]
    secured: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration and when it ran (ISO 8601), ``None`` if it is still to run."""

    app: str
    id: str
    applied_at: str | None


async def migrate(settings: Settings, apps: Iterable[MigrationApp]) -> MigrationReport:
    """Bring the database up to date; a second process waits and then finds nothing to do.

    Raises ``MigrationRefused`` (``MIGRATION_FAILED``, ``MIGRATION_CHANGED``, ``MIGRATION_MISSING``
    and those of ``migration_files``) or ``Unavailable``; then nothing has changed.
    """
    order = ordered(apps)
    files = [file for app in order for file in files_of(app)]
    url = await _existing_database(settings)
    # Roles belong to the whole server: runs in two databases may still meet there.
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(_met_another), stop=stop_after_attempt(8), wait=wait_random(0, 0.5)
    ):
        with attempt:
            return await _run(settings, url, order, files)
    raise AssertionError  # AsyncRetrying returns or raises


async def migration_status(
    settings: Settings, apps: Iterable[MigrationApp]
) -> list[MigrationStatus]:
    """Every migration of the installed packages, in order, with the time it ran."""
    files = [file for app in ordered(apps) for file in files_of(app)]
    async with direct_unit(await _existing_database(settings), _LIMITS) as unit:
        applied = await _applied(unit)
    return [
        MigrationStatus(f.app, f.id, a["applied_at"].isoformat() if a else None)
        for f in files
        for a in [applied.get((f.app, f.id))]
    ]


async def _run(
    settings: Settings, url: str, order: list[MigrationApp], files: list[MigrationFile]
) -> MigrationReport:
    password = await _password_to_set(settings, url)
    async with direct_unit(url, _LIMITS) as unit:
        await unit.execute(_LOCK)
        roles = await ensure_roles(unit, settings, password)
        await unit.execute(f"SET LOCAL ROLE {quoted(settings.owner_role)}")
        await unit.execute("SET LOCAL app.maintenance = 'on'")
        await unit.execute(_BOOKKEEPING)
        todo = _pending(order, files, await _applied(unit))
        for file in todo:
            await _apply(unit, file, settings.app_role)
        tables = [table for app in order for table in app.tables]
        records = [record for app in order for record in app.records]
        rules = rules_for(settings, tables, [app.name for app in order], records)
        secured = await secure(unit, rules)
    return MigrationReport(tuple(file.id for file in todo), tuple(roles), tuple(secured))


async def _apply(unit: Unit, file: MigrationFile, app_role: str) -> None:
    try:
        if file.path.suffix == ".sql":
            sql = file.path.read_text(encoding="utf-8")
            await unit.execute(sql.replace("{app}", quoted(app_role)))
        else:
            await _run_piccolo(file)
        await unit.execute(
            "INSERT INTO platform.migration (app, id, checksum) VALUES ($1, $2, $3)",
            file.app,
            file.id,
            file.checksum,
        )
    except JingweiError:
        raise
    except Exception as error:
        raise MigrationRefused(
            "MIGRATION_FAILED", app=file.app, file=file.path.name, cause=str(error) or repr(error)
        ) from error


async def _run_piccolo(file: MigrationFile) -> None:
    module: Any = file.load()
    manager = await module.forwards()
    if isinstance(manager, MigrationManager):
        if manager.app_name != file.app:
            raise MigrationRefused(
                "MIGRATION_OF_ANOTHER_APP",
                app=file.app,
                file=file.path.name,
                other=manager.app_name,
            )
        with redirect_stdout(io.StringIO()):
            await manager.run()


def _pending(
    order: list[MigrationApp],
    files: list[MigrationFile],
    applied: dict[tuple[str, str], asyncpg.Record],
) -> list[MigrationFile]:
    known = {(file.app, file.id): file for file in files}
    installed = {app.name for app in order}
    for key, row in applied.items():
        file = known.get(key)
        # A package that was removed keeps its tables and its history.
        if file is None and key[0] in installed:
            raise MigrationRefused("MIGRATION_MISSING", app=key[0], migration=key[1])
        if file is not None and file.checksum != row["checksum"]:
            raise MigrationRefused("MIGRATION_CHANGED", app=key[0], file=file.path.name)
    return [file for file in files if (file.app, file.id) not in applied]


async def _applied(unit: Unit) -> dict[tuple[str, str], asyncpg.Record]:
    if await unit.fetchval("SELECT to_regclass('platform.migration') IS NULL"):
        return {}
    rows = await unit.fetch("SELECT app, id, checksum, applied_at FROM platform.migration")
    return {(row["app"], row["id"]): row for row in rows}


async def _existing_database(settings: Settings) -> str:
    """The owner's URL; the embedded server's database is made at first use."""

    url = await asyncio.to_thread(owner_url, settings)
    if not is_embedded(settings):
        return url
    connection = await connect(with_database(url, "postgres"), settings.connect_timeout_s)
    try:
        found = await connection.fetchval(
            "SELECT true FROM pg_database WHERE datname = $1", EMBEDDED_DATABASE
        )
        if not found:
            await connection.execute(f"CREATE DATABASE {EMBEDDED_DATABASE} OWNER {ADMIN_ROLE}")
    except (asyncpg.DuplicateDatabaseError, asyncpg.UniqueViolationError):
        pass  # another process was faster
    finally:
        await connection.close()
    return url


async def _password_to_set(settings: Settings, url: str) -> str | None:
    """The application's password, or ``None`` if it can log in already or has a URL of its own."""
    if settings.app_database_url is not None:
        return None
    password = app_password(settings)
    try:
        connection = await connect(with_credentials(url, settings.app_role, password))
    except Unavailable:
        return password
    await connection.close()
    return None


def _met_another(error: BaseException) -> bool:
    if isinstance(error, asyncpg.UniqueViolationError | asyncpg.DuplicateObjectError):
        return "pg_authid" in str(error) or "already exists" in str(error)
    return isinstance(error, asyncpg.InternalServerError) and "concurrently" in str(error)
