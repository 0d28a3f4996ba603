"""A database that commits: these tests start processes that must see it."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import open_database
from jingwei_core.settings import Settings
from tests.core.jobs.cities import CHANGZHI, SLUGS, Cities
from tests.servers.databases import NewDatabase

_PROOF = """
CREATE SCHEMA proof;
CREATE TABLE proof.mark (id bigserial PRIMARY KEY, tenant_id uuid NOT NULL, note text NOT NULL);
CREATE SEQUENCE proof.tries;
GRANT USAGE ON SCHEMA proof TO {app};
GRANT INSERT ON proof.mark TO {app};
GRANT USAGE ON SEQUENCE proof.mark_id_seq, proof.tries TO {app};
"""


@pytest.fixture(scope="session")
async def jobs_settings(new_database: NewDatabase) -> AsyncIterator[Settings]:
    """A database with two cities and the tables of these tests."""
    async with new_database() as settings:
        async with open_database(settings) as database, database.owner() as unit:
            await unit.execute(_PROOF.replace("{app}", settings.app_role))
            await unit.executemany(
                "INSERT INTO platform.tenant (id, slug, name, timezone)"
                " VALUES ($1, $2, $2, 'Asia/Shanghai')",
                list(SLUGS.items()),
            )
        yield settings


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
