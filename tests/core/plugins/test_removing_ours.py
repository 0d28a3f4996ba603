"""Removing the shipped plugin with all that it puts into a city, and having it again."""

import pytest

from jingwei_core.database.drift import problems
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.plugins.removing import plan_removal, remove_plugin
from jingwei_core.plugins.switching import disable_plugin, enable_plugin
from jingwei_core.settings import Settings
from tests.tenants.small_world import SmallCity, TwoCities

PLUGIN = "safety-production"
_OWNED = """
SELECT 'role' AS what, count(*) FROM core.role WHERE owner_plugin <> ''
UNION ALL SELECT 'workflow', count(*) FROM core.workflow WHERE owner_plugin <> ''
UNION ALL SELECT 'deadline', count(*) FROM core.deadline_rule WHERE owner_plugin <> ''
UNION ALL SELECT 'kind', count(*) FROM core.event_kind WHERE owner_plugin <> ''
ORDER BY 1
"""


async def owned(city: SmallCity) -> dict[str, int]:
    async with city.platform.database.unit(city.tenant.id) as unit:
        return {row["what"]: row["count"] for row in await unit.fetch(_OWNED)}


@pytest.mark.commit
async def test_work_safety_goes_and_comes_back(two_cities: TwoCities, settings: Settings) -> None:
    city, platform = two_cities.first, two_cities.first.platform
    put = await owned(city)
    assert put["kind"] > 0
    await disable_plugin(platform, city.tenant.slug, PLUGIN)
    told = (await plan_removal(platform, PLUGIN)).told()
    assert told["tenants"] == [city.tenant.slug]
    assert told["parts"]["states"] == {city.tenant.slug: 1}

    plan, _ = await remove_plugin(platform, PLUGIN)

    assert plan.told() == told
    assert set((await owned(city)).values()) == {0}
    async with platform.database.owner() as unit:
        left = await unit.fetch("SELECT DISTINCT unnest(permissions) AS code FROM core.role")
        functions = await unit.fetch(
            "SELECT 1 FROM pg_proc p WHERE p.prosrc LIKE '%safety_production%'"
        )
    assert [row["code"] for row in left if row["code"].startswith("safety")] == []
    assert functions == []
    assert await problems(settings, installed_apps([])) == []

    assert (await migrate(settings, installed_apps())).faults == ()
    assert await problems(settings, installed_apps()) == []
    await enable_plugin(platform, city.tenant.slug, PLUGIN)
    assert await owned(city) == put
