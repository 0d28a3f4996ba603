"""A database that commits, and a tenant with places of five levels."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from tests.core.events.frozen_clock import FrozenClock
from tests.core.recipients.tree import Tree, build_tree
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="module")
async def recipients_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def tree(recipients_database: Database) -> Tree:
    """A tenant of its own for each test."""
    host = PluginHost(core_contribution(), [])
    platform = Platform(recipients_database, host, open_store(recipients_database.settings))
    platform.clock = FrozenClock()
    return await build_tree(platform)
