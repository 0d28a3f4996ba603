"""A clone of a whole city: its places, rules and plugins, and nothing that names a person."""

import pytest

from jingwei_core.tenants.cloning import clone_tenant
from jingwei_core.tenants.status import tenant_counts
from tests.tenants.small_world import TwoCities

_CONFIGURATION = (
    *("core.place_level", "core.place", "core.place_code", "core.department", "core.role"),
    *("core.workflow", "core.deadline_rule", "core.work_calendar", "core.event_kind"),
)


@pytest.mark.commit
async def test_a_city_is_cloned_with_its_rules_and_without_its_people(
    two_cities: TwoCities,
) -> None:
    city, platform = two_cities.first, two_cities.first.platform
    done = await clone_tenant(platform, city.tenant.slug, "third", "第三市")
    counted = "SELECT count(*) FROM {} WHERE tenant_id = $1"
    async with platform.database.owner() as unit:
        for table in _CONFIGURATION:
            sql = counted.format(table)
            rows = await unit.fetchval(sql, city.tenant.id)
            assert await unit.fetchval(sql, done.tenant) == rows == done.rows[table] > 0, table
        for table in ("core.account", "core.post", "core.event", "core.organisation"):
            assert await unit.fetchval(counted.format(table), done.tenant) == 0
    state = await platform.state("third")
    assert state.enabled == (await platform.state(city.tenant.slug)).enabled
    assert (await tenant_counts(platform, "third"))["places"] > 0
    # A place is found by its name: search terms are made as places come in.
    async with platform.database.unit(done.tenant) as unit:
        assert await unit.fetchval("SELECT count(*) FROM core.place_term") > 0
