"""A database that commits, and a street that holds a meeting every week."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from tests.core.events.frozen_clock import FrozenClock
from tests.core.meetings.hall import Hall, build_hall
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def meetings_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def platform(meetings_database: Database) -> Platform:
    host = PluginHost(core_contribution(), [])
    platform = Platform(meetings_database, host, open_store(meetings_database.settings))
    platform.clock = FrozenClock()
    await platform.store.ensure_ready()
    return platform


@pytest.fixture
async def hall(platform: Platform) -> Hall:
    """The tenant under test; each test has its own."""
    return await build_hall(platform)
