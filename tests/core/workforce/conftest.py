"""A database that commits, and a street whose people go on leave."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from tests.core.events.frozen_clock import FrozenClock
from tests.core.workforce.street import Street, build_street
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def workforce_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def platform(workforce_database: Database) -> Platform:
    host = PluginHost(core_contribution(), [])
    platform = Platform(workforce_database, host, open_store(workforce_database.settings))
    platform.clock = FrozenClock()
    return platform


@pytest.fixture
async def street(platform: Platform) -> Street:
    """The tenant under test; each test has its own."""
    return await build_street(platform)


@pytest.fixture
async def neighbour(platform: Platform) -> Street:
    """The tenant next door, with the same codes."""
    return await build_street(platform)
