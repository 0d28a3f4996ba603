"""A database that commits, and a small city that plans patrols and visits."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from tests.core.events.frozen_clock import FrozenClock
from tests.core.patrols.quarter import Quarter, build_quarter
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def patrols_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def quarter(patrols_database: Database) -> Quarter:
    """The tenant under test; each test has its own."""
    host = PluginHost(core_contribution(), [])
    platform = Platform(patrols_database, host, open_store(patrols_database.settings))
    platform.clock = FrozenClock()
    return await build_quarter(platform)
