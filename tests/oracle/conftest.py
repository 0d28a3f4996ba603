"""One random world for all tests of a worker."""

import asyncio
from collections.abc import AsyncIterator, Mapping

import pytest

from jingwei_core.database import open_database
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import PluginHost, discover
from tests.oracle.declarations import installed
from tests.oracle.vocabulary import Vocabulary
from tests.oracle.world import Seen, build_world
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def oracle_platform(new_database: NewDatabase) -> AsyncIterator[Platform]:
    """A platform with the plugin of these tests beside the installed ones."""
    async with new_database() as settings, open_database(settings) as database:
        platform = assemble(database)
        platform.host = PluginHost(platform.host.core, [*discover(), installed()])
        yield platform


@pytest.fixture(scope="session")
async def cities(oracle_platform: Platform) -> dict[str, Seen]:
    """Two random cities, by name."""
    return await build_world(oracle_platform)


@pytest.fixture(scope="session")
def words(cities: Mapping[str, Seen]) -> dict[str, Vocabulary]:
    """What may be asked of each city."""
    return {
        name: Vocabulary.of(seen.plain.schema, seen.registry, seen.stored, seen.accounts)
        for name, seen in cities.items()
    }


@pytest.fixture(scope="session")
async def loop() -> asyncio.AbstractEventLoop:
    """The loop of the session: what Hypothesis calls is no coroutine, what it asks is."""
    return asyncio.get_running_loop()
