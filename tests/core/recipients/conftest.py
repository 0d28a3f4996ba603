"""A database that commits, and a tenant with places of five levels."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from tests.core.events.frozen_platform import frozen_platform
from tests.core.recipients.tree import Tree, build_tree
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="module")
async def recipients_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def tree(recipients_database: Database) -> Tree:
    """A tenant of its own for each test."""
    return await build_tree(frozen_platform(recipients_database))
