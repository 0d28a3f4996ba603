"""A database that commits, and a small city that plans patrols and visits."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from tests.core.events.frozen_platform import frozen_platform
from tests.core.patrols.quarter import Quarter, build_quarter
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def patrols_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def quarter(patrols_database: Database) -> Quarter:
    """The tenant under test; each test has its own."""
    return await build_quarter(frozen_platform(patrols_database))
