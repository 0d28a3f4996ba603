"""A database that commits, and a city whose people are told things."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed
from tests.core.events.frozen_platform import frozen_platform
from tests.core.notifications.told import PIGEONS, Told, build_told, pigeon_post
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def notifications_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def platform(notifications_database: Database) -> Platform:
    pigeons = Installed(PIGEONS, "available", plugin=pigeon_post())
    return frozen_platform(notifications_database, pigeons)


@pytest.fixture
async def city(platform: Platform) -> Told:
    """The tenant under test; each test has its own."""
    return await build_told(platform)


@pytest.fixture
async def neighbour(platform: Platform) -> Told:
    """The tenant next door, with the same codes."""
    return await build_told(platform)
