"""The three database roles (数据库角色): owner, application, operations.

Nobody logs in as the owner: a migration logs in with the URL of the settings and becomes it. The
application logs in with a password derived from the deployment's secret, owns nothing and cannot
pass row security. Operations reads everything, for back-up and support.
"""

import asyncpg

from jingwei_core.database.identifiers import literal, quoted
from jingwei_core.database.unit import Unit
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable


async def ensure_roles(unit: Unit, settings: Settings, password: str | None) -> list[str]:
    """Make the roles that are missing and let the current role become owner and operations.

    ``password`` is set for the application unless ``None``. Returns the names of roles made.
    Raises ``Unavailable`` (``ROLE_RIGHTS_MISSING``) if the URL's role may not do that.
    """
    made = []
    superuser = await unit.fetchval("SELECT current_setting('is_superuser') = 'on'")
    try:
        for role in (settings.owner_role, settings.app_role, settings.ops_role):
            if not await unit.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await _create(unit, role, bypass=role == settings.ops_role)
                made.append(role)
        for role in (settings.owner_role, settings.ops_role):
            # Whoever made a role is its member from PostgreSQL 16 on, but may not become it.
            member = await unit.fetchval("SELECT pg_has_role(current_user, $1, 'MEMBER')", role)
            if not superuser and (role in made or not member):
                await unit.execute(f"GRANT {quoted(role)} TO CURRENT_USER")
        if password is not None:
            await unit.execute(
                f"ALTER ROLE {quoted(settings.app_role)} LOGIN PASSWORD {literal(password)}"
            )
        await _let_owner_create(unit, settings.owner_role)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Unavailable("ROLE_RIGHTS_MISSING", cause=str(error)) from error
    return made


async def _create(unit: Unit, role: str, *, bypass: bool) -> None:
    if bypass:
        try:
            async with unit.savepoint():
                await unit.execute(f"CREATE ROLE {quoted(role)} NOLOGIN BYPASSRLS")
                return
        except asyncpg.InsufficientPrivilegeError:
            # Managed servers keep BYPASSRLS to themselves; a policy of its own then lets it read.
            pass
    await unit.execute(f"CREATE ROLE {quoted(role)} NOLOGIN NOBYPASSRLS NOSUPERUSER")


async def _let_owner_create(unit: Unit, owner: str) -> None:
    database = await unit.fetchval("SELECT current_database()")
    may = await unit.fetchval("SELECT has_database_privilege($1, $2, 'CREATE')", owner, database)
    if not may:
        await unit.execute(f"GRANT CREATE ON DATABASE {quoted(database)} TO {quoted(owner)}")
