"""off for every tenant until enabled"""

import pytest

from jingwei_api.schema.builder import lean_schema
from jingwei_core.database import Database
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.registry import Registry
from jingwei_core.session import system_context
from tests.tenants.listing import add_hands, list_tenant

INSTALLED = [found.id for found in discover()]
CITIES = ("one", "two")


@pytest.fixture
async def cities(database: Database) -> Platform:
    async with database.platform() as unit:
        for slug in CITIES:
            await list_tenant(unit, slug)
    platform = assemble(database)
    for slug in CITIES:
        await add_hands(platform, slug)
    return platform


async def _registry(platform: Platform, slug: str) -> Registry:
    return platform.host.registry((await platform.state(slug)).enabled)


async def _kinds(platform: Platform, slug: str) -> list[str]:
    tenant = await platform.tenant(slug)
    async with system_context(platform, tenant, "test") as ctx:
        rows = await ctx.data.fetch(
            "SELECT owner_plugin FROM core.event_kind WHERE is_active AND owner_plugin IS NOT NULL"
        )
    return [row["owner_plugin"] for row in rows]


def _told(registry: Registry) -> set[str]:
    """Every name of a type or field that the schema of a set tells."""
    kinds = lean_schema(registry).type_map.values()
    fields = (name for kind in kinds for name in getattr(kind, "fields", ()))
    return {kind.name for kind in kinds} | set(fields)


def test_there_are_plugins_to_say_it_of() -> None:
    assert "safety-production" in INSTALLED


@pytest.mark.parametrize("plugin_id", INSTALLED)
async def test_a_plugin_is_off_for_all_until_a_tenant_enables_it_for_itself(
    cities: Platform, plugin_id: str
) -> None:
    plugin = cities.host.require_available(plugin_id)
    own = {record.name for record in plugin.records}
    assert own, "a plugin without records says nothing here"
    for slug in CITIES:
        registry = await _registry(cities, slug)
        assert registry.enabled == {"core"}
        assert not own & _told(registry)
        assert not set(registry.jobs) & {job.name for job in plugin.jobs}
        assert registry.hooks == {}
        assert await _kinds(cities, slug) == []

    await switch_audited(cities, "one", plugin_id, enabled=True, settings={})

    with_it = await _registry(cities, "one")
    assert with_it.enabled == {"core", plugin_id}
    assert own < _told(with_it)
    assert set(with_it.jobs) >= {job.name for job in plugin.jobs}
    assert set(await _kinds(cities, "one")) == {plugin_id}
    neighbour = await _registry(cities, "two")
    assert neighbour.enabled == {"core"}
    assert not own & _told(neighbour)
    assert await _kinds(cities, "two") == []
