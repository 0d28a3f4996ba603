"""A platform whose clock these tests move, a server over it, and residents of two cities."""

from collections.abc import AsyncIterator

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_core.database import open_database
from jingwei_core.platform import Platform
from tests.api.conftest import serving
from tests.api.public_reports.world import RULES, Resident, rule, two_cities
from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.frozen_platform import frozen_platform
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="package")
async def public_platform(new_database: NewDatabase) -> AsyncIterator[Platform]:
    async with new_database() as settings, open_database(settings) as database:
        yield frozen_platform(database)


@pytest.fixture(scope="package")
async def cities(public_platform: Platform) -> tuple[City, City]:
    return await two_cities(public_platform)


@pytest.fixture(scope="package")
async def public_url(public_platform: Platform) -> AsyncIterator[str]:
    async with serving(create_app(public_platform)) as url:
        yield url


@pytest.fixture
async def resident(
    public_url: str, cities: tuple[City, City], public_platform: Platform
) -> AsyncIterator[Resident]:
    """Somebody at the counter of the first city; an hour after whoever came before."""
    clock = public_platform.clock
    assert isinstance(clock, FrozenClock)
    clock.forward(hours=1)
    for city in cities:
        await rule(city, **RULES)
    async with httpx.AsyncClient(base_url=public_url, trust_env=False, timeout=20) as http:
        yield Resident(http, cities[0], clock)


@pytest.fixture
async def stranger(resident: Resident, cities: tuple[City, City]) -> Resident:
    """The same person at the neighbour's counter."""
    return Resident(resident.http, cities[1], resident.clock)
