"""Switching several plugins at once, trying a switch, and refusals that leave nothing behind."""

import asyncio
import contextvars
import json
from dataclasses import replace

import msgspec
import pytest

from jingwei_core.plugins.deployment import enable_everywhere
from jingwei_core.plugins.host import Installed, discover
from jingwei_core.plugins.removing import remove_plugin
from jingwei_core.plugins.switching import Switching, disable_plugin, enable_plugin
from jingwei_core.session import CoreContext
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Conflict
from jingwei_sdk.manifest import Scope
from jingwei_sdk.payloads import PluginEnabled
from jingwei_sdk.plugin import Plugin
from tests.fixtures.command_line import CommandLine
from tests.plugins.lifecycle.ward_book.book import ID, installed, manifest
from tests.plugins.lifecycle.world import Wards

pytestmark = pytest.mark.commit

REPORTS = "ward-reports"
_ON = "SELECT plugin_id, enabled FROM platform.plugin_state ORDER BY 1"


def reports() -> Installed:
    """A plugin that stands on the book."""
    told = msgspec.structs.replace(
        manifest("1.0.0"), id=REPORTS, requires=(ID,), permissions=(), roles=(), graphql_prefix=""
    )
    plugin = Plugin(id=REPORTS, package="tests", requires=(ID,))
    return replace(installed(plugin, "1.0.0"), id=REPORTS, manifest=told)


async def on(wards: Wards) -> list[tuple[str, bool]]:
    return [tuple(row) for row in await wards.owner(_ON)]


async def test_what_is_required_comes_along_and_goes_along(wards: Wards) -> None:
    platform = wards.platform_of(installed(), reports())
    with pytest.raises(Conflict) as alone:
        await enable_plugin(platform, "east", REPORTS)
    assert alone.value.code == "PLUGIN_NEEDS"
    assert alone.value.params["chain"] == f"{REPORTS} → {ID}"
    assert await on(wards) == []

    done = await enable_plugin(platform, "east", REPORTS, Switching(with_others=True))
    assert [step.plugin for step in done.steps] == [ID, REPORTS]
    assert await on(wards) == [(ID, True), (REPORTS, True)]
    assert (await platform.state("west")).enabled == frozenset()

    with pytest.raises(Conflict) as needed:
        await disable_plugin(platform, "east", ID)
    assert needed.value.code == "PLUGIN_NEEDED"
    assert await on(wards) == [(ID, True), (REPORTS, True)]
    gone = await disable_plugin(platform, "east", ID, Switching(with_others=True))
    assert [step.plugin for step in gone.steps] == [REPORTS, ID]
    assert await on(wards) == [(ID, False), (REPORTS, False)]
    audited = await wards.east.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
    assert [row["command"] for row in audited] == ["plugin.enable", "plugin.disable"]


async def test_a_dry_run_does_everything_and_keeps_nothing(
    wards: Wards, settings: Settings, jingwei: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [*discover(), installed(), reports()]
    monkeypatch.setattr("jingwei_core.platform.discover", lambda **_: found)
    words = ("plugin", "enable", "east", REPORTS, "--with-dependencies", "--json")
    tried = json.loads((await jingwei(settings, *words, "--dry-run")).out)
    assert (tried["dry_run"], tried["enabled"]) == (True, True)
    assert [step["plugin"] for step in tried["steps"]] == [ID, REPORTS]
    assert await on(wards) == []
    for table in ("core.audit_entry", "core.event_kind", "platform.plugin_epoch"):
        assert await wards.owner(f"SELECT 1 FROM {table}") == []
    assert await wards.owner("SELECT 1 FROM core.role WHERE owner_plugin <> ''") == []
    done = json.loads((await jingwei(settings, *words)).out)
    assert (done["dry_run"], done["steps"]) == (False, tried["steps"])
    assert await on(wards) == [(ID, True), (REPORTS, True)]


async def test_a_plugin_whose_migrations_failed_cannot_be_enabled(wards: Wards) -> None:
    await wards.owner(
        "INSERT INTO platform.plugin_fault (plugin_id, stage, reason)"
        " VALUES ($1, 'migration', 'MIGRATION_CHANGED')",
        ID,
    )
    with pytest.raises(Conflict) as refusal:
        await enable_plugin(wards.east.platform, "east", ID)
    assert refusal.value.code == "PLUGIN_MIGRATION_FAILED"
    assert await on(wards) == []


async def test_who_enables_what_is_being_removed_waits_and_finds_it_gone(wards: Wards) -> None:
    async with wards.database.owner() as unit:
        await unit.execute("LOCK TABLE platform.plugin_state IN SHARE ROW EXCLUSIVE MODE")
        enabling = asyncio.create_task(
            enable_plugin(wards.east.platform, "east", ID), context=contextvars.Context()
        )
        await asyncio.sleep(0.3)
        assert not enabling.done()
        await unit.execute("DROP SCHEMA ward_book CASCADE")
    with pytest.raises(Conflict) as refusal:
        await enabling
    assert refusal.value.code == "PLUGIN_NOT_MIGRATED"
    assert await on(wards) == []


def for_everybody() -> Installed:
    """The book as a plugin that the deployment may switch on."""
    told = msgspec.structs.replace(manifest("2.0.0"), scope=Scope.BOTH)
    return replace(installed(), manifest=told)


async def test_who_enables_for_everybody_what_is_being_removed_finds_it_gone(wards: Wards) -> None:
    platform = wards.platform_of(for_everybody())
    async with wards.database.owner() as unit:
        await unit.execute("LOCK TABLE platform.plugin_deployment IN SHARE ROW EXCLUSIVE MODE")
        enabling = asyncio.create_task(
            enable_everywhere(platform, ID), context=contextvars.Context()
        )
        await asyncio.sleep(0.3)
        assert not enabling.done()
        await unit.execute("DROP SCHEMA ward_book CASCADE")
    with pytest.raises(Conflict) as refusal:
        await enabling
    assert refusal.value.code == "PLUGIN_NOT_MIGRATED"
    for table in ("platform.plugin_deployment", "core.event_kind", "core.audit_entry"):
        assert await wards.owner(f"SELECT 1 FROM {table}") == []


async def test_who_removes_what_is_being_enabled_for_everybody_waits_and_may_not(
    wards: Wards, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal begins when the last tenant has been served, and before that is stored."""
    platform, removals = wards.platform_of(for_everybody()), []

    async def late(ctx: CoreContext, told: PluginEnabled) -> None:
        if ctx.tenant.slug == "west":
            removal = remove_plugin(wards.east.platform, ID)
            removals.append(asyncio.create_task(removal, context=contextvars.Context()))
            await asyncio.sleep(0.3)

    monkeypatch.setattr("jingwei_core.plugins.deployment.announce_enabled", late)
    assert await enable_everywhere(platform, ID) == ["east", "west"]
    with pytest.raises(Conflict) as refusal:
        await removals[0]
    assert refusal.value.code == "PLUGIN_STILL_ENABLED"
    assert await wards.owner("SELECT enabled FROM platform.plugin_deployment") == [(True,)]
    assert await wards.east.value("SELECT count(*) FROM ward_book.call_on") == 0
