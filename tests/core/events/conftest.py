"""A database that commits: these tests act from many connections at once."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed
from jingwei_sdk.plugin import Plugin
from tests.core.events.city import City, build_city
from tests.core.events.frozen_platform import frozen_platform
from tests.core.events.listening_plugin import PLUGIN_ID, ListeningHooks
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def events_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def hooks() -> ListeningHooks:
    """What the plugin of these tests hears, and what it forbids."""
    return ListeningHooks()


@pytest.fixture
def platform(events_database: Database, hooks: ListeningHooks) -> Platform:
    plugin = Plugin(id=PLUGIN_ID, package="tests", hooks=hooks)
    return frozen_platform(events_database, Installed(PLUGIN_ID, "available", plugin=plugin))


@pytest.fixture
async def city(platform: Platform) -> City:
    """The tenant under test; each test has its own. It has the plugin of these tests."""
    return await build_city(platform, plugins=(PLUGIN_ID,))


@pytest.fixture
async def neighbour(platform: Platform) -> City:
    """The tenant next door, with the same codes, and without the plugin."""
    return await build_city(platform)
