"""A database that commits, and a street of its own for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jingwei_core.database import Database, open_database
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.frozen_platform import frozen_platform
from tests.core.tasks.street import build_street
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def tasks_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
async def street(tasks_database: Database, clock: FrozenClock, tmp_path: Path) -> City:
    platform = frozen_platform(tasks_database)
    platform.clock = clock
    return await build_street(platform, tmp_path / "street")
