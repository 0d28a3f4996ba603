"""`scope` in manifest, checked at enable"""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.events.tables import EventKind
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.deployment import (
    bring_in,
    disable_everywhere,
    enable_everywhere,
)
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_core.plugins.tenant_settings import SettingsChange
from jingwei_core.session import system_context
from jingwei_sdk.errors import Conflict
from tests.core.plugins.packages import MANIFEST, Package

CODE = """
from jingwei_sdk.plugin import EventKindDeclaration, Plugin

kinds = (EventKindDeclaration("{0}.found", "发现", "Found"),)
plugin = Plugin(id="{0}", package="x", event_kinds=kinds, requires={1})
"""
SETTINGS = "\n[settings.properties.days]\ntype = 'integer'\nmaximum = 9\ndefault = 3\n"
SCOPES = {"own": "tenant", "whole": "deployment", "either": "both", "after": "deployment"}
NEEDS = {"after": ("whole",)}
CITY = (
    "INSERT INTO platform.tenant (id, slug, name, timezone)"
    " VALUES (gen_random_uuid(), $1, $1, 'Asia/Shanghai')"
)


@pytest.fixture
async def platform(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Platform:
    folder = tmp_path / tmp_path.name.replace("-", "_")
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    points = []
    for name, scope in SCOPES.items():
        manifest = MANIFEST.format(id=name).replace("permit.read", f"{name}.read")
        needs = NEEDS.get(name, ())
        told = f'scope = "{scope}"\nrequires = {list(needs)}\n{manifest}{SETTINGS}'
        package = Package(id=name, manifest=told, code=CODE.format(name, needs))
        points.append(package.write(folder))
    async with database.platform() as unit:
        await unit.executemany(CITY, [("one",), ("two",)])
    host = PluginHost(core_contribution(), discover(points))
    assert [found.reason for found in host.installed()] == [""] * len(SCOPES)
    return Platform(database, host, open_store(database.settings))


async def _enabled(platform: Platform) -> dict[str, set[str]]:
    return {slug: set((await platform.state(slug)).enabled) for slug in ("one", "two")}


async def _kinds(platform: Platform, slug: str) -> list[str]:
    async with system_context(platform, await platform.tenant(slug), "test") as ctx:
        sql = "SELECT code FROM core.event_kind WHERE is_active ORDER BY code"
        return [row["code"] for row in await ctx.data.fetch(sql)]


async def _switch(platform: Platform, plugin: str, *, enabled: bool) -> None:
    await switch_audited(platform, "one", plugin, enabled=enabled, settings={})


REFUSED: dict[str, tuple[str, Callable[[Platform], Awaitable[object]]]] = {
    "a tenant enables what is the deployment's": (
        "PLUGIN_SCOPE",
        lambda platform: _switch(platform, "whole", enabled=True),
    ),
    "the deployment enables what is a tenant's": (
        "PLUGIN_SCOPE",
        lambda platform: enable_everywhere(platform, "own"),
    ),
    "a tenant disables what the deployment has on": (
        "PLUGIN_ON_EVERYWHERE",
        lambda platform: _switch(platform, "either", enabled=False),
    ),
}


@pytest.mark.parametrize("case", list(REFUSED))
async def test_what_the_scope_does_not_allow_changes_nothing(platform: Platform, case: str) -> None:
    await enable_everywhere(platform, "either")
    before = await _enabled(platform), await _kinds(platform, "one")
    number = (await platform.state("one")).snapshot.number
    code, attempt = REFUSED[case]

    with pytest.raises(Conflict) as refusal:
        await attempt(platform)

    assert refusal.value.code == code
    assert (await _enabled(platform), await _kinds(platform, "one")) == before
    assert (await platform.state("one")).snapshot.number == number


async def test_the_deployments_plugin_is_on_for_every_tenant_those_to_come_too(
    platform: Platform,
) -> None:
    assert await enable_everywhere(platform, "whole") == ["one", "two"]
    assert await _enabled(platform) == {"one": {"whole"}, "two": {"whole"}}
    assert await _kinds(platform, "one") == await _kinds(platform, "two") == ["whole.found"]

    async with platform.database.platform() as unit:
        await unit.execute(CITY, "three")
    async with system_context(platform, await platform.tenant("three"), "tenant.apply") as ctx:
        await bring_in(ctx)
    registry = platform.host.registry((await platform.state("three")).enabled)
    assert registry.enabled == {"core", "whole"}
    assert await _kinds(platform, "three") == ["whole.found"]

    assert await disable_everywhere(platform, "whole") == ["one", "three", "two"]
    assert await _enabled(platform) == {"one": set(), "two": set()}
    assert await _kinds(platform, "one") == []


async def test_a_new_tenant_gets_each_after_what_it_requires(platform: Platform) -> None:
    """By their ids the one that stands on the other would come first."""
    await enable_everywhere(platform, "whole")
    await enable_everywhere(platform, "after")
    async with platform.database.platform() as unit:
        await unit.execute(CITY, "three")
    async with system_context(platform, await platform.tenant("three"), "tenant.apply") as ctx:
        await bring_in(ctx)
        rows = await ctx.data.fetch("SELECT code FROM core.event_kind ORDER BY id")
    assert [row["code"] for row in rows] == ["whole.found", "after.found"]


async def test_either_may_switch_it_on_and_a_tenants_own_settings_count_first(
    platform: Platform,
) -> None:
    await switch_audited(platform, "one", "either", enabled=True, settings={"days": 5})
    await enable_everywhere(platform, "either", SettingsChange({"days": 7}))

    async def days(slug: str) -> int:
        found: int = (await platform.state(slug)).settings["either"]["days"]
        return found

    assert (await days("one"), await days("two")) == (5, 7)
    # What a tenant switched on itself stays when the deployment lets go.
    assert await disable_everywhere(platform, "either") == ["two"]
    assert await _enabled(platform) == {"one": {"either"}, "two": set()}
    assert await _kinds(platform, "one") == ["either.found"]
    assert await _kinds(platform, "two") == []


async def test_a_clash_in_one_tenant_keeps_it_off_for_all(platform: Platform) -> None:
    async with system_context(platform, await platform.tenant("two"), "test") as ctx:
        await ctx.data.insert(EventKind(code="whole.found", name="ours", workflow="standard"))
    with pytest.raises(Conflict) as refusal:
        await enable_everywhere(platform, "whole")
    assert refusal.value.code == "PLUGIN_KIND_TAKEN"
    assert await _enabled(platform) == {"one": set(), "two": set()}
    assert await _kinds(platform, "one") == []
    assert await _kinds(platform, "two") == ["whole.found"]
