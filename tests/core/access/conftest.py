"""A database that commits: these tests sign in from many connections at once."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from tests.core.access.world import City, SmallPlatform, build_city
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def access_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def platform(access_database: Database) -> SmallPlatform:
    return SmallPlatform(access_database)


@pytest.fixture
async def city(platform: SmallPlatform) -> City:
    """The tenant under test; each test has its own."""
    return await build_city(platform, "yichang")


@pytest.fixture
async def neighbour(platform: SmallPlatform) -> City:
    """The tenant next door, with places and roles of the same names."""
    return await build_city(platform, "changzhi")
