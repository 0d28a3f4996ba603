"""A database of these tests' own: they commit, and start processes that must see it."""

import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from jingwei_core.database import open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import connect
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import with_database
from jingwei_core.settings import Settings
from tests.core.jobs.cities import CHANGZHI, SLUGS, Cities
from tests.servers.processes import memory_folder

_PROOF = """
CREATE SCHEMA proof;
CREATE TABLE proof.mark (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, note text NOT NULL);
CREATE SEQUENCE proof.tries;
GRANT USAGE ON SCHEMA proof TO {app};
GRANT INSERT ON proof.mark TO {app};
GRANT USAGE ON SEQUENCE proof.mark_id_seq, proof.tries TO {app};
"""


@pytest.fixture(scope="session")
def jobs_server_url() -> Iterator[str]:
    """A server that may be written to: the one the run was given, or one for these tests."""
    given = os.environ.get("JINGWEI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with memory_folder("jobs") as folder, ExitStack() as stack:
        folder.chmod(0o711)
        server = EmbeddedServer(folder / "postgres")
        stack.callback(server.stop)
        yield server.start().url()


@pytest.fixture(scope="session")
async def jobs_settings(
    jobs_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """A migrated database with a name of its own; gone at the end."""
    name = f"jobs_{secrets.token_hex(4)}"
    folder: Path = tmp_path_factory.mktemp("jobs")
    settings = Settings(
        database_url=with_database(jobs_server_url, name), data_dir=folder, role_prefix=name
    )
    admin = await connect(jobs_server_url)
    try:
        await admin.execute(f"CREATE DATABASE {name}")
        await prepare(settings)
        yield settings
    finally:
        await admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for role in (settings.app_role, settings.ops_role, settings.owner_role):
            if await admin.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
                await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await admin.close()


async def prepare(settings: Settings) -> None:
    """The platform's and the core's tables, two cities, and the tables of these tests."""
    await migrate(settings, installed_apps([]))
    async with open_database(settings) as database, database.owner() as unit:
        await unit.execute(_PROOF.replace("{app}", settings.app_role))
        await unit.executemany(
            "INSERT INTO platform.tenant (id, slug, name, timezone)"
            " VALUES ($1, $2, $2, 'Asia/Shanghai')",
            list(SLUGS.items()),
        )


@pytest.fixture
async def cities(jobs_settings: Settings) -> AsyncIterator[Cities]:
    """Two active cities, the plugin of these tests enabled in Changzhi, and an empty queue."""
    async with open_database(jobs_settings) as database:
        found = Cities(database)
        async with database.owner() as unit:
            await unit.execute(
                "TRUNCATE jobs.pgqueuer, jobs.pgqueuer_log, jobs.tick, proof.mark,"
                " core.outbox_message, platform.plugin_state RESTART IDENTITY;"
                "UPDATE jobs.virtual_time SET tag = 0; ALTER SEQUENCE proof.tries RESTART;"
                "UPDATE platform.tenant SET status = 'active', timezone = 'Asia/Shanghai';"
            )
            await unit.execute(
                "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
                " VALUES ($1, 'proof-plugin', true)",
                CHANGZHI,
            )
        yield found
