"""Whoever hears ``on_plugin_enabled`` is told once of each switch, in each tenant it is for."""

import msgspec

from jingwei_core.database import Database
from jingwei_core.plugins.deployment import bring_in, disable_everywhere, enable_everywhere
from jingwei_core.plugins.switching import disable_plugin, enable_plugin
from jingwei_sdk.hook_specs import on_plugin_enabled
from jingwei_sdk.payloads import PluginEnabled
from jingwei_sdk.plugin import Plugin
from tests.core.plugins.hooks.hearing_world import HearingPlatform, hearing, hears


async def _platform(database: Database) -> HearingPlatform:
    """``ear`` hears of switches; ``new`` hears of its own and is off."""
    ear, new = (
        Plugin(id=name, package="x", hooks=(hears(on_plugin_enabled, lambda _: None),))
        for name in ("ear", "new")
    )
    platform = await hearing(database, ear, new)
    async with database.platform() as unit:
        await unit.execute(
            "UPDATE platform.plugin_state SET enabled = false WHERE plugin_id = 'new'"
        )
    platform.forget()
    return platform


def _told(*plugins: str, before: str | None = None) -> list[dict[str, object]]:
    given = msgspec.to_builtins(PluginEnabled("new", "1.0.0", before))
    return [{"plugin": one, "hook": "on_plugin_enabled", "given": given} for one in plugins]


async def test_a_tenant_switches_a_plugin_on(database: Database) -> None:
    platform = await _platform(database)
    await enable_plugin(platform, "here", "new")
    await enable_plugin(platform, "here", "new")
    told = _told("ear", "new", before="1.0.0")
    assert await platform.queued("here") == told, "once, and the plugin itself too"
    assert await platform.queued("there") == []
    await disable_plugin(platform, "here", "new")
    assert await platform.queued("here") == told


async def test_the_deployment_switches_a_plugin_on_for_everybody(database: Database) -> None:
    platform = await _platform(database)
    await enable_plugin(platform, "here", "new")
    before = await platform.queued("here")
    for _ in range(2):
        await enable_everywhere(platform, "new")
    assert await platform.queued("here") == before, "it had it already"
    assert await platform.queued("there") == _told("ear", "new")
    await disable_everywhere(platform, "new")
    assert await platform.queued("there") == _told("ear", "new")


async def test_a_tenant_that_comes_later_is_told_too(database: Database) -> None:
    platform = await _platform(database)
    async with database.platform() as unit:
        await unit.execute(
            "INSERT INTO platform.plugin_deployment (plugin_id, enabled, version)"
            " VALUES ('new', true, '1.0.0')"
        )
    async with await platform.context("there") as ctx:
        await bring_in(ctx)
    assert await platform.queued("there") == _told("ear", "new")
