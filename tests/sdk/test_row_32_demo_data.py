"""`demo()` contribution; one command fills a city"""

from dataclasses import replace
from pathlib import Path

import pytest

from jingwei_core.demo.plugins import fill_plugins
from jingwei_core.demo.seeding import Progress, seed
from jingwei_sdk.errors import Refused
from tests.tenants.small_world import SmallCity, TwoCities

TABLES = ("enterprise", "inspection", "inspection_item", "hazard", "checklist")


async def kept(city: SmallCity) -> tuple[int, ...]:
    """How many rows of the plugin and of the audit log there are."""
    names = [*(f"safety_production.{name}" for name in TABLES), "core.audit_entry"]
    counts = [await city.fetch(f"SELECT count(*) AS n FROM {name}") for name in names]
    return tuple(rows[0]["n"] for rows in counts)


def _unseen(progress: Progress) -> None:
    """Progress is not looked at."""


async def test_one_call_fills_the_city_and_a_second_adds_nothing(
    two_cities: TwoCities, tmp_path: Path
):
    city, neighbour = two_cities.first, two_cities.second
    before = await kept(neighbour)
    done = await seed(city.platform, city.package, tmp_path / "accounts.json", _unseen)
    assert (done.organisations, done.plugin_rows) == (1, 13)
    filled = await kept(city)
    assert filled[:2] == (1, 1)
    assert sum(filled[:5]) == 13
    row = await city.fetch("SELECT name FROM core.organisation")
    assert row[0]["name"].startswith("示范"), "demo rows say that they are"

    again = await seed(city.platform, city.package, tmp_path / "accounts.json", _unseen)
    assert (again.organisations, again.steps, again.plugin_rows) == (0, 0, 0)
    assert await kept(city) == filled
    assert await kept(neighbour) == before, "the tenant without the plugin has nothing of it"


async def test_the_same_city_gets_the_same_rows(two_cities: TwoCities, tmp_path: Path):
    told = "SELECT industry, risk_level, employee_count FROM safety_production.enterprise"
    city = two_cities.first
    await seed(city.platform, city.package, tmp_path / "accounts.json", _unseen)
    first = [tuple(row) for row in await city.fetch(told)]
    async with city.platform.database.unit(city.tenant.id) as unit:
        for table in ("hazard", "inspection_item", "inspection", "enterprise"):
            await unit.execute(f"DELETE FROM safety_production.{table}")
    assert (await fill_plugins(city.platform, city.package)) == {"safety-production": 11}
    assert [tuple(row) for row in await city.fetch(told)] == first


async def test_a_city_in_earnest_gets_none(two_cities: TwoCities):
    city = two_cities.first
    before = await kept(city)
    earnest = replace(city.package, tenant=replace(city.package.tenant, demo=False))
    with pytest.raises(Refused) as refusal:
        await fill_plugins(city.platform, earnest)
    assert refusal.value.code == "DEMO_TENANT_ONLY"
    assert await kept(city) == before
