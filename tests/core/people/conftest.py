"""A database that commits, and a small city that registers its residents."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost, discover
from tests.core.events.frozen_clock import FrozenClock
from tests.core.people.town import Town, build_town
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def people_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def town(people_database: Database) -> Town:
    """The tenant under test; each test has its own."""
    # Plugins, too: whoever has tables has to be there to answer for them.
    host = PluginHost(core_contribution(), discover())
    platform = Platform(people_database, host, open_store(people_database.settings))
    platform.clock = FrozenClock()
    return await build_town(platform)
