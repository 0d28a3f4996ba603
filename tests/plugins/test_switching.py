"""Switching (启停): off for a city until it is enabled, and never in the way once disabled."""

import asyncio
import json
import sys
import time
from pathlib import Path

import pytest
from piccolo.columns import Text

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import Installed, Off, PluginHost, discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.registers.tables import Organisation
from jingwei_core.session import system_context
from jingwei_sdk.errors import Conflict, Invalid, NotFound, Refused
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.tables import TenantTable
from tests.fixtures.command_line import CommandLine
from tests.plugins.world import PLUGIN, City
from tests.servers.databases import environment
from tests.tenants.listing import add_hands, list_tenant

WATCHER = Path(__file__).with_name("watch_registry.py")


async def switch(city: City, *, enabled: bool, **settings: object) -> dict[str, object]:
    return await switch_audited(
        city.platform, city.tenant.slug, PLUGIN, enabled=enabled, settings=settings
    )


async def states(city: City) -> list[tuple[object, ...]]:
    async with city.platform.database.platform() as unit:
        rows = await unit.fetch(
            "SELECT enabled, version, settings::text FROM platform.plugin_state"
            " WHERE tenant_id = $1 AND plugin_id = $2",
            city.tenant.id,
            PLUGIN,
        )
    return [tuple(row) for row in rows]


async def test_a_city_without_the_plugin_has_nothing_of_it(yichang: City, changzhi: City) -> None:
    with_it = await yichang.platform.registry(yichang.tenant.id)
    without = await changzhi.platform.registry(changzhi.tenant.id)

    def of_plugin(names: object) -> list[str]:
        return sorted(name for name in names if "safety" in name.lower())  # type: ignore[attr-defined]

    assert of_plugin(with_it.records) == [
        *("SafetyChecklist", "SafetyEnterprise", "SafetyHazard"),
        *("SafetyInspection", "SafetyInspectionItem"),
    ]
    assert len(of_plugin(with_it.commands)) == 7
    assert len(of_plugin(with_it.jobs)) == 3
    for names in (without.records, without.commands, without.jobs, without.owners):
        assert of_plugin(names) == []
    for name in ("Organisation", "Event"):
        record = without.record(name)
        assert of_plugin([*without.relations(record), *without.computed(record)]) == []
    assert with_it.fingerprint != without.fingerprint
    kinds = "SELECT count(*) FROM core.event_kind WHERE owner_plugin <> ''"
    assert (await yichang.value(kinds), await changzhi.value(kinds)) == (3, 0)


async def test_its_kind_stands_below_the_group_of_the_city(yichang: City) -> None:
    row = (
        await yichang.fetch(
            "SELECT k.code, k.rank, k.workflow, p.code FROM core.event_kind k"
            " JOIN core.event_kind p ON p.id = k.parent WHERE k.owner_plugin = $1",
            PLUGIN,
        )
    )[0]
    assert tuple(row) == ("safety.hazard.inspection", 3, "standard", "safety.hazard")


async def test_disabling_keeps_the_data_and_frees_the_core(yichang: City) -> None:
    enterprise = await yichang.enterprise()
    hazard = await yichang.hazard(enterprise)
    await yichang.react()

    await switch(yichang, enabled=False)

    registry = await yichang.platform.registry(yichang.tenant.id)
    assert "SafetyHazard" not in registry.records
    assert "safety.hazard.report" not in registry.commands
    assert [
        await yichang.value(f"SELECT count(*) FROM safety_production.{table}")
        for table in ("enterprise", "hazard")
    ] == [1, 1]
    # The veto is gone with the plugin, and so is every claim on rows of the core.
    await yichang.act(hazard["event"], "file", "verify", "dispatch", "handle", "check", "close")
    assert await yichang.react() == 0
    organisation = await yichang.value("SELECT organisation FROM safety_production.enterprise")
    async with yichang.system() as ctx:
        await ctx.data.delete(await ctx.data.get(Organisation, organisation))
    assert await yichang.value("SELECT count(*) FROM core.organisation") == 0
    assert not await yichang.value(
        "SELECT is_active FROM core.event_kind WHERE owner_plugin = $1", PLUGIN
    )


async def test_what_happened_meanwhile_is_caught_up(yichang: City) -> None:
    hazard = await yichang.hazard(await yichang.enterprise())
    still_open = await yichang.hazard(hazard["enterprise"])
    await switch(yichang, enabled=False)
    await yichang.act(hazard["event"], "cancel")
    await switch(yichang, enabled=True)
    assert (await yichang.hazard_row(hazard["id"]))["status"] == "open"
    await yichang.react()

    job = (await yichang.platform.registry(yichang.tenant.id)).jobs[f"{PLUGIN}.catch-up"]
    for _ in range(2):
        async with yichang.system() as ctx:
            await job.run(ctx, {})

    row = await yichang.hazard_row(hazard["id"])
    assert (row["status"], row["version"]) == ("withdrawn", 2)
    assert (await yichang.hazard_row(still_open["id"]))["version"] == 1
    assert await yichang.value("SELECT is_active FROM core.event_kind WHERE owner_plugin <> ''")


async def test_a_reaction_of_a_disabled_plugin_waits(yichang: City) -> None:
    await yichang.hazard(await yichang.enterprise())
    await switch(yichang, enabled=False)
    with pytest.raises(Refused) as refusal:
        await yichang.react()
    assert refusal.value.code == "PLUGIN_OFF"


async def test_switching_is_audited_and_keeps_settings(yichang: City) -> None:
    assert await switch(yichang, enabled=True, rectify_days_major=2) == {
        "rectify_days_general": 15,
        "rectify_days_major": 2,
    }
    await switch(yichang, enabled=False)
    assert (await switch(yichang, enabled=True))["rectify_days_major"] == 2
    rows = await yichang.fetch(
        "SELECT command, actor_kind FROM core.audit_entry ORDER BY sequence DESC LIMIT 3"
    )
    assert [tuple(row) for row in rows] == [
        ("plugin.enable", "system"),
        ("plugin.disable", "system"),
        ("plugin.enable", "system"),
    ]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"rectify_days_major": 0}, "rectify_days_major"),
        ({"rectify_days_major": "five"}, "rectify_days_major"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_wrong_setting_changes_nothing(
    yichang: City, settings: dict[str, object], field: str
) -> None:
    before = (await states(yichang), await yichang.state())
    with pytest.raises(Invalid) as refusal:
        await switch(yichang, enabled=True, **settings)
    assert (refusal.value.code, refusal.value.field) == ("PLUGIN_SETTINGS", field)
    assert (await states(yichang), await yichang.state()) == before


async def test_a_plugin_without_its_tables_cannot_be_enabled(
    platform: Platform, yichang: City
) -> None:
    class Permit(TenantTable, tablename="permit", schema="permits"):
        """A table that no migration has made."""

        code = Text()

    permits = Plugin(id="permits", package="tests", tables=(Permit,))
    host = PluginHost(core_contribution(), [Installed("permits", "available", plugin=permits)])
    other = Platform(platform.database, host, open_store(platform.settings))
    with pytest.raises(Conflict) as refusal:
        await switch_audited(other, yichang.tenant.slug, "permits", enabled=True, settings={})
    assert refusal.value.code == "PLUGIN_NOT_MIGRATED"
    with pytest.raises(NotFound):
        await switch_audited(other, yichang.tenant.slug, "unheard-of", enabled=True, settings={})


async def test_a_plugin_that_was_removed_can_be_switched_off(
    platform: Platform, yichang: City
) -> None:
    host = PluginHost(core_contribution(), [])
    without = Platform(platform.database, host, open_store(platform.settings))
    registry = await without.registry(yichang.tenant.id)
    assert registry.enabled == {"core"}
    assert host.off(frozenset({PLUGIN})) == {PLUGIN: Off(PLUGIN, "missing", "not installed")}

    await switch_audited(without, yichang.tenant.slug, PLUGIN, enabled=False, settings={})
    assert (await states(yichang))[0][0] is False


async def test_plugins_that_need_one_another(platform: Platform, yichang: City) -> None:
    needing = Plugin(id="aaa", package="tests", requires=(PLUGIN,))
    installed = [*discover(), Installed("aaa", "available", plugin=needing)]
    other = Platform(
        platform.database,
        PluginHost(core_contribution(), installed),
        open_store(platform.settings),
    )
    slug = yichang.tenant.slug
    await switch_audited(other, slug, "aaa", enabled=True, settings={})
    # In the order of need, not of the alphabet.
    registry = await other.registry(yichang.tenant.id)
    assert [plugin.id for plugin in registry.plugins] == ["core", PLUGIN, "aaa"]
    with pytest.raises(Conflict) as refusal:
        await switch_audited(other, slug, PLUGIN, enabled=False, settings={})
    assert refusal.value.code == "PLUGIN_NEEDED"
    await switch_audited(other, slug, "aaa", enabled=False, settings={})
    await switch_audited(other, slug, PLUGIN, enabled=False, settings={})
    with pytest.raises(Conflict) as refusal:
        await switch_audited(other, slug, "aaa", enabled=True, settings={})
    assert refusal.value.code == "PLUGIN_NEEDS"


async def _tenant(database: Database) -> Platform:
    async with database.owner() as unit:
        await list_tenant(unit, "small")
    platform = assemble(database)
    await add_hands(platform, "small")
    return platform


@pytest.mark.commit
async def test_another_process_sees_a_switch_within_two_seconds(database: Database) -> None:
    platform = await _tenant(database)
    watcher = await asyncio.create_subprocess_exec(
        *(sys.executable, str(WATCHER), "small", PLUGIN),
        env=environment(database.settings),
        stdout=asyncio.subprocess.PIPE,
    )
    assert watcher.stdout is not None
    try:
        for enabled in (True, False):
            assert (await asyncio.wait_for(watcher.stdout.readline(), 30)) == b"watching\n"
            await switch_audited(platform, "small", PLUGIN, enabled=enabled, settings={})
            switched = time.monotonic()
            seen = await asyncio.wait_for(watcher.stdout.readline(), 30)
            assert seen == (b"on\n" if enabled else b"off\n")
            assert time.monotonic() - switched < 2.0
        assert await watcher.wait() == 0
    finally:
        if watcher.returncode is None:
            watcher.kill()
            await watcher.wait()


@pytest.mark.commit
async def test_the_command_line_switches(database: Database, jingwei: CommandLine) -> None:
    platform = await _tenant(database)

    async def run(*words: str) -> tuple[int, str]:
        told = await jingwei(database.settings, "plugin", *words, "--json")
        return told.code, told.out

    code, out = await run("enable", "small", PLUGIN, "--set", "rectify_days_major=3")
    assert code == 0, out
    assert json.loads(out)["settings"] == {"rectify_days_major": 3}
    platform.forget()
    state = await platform.state("small")
    assert state.settings[PLUGIN] == {
        "rectify_days_general": 15,
        "rectify_days_major": 3,
        "department_major": "",
        "public_tips": False,
        "tip_again_action": "",
    }

    code, out = await run("list", "--tenant", "small")
    assert (code, [line["state"] for line in json.loads(out)]) == (0, ["enabled"])
    code, out = await run("enable", "small", PLUGIN, "--set", "rectify_days_major=0")
    assert code == 1
    assert "PLUGIN_SETTINGS" in out
    code, out = await run("disable", "small", PLUGIN)
    assert code == 0, out
    platform.forget()
    assert (await platform.state("small")).enabled == frozenset()
    async with system_context(platform, (await platform.state("small")).tenant, "test") as ctx:
        commands = await ctx.data.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
    assert [row["command"] for row in commands] == ["plugin.enable", "plugin.disable"]
