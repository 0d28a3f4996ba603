"""A database that commits, and a street whose people go on leave."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform
from tests.core.events.frozen_platform import frozen_platform
from tests.core.workforce.street import Street, build_street
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def workforce_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def platform(workforce_database: Database) -> Platform:
    return frozen_platform(workforce_database)


@pytest.fixture
async def street(platform: Platform) -> Street:
    """The tenant under test; each test has its own."""
    return await build_street(platform)


@pytest.fixture
async def neighbour(platform: Platform) -> Street:
    """The tenant next door, with the same codes."""
    return await build_street(platform)
