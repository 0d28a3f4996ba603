"""A database with both cities, made once a run; each test works in a rehearsal of its own."""

from collections.abc import AsyncIterator

import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.platform import Platform, assemble
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from tests.plugins.world import TENANTS, City, Clock, add_people
from tests.servers.databases import TestRun, copied_database, made_once


@pytest.fixture(scope="session")
async def two_cities(test_run: TestRun, template: str) -> AsyncIterator[Database]:
    cities = await made_once(test_run, "_cities", _apply, template)
    async with (
        copied_database(test_run, cities) as settings,
        open_database(settings) as database,
    ):
        yield database


async def _apply(settings: Settings) -> None:
    async with open_database(settings) as database:
        platform = assemble(database)
        for slug in ("yichang", "changzhi"):
            await apply_package(platform, load_package(TENANTS / slug))
        # What switching the plugin on left to be done is a test of its own.
        async with database.owner() as unit:
            await unit.execute("TRUNCATE jobs.pgqueuer")


@pytest.fixture
async def platform(two_cities: Database) -> AsyncIterator[Platform]:
    async with two_cities.rehearsal() as database:
        platform = assemble(database)
        platform.clock = Clock()
        yield platform


@pytest.fixture
async def yichang(platform: Platform) -> City:
    """The city that has the plugin."""
    return await _city(platform, "yichang")


@pytest.fixture
async def changzhi(platform: Platform) -> City:
    """The city next door, without it."""
    return await _city(platform, "changzhi")


async def _city(platform: Platform, slug: str) -> City:
    assert isinstance(platform.clock, Clock)
    city = City(platform, await platform.tenant(slug), platform.clock)
    await add_people(city)
    return city
