"""A database that commits, and a street that holds a meeting every week."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform
from tests.core.events.frozen_platform import frozen_platform
from tests.core.meetings.hall import Hall, build_hall
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def meetings_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def platform(meetings_database: Database) -> Platform:
    platform = frozen_platform(meetings_database)
    await platform.store.ensure_ready()
    return platform


@pytest.fixture
async def hall(platform: Platform) -> Hall:
    """The tenant under test; each test has its own."""
    return await build_hall(platform)
