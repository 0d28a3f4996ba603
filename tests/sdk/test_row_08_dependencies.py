"""resolve per tenant; refuse disabling a needed plugin, show chain"""

from pathlib import Path

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.dependencies import plan_disable, plan_enable
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.plugins.switching import switch_audited
from jingwei_sdk.errors import Conflict, Refused
from tests.core.plugins.packages import MANIFEST, Package

PLAIN = 'from jingwei_sdk.plugin import Plugin\n\nplugin = Plugin(id="{0}", package="x"{1})\n'
TABLE = '\n[[requires]]\nid = "{0}"\nversion = "{1}"\noptional = {2}\n'
# forms <- permits <- lamps <- patrol, and a map that is good to have for permits.
CHAIN = {
    "forms": [],
    "permits": [("forms", ">=1,<2", False), ("maps", ">=1", True)],
    "lamps": [("permits", "", False)],
    "patrol": [("lamps", "", False), ("forms", "", False)],
    "maps": [],
    "alone": [],
}
Needs = dict[str, list[tuple[str, str, bool]]]


def _package(name: str, needs: list[tuple[str, str, bool]]) -> Package:
    """A plugin without contributions that requires these: id, range, whether it is optional."""
    manifest = MANIFEST.format(id=name).replace("permit.read", f"{name}.read")
    tables = "".join(TABLE.format(*need[:2], str(need[2]).lower()) for need in needs)
    required = tuple(need[0] for need in needs if not need[2])
    told = f", requires={required!r}" if required else ""
    return Package(id=name, manifest=manifest + tables, code=PLAIN.format(name, told))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / tmp_path.name.replace("-", "_")
    found.mkdir()
    monkeypatch.syspath_prepend(str(found))
    return found


def _host(folder: Path, needs: Needs) -> PluginHost:
    points = [_package(name, wanted).write(folder) for name, wanted in needs.items()]
    return PluginHost(core_contribution(), discover(points))


def test_what_is_required_comes_along_in_order_and_the_chain_says_why(folder: Path) -> None:
    host = _host(folder, CHAIN)

    with pytest.raises(Conflict) as refusal:
        plan_enable(host, frozenset({"alone"}), "patrol")
    assert refusal.value.code == "PLUGIN_NEEDS"
    assert refusal.value.params["missing"] == ["forms", "lamps", "permits"]
    assert refusal.value.params["chain"] == (
        "patrol → forms; patrol → lamps; patrol → lamps → permits"
    )

    steps = plan_enable(host, frozenset({"alone"}), "patrol", with_dependencies=True)
    # The map is good to have and nobody asked for it; what is on already is no step.
    assert [step.plugin for step in steps] == ["forms", "permits", "lamps", "patrol"]
    assert steps[1].chain == "patrol → lamps → permits"
    rest = plan_enable(host, frozenset({"forms", "permits"}), "patrol", with_dependencies=True)
    assert [step.plugin for step in rest] == ["lamps", "patrol"]

    with pytest.raises(Conflict) as refusal:
        plan_disable(host, frozenset(CHAIN), "forms")
    assert refusal.value.code == "PLUGIN_NEEDED"
    assert refusal.value.params["by"] == ["lamps", "patrol", "permits"]
    assert "lamps → permits → forms" in refusal.value.params["chain"]
    down = plan_disable(host, frozenset(CHAIN), "forms", with_dependants=True)
    assert [step.plugin for step in down] == ["patrol", "lamps", "permits", "forms"]
    # Nothing stands on what is optional.
    assert [step.plugin for step in plan_disable(host, frozenset(CHAIN), "maps")] == ["maps"]


async def test_each_tenant_is_resolved_by_itself_and_a_refusal_changes_nothing(
    folder: Path, database: Database
) -> None:
    async with database.platform() as unit:
        await unit.execute(
            "INSERT INTO platform.tenant (id, slug, name, timezone) SELECT gen_random_uuid(), s, s,"
            " 'Asia/Shanghai' FROM unnest(ARRAY['one', 'two']) s"
        )
    host = _host(folder, CHAIN)
    platform = Platform(database, host, open_store(database.settings))
    for plugin in ("forms", "permits", "lamps"):
        await switch_audited(platform, "one", plugin, enabled=True, settings={})

    async def served(slug: str) -> list[str]:
        state = await platform.state(slug)
        return [plugin.id for plugin in host.registry(state.enabled).plugins]

    assert await served("one") == ["core", "forms", "permits", "lamps"]
    assert await served("two") == ["core"]
    before = (await platform.state("one")).snapshot
    for slug, plugin, enabled, code in (
        ("one", "forms", False, "PLUGIN_NEEDED"),
        ("two", "lamps", True, "PLUGIN_NEEDS"),
    ):
        with pytest.raises(Conflict) as refusal:
            await switch_audited(platform, slug, plugin, enabled=enabled, settings={})
        assert refusal.value.code == code
    after = (await platform.state("one")).snapshot
    assert (after.number, after.enabled) == (before.number, before.enabled)
    assert await served("two") == ["core"]


def test_an_optional_plugin_comes_first_where_it_is_and_has_to_fit(folder: Path) -> None:
    host = _host(folder, CHAIN)
    together = frozenset({"forms", "permits", "maps"})
    ids = [plugin.id for plugin in host.registry(together).plugins]
    assert ids.index("maps") < ids.index("permits")
    assert host.off(frozenset({"forms", "permits"})) == {}


NEWER: Needs = {
    "forms": [],
    "maps": [],
    "picky": [("forms", ">=2", False)],
    "choosy": [("maps", ">=2", True)],
    "lonely": [("gone", "", False)],
    "calm": [("gone", "", True)],
    "after": [("picky", "", False)],
}


def test_a_range_that_is_not_met_is_a_reason_and_goes_up_the_chain(folder: Path) -> None:
    host = _host(folder, NEWER)
    states = {found.id: (found.state, found.reason) for found in host.installed()}
    assert states["picky"] == ("needs", "needs forms >=2, there is 1.0.0")
    assert states["lonely"] == ("needs", "needs gone")
    assert states["after"] == (
        "needs",
        "needs picky, which is off: needs forms >=2, there is 1.0.0",
    )
    assert states["calm"] == states["forms"] == ("available", "")
    everything = frozenset(NEWER)
    assert host.registry(everything).enabled == {"core", "forms", "maps", "calm"}
    # An optional plugin that a tenant has on and that does not fit keeps off what named it.
    assert states["choosy"] == ("available", "")
    assert host.off(everything)["choosy"].reason == "needs maps >=2, there is 1.0.0"
    assert host.registry(frozenset({"choosy"})).enabled == {"core", "choosy"}
    with pytest.raises(Refused) as refusal:
        plan_enable(host, frozenset(), "after", with_dependencies=True)
    assert refusal.value.code == "PLUGIN_OFF"


def test_circles_are_named_and_cost_only_those_in_them_and_on_them(folder: Path) -> None:
    circle: Needs = {
        "one": [("two", "", False)],
        "two": [("three", "", False)],
        "three": [("one", "", False)],
        "on-it": [("one", "", False)],
        "free": [],
        # Each is good to have for the other: no circle of what is required.
        "left": [("right", "", True)],
        "right": [("left", "", True)],
    }
    host = _host(folder, circle)
    reasons = {found.id: found.reason for found in host.installed()}
    assert reasons["one"] == "requires itself: one → two → three → one"
    assert reasons["three"] == "requires itself: three → one → two → three"
    assert reasons["on-it"].startswith("needs one, which is off: requires itself")
    assert host.registry(frozenset(circle)).enabled == {"core", "free", "left", "right"}
    assert set(host.off(frozenset(circle))) == {"one", "two", "three", "on-it"}
