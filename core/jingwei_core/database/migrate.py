"""The migration runner (迁移): all packages in one order, in one transaction.

The lock against a second process, the roles, each migration that has not run, the finaliser and the
bookkeeping are one transaction. A failure of the platform's or the core's part leaves the database
as it was. A plugin's part is a savepoint of its own: what fails there leaves nothing of that
plugin, is kept in ``platform.plugin_fault``, and everybody else's migrations run.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt, wait_random

from jingwei_core.database.embedded import ADMIN_ROLE
from jingwei_core.database.engine import connect, direct_unit
from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.identifiers import quoted
from jingwei_core.database.migration_faults import keep_faults, transaction_of
from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.database.migration_plan import Applied, MigrationFault, Plan, planned
from jingwei_core.database.migration_run import MigrationRun, met_another
from jingwei_core.database.roles import ensure_roles
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
from jingwei_sdk.errors import Unavailable

MIGRATION_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('jingwei.migrate', 0))"
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
    """What a run did: migrations by id, roles made, statements of the finaliser; ``faults`` are
    the plugins that are left as they were."""

    applied: tuple[str, ...]
    roles: tuple[str, ...]
    secured: tuple[str, ...]
    faults: tuple[MigrationFault, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """One migration and when it ran (ISO 8601), ``None`` if it is still to run."""

    app: str
    id: str
    applied_at: str | None


async def migrate(settings: Settings, apps: Iterable[MigrationApp]) -> MigrationReport:
    """Bring the database up to date; a second process waits and then finds nothing to do.

    Raises ``MigrationRefused`` (``MIGRATION_FAILED``, ``MIGRATION_CHANGED``, ``MIGRATION_MISSING``
    and those of ``migration_files``) or ``Unavailable``; then nothing has changed. The same faults
    of a plugin are in the report instead, and the rest has run.
    """
    plan = planned(apps)
    url = await _existing_database(settings)
    # Roles belong to the whole server: runs in two databases may still meet there.
    async for attempt in AsyncRetrying(
        retry=retry_if_exception(met_another), stop=stop_after_attempt(8), wait=wait_random(0, 0.5)
    ):
        with attempt:
            return await _run(settings, url, plan)
    raise AssertionError  # AsyncRetrying returns or raises


async def migration_status(
    settings: Settings, apps: Iterable[MigrationApp]
) -> list[MigrationStatus]:
    """Every migration of the installed packages, in order, with the time it ran.

    Plugins whose migrations cannot be read are left out: :func:`migration_faults` says why.
    """
    files = [file for each in planned(apps).apps for file in each.files]
    async with direct_unit(await _existing_database(settings), _LIMITS) as unit:
        applied = await _applied(unit)
    return [
        MigrationStatus(f.app, f.id, a["applied_at"].isoformat() if a else None)
        for f in files
        for a in [applied.get((f.app, f.id))]
    ]


async def migration_faults(
    settings: Settings, apps: Iterable[MigrationApp]
) -> tuple[MigrationFault, ...]:
    """The plugins whose migrations cannot run, as far as that can be seen without running them."""
    plan = planned(apps)
    async with direct_unit(await _existing_database(settings), _LIMITS) as unit:
        plan = _fitting(plan, await _applied(unit))
    return plan.faults


async def _run(settings: Settings, url: str, plan: Plan) -> MigrationReport:
    password = await _password_to_set(settings, url)
    async with direct_unit(url, _LIMITS) as unit:
        await unit.execute(MIGRATION_LOCK)
        roles = await ensure_roles(unit, settings, password)
        await unit.execute(f"SET LOCAL ROLE {quoted(settings.owner_role)}")
        await unit.execute("SET LOCAL app.maintenance = 'on'")
        await unit.execute(_BOOKKEEPING)
        run = MigrationRun(unit, settings, await _applied(unit), await transaction_of(unit))
        plan, secured = await run.all_of(_fitting(plan, run.applied))
        await keep_faults(unit, plan.faults)
    names = [file.id for each in plan.apps for file in each.pending(run.applied)]
    return MigrationReport(tuple(names), tuple(roles), tuple(secured), plan.faults)


def _fitting(plan: Plan, applied: Applied) -> Plan:
    """The plan without the plugins whose files are not those that ran; of the rest it raises."""
    for each in plan.apps:
        try:
            each.pending(applied)
        except MigrationRefused as error:
            if not each.app.plugin:
                raise
            plan = plan.without(MigrationFault(each.app.plugin, each.app.name, error))
    return plan


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
