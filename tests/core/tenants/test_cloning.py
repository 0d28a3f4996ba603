"""A clone of a whole city: its places, rules and plugins, and nothing that names a person."""

import pytest

from jingwei_core.tenants.cloning import clone_tenant, copied_tables
from jingwei_core.tenants.status import tenant_counts
from jingwei_sdk.data_rights import CloneRule
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import TenantFK, TenantTable
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


class Visit(TenantTable, tablename="visit", schema="chained"):
    """What happened: not copied."""


class Finding(TenantTable, tablename="finding", schema="chained"):
    """Nothing without its visit."""

    IS_SMALL = True

    visit = TenantFK(Visit, default=None, null=False)


class Answer(TenantTable, tablename="answer", schema="chained"):
    """Nothing without its finding, which is nothing without its visit."""

    IS_SMALL = True

    finding = TenantFK(Finding, default=None, null=False)


class Kept(TenantTable, tablename="kept", schema="chained"):
    """Speaks of an answer where there is one."""

    IS_SMALL = True

    answer = TenantFK(Answer, default=None, null=True)
    again = TenantFK("self", default=None, null=False)


def test_what_needs_rows_that_are_not_copied_is_not_copied_either() -> None:
    tables = (Visit, Finding, Answer, Kept)
    rules = (CloneRule(Visit, "skip"),)
    plugin = Plugin(id="chained", package="x", tables=tables, clone_rules=rules)
    assert copied_tables([plugin], {}) == [Kept]
