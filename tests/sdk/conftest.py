"""Two cities on a database of these tests' own, for rows about what GraphQL shows of plugins."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import open_database
from jingwei_core.platform import assemble
from tests.api.world import build_world
from tests.sdk.graphql_scene import GraphQLScene
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def graphql_scene(new_database: NewDatabase) -> AsyncIterator[GraphQLScene]:
    """宜昌 and 常州; each test says which plugins are installed and who has them on."""
    async with new_database() as settings, open_database(settings) as database:
        platform = assemble(database)
        yield GraphQLScene(platform, await build_world(platform))
