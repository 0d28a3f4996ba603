"""`demo()` contribution; one command fills a city"""

from dataclasses import replace
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from jingwei_core.access import passwords
from jingwei_core.database import Database
from jingwei_core.demo.plugins import fill_plugins
from jingwei_core.demo.seeding import Progress, seed
from jingwei_core.demo.stamps import read_stamp
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused
from tests.fixtures.command_line import CommandLine
from tests.tenants.small_city import write_city
from tests.tenants.small_package import edit
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


@pytest.mark.commit
async def test_one_command_fills_the_cities_that_have_the_plugin(
    settings: Settings,
    database: Database,
    jingwei: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", cheap)
    for slug, like in (("yichang", "first"), ("changzhi", "second")):
        folder = write_city(tmp_path / slug, like, with_plugin=like == "first")
        edit(folder, "tenant.toml", f'slug = "{like}"', f'slug = "{slug}"')
    told = await jingwei(settings, "demo", "up", "--no-serve", "--tenants", str(tmp_path))
    assert told.code == 0, told.err
    # Both cities ended at about the same time, and neither has to be filled again.
    stamps = [read_stamp(settings, slug) for slug in ("yichang", "changzhi")]
    assert [stamp.is_complete for stamp in stamps if stamp is not None] == [True, True]
    async with database.owner() as unit:
        for table in TABLES:
            sql = (
                "SELECT array_agg(DISTINCT slug) FROM platform.tenant t"
                f" JOIN safety_production.{table} x ON x.tenant_id = t.id"
            )
            assert await unit.fetchval(sql) == ["yichang"], table


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
