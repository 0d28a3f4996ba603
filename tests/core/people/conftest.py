"""A database that commits, and a small city that registers its residents."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.plugins.host import discover
from tests.core.events.frozen_platform import frozen_platform
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
    return await build_town(frozen_platform(people_database, *discover()))
