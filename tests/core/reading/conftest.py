"""Two cities over the test's database."""

import pytest

from jingwei_core.database.engine import Database
from jingwei_core.platform import assemble
from tests.core.runtime.city import City, build


@pytest.fixture
async def city(database: Database) -> City:
    return await build(assemble(database), "here")


@pytest.fixture
async def other_city(city: City) -> City:
    return await build(city.platform, "there")
