"""Row 15: clash → that plugin off, others served."""

from typing import Any

import pytest

from jingwei_api.schema import builder
from jingwei_core.plugins.host import PluginHost
from jingwei_core.plugins.overview import tenant_lines
from tests.api.declarations import other_record
from tests.api.generated import generated
from tests.api.test_name_check import Level as OneLevel
from tests.api.test_name_check import OtherLevel as AnotherLevel
from tests.api.test_name_check import _adding, _plugin, _with_level
from tests.sdk.graphql_scene import GraphQLScene, found

OLD = {"sdk": ">=0.1,<1"}
_TOLD = "{ platform { plugins { plugin state reason version } } __schema { types { name } } }"


async def _names(asker: Any) -> tuple[dict[str, Any], set[str]]:
    told = await asker.data(_TOLD)
    lines = {one["plugin"]: one for one in told["platform"]["plugins"]}
    return lines, {one["name"] for one in told["__schema"]["types"]}


async def test_the_later_of_two_is_off_where_both_are_on_and_served_where_it_is_alone(
    graphql_scene: GraphQLScene,
) -> None:
    plugins = [
        found(_with_level("aaa", "FirstTold", OneLevel), "told.read", **OLD),
        found(_with_level("bbb", "SecondTold", AnotherLevel), "heard.read", **OLD),
        found(generated(1), "made1.read", "made1.write", graphql_prefix="Made1"),
    ]
    enabled = {"yichang": ["aaa", "bbb", "made1"], "changzhi": ["bbb", "made1"]}
    async with graphql_scene.having(plugins, enabled) as asking:
        lines, names = await _names(asking.by("yichang"))
        assert (lines["aaa"]["state"], lines["made1"]["state"]) == ("enabled", "enabled")
        assert lines["bbb"]["state"] == "clash"
        assert "SCHEMA_CLASH name='Level' owners=['aaa', 'bbb']" in lines["bbb"]["reason"]
        assert {"FirstTold", "Made1Thing"} <= names
        assert "SecondTold" not in names
        # The command line shows the same line.
        host = graphql_scene.platform.host
        shown = {one.id: one for one in tenant_lines(host, frozenset(enabled["yichang"]), "en")}
        assert (shown["bbb"].state, shown["bbb"].reason) == ("clash", lines["bbb"]["reason"])
        # In the other city nothing clashes.
        lines, names = await _names(asking.by("changzhi"))
        assert (lines["bbb"]["state"], lines["bbb"]["reason"]) == ("enabled", "")
        assert lines["aaa"]["state"] == "disabled"
        assert {"SecondTold", "Made1Thing"} <= names


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (_plugin("late", records=(other_record("EventConnection"),)), "EventConnection"),
        (_plugin("my-queue", records=(other_record("Late"),)), "Query.myQueue"),
        (_adding("late", "Event", "stateDueAT"), "permissions"),
    ],
    ids=["a type", "a field of Query", "none"],
)
async def test_what_clashes_with_the_core_is_off_for_everybody(
    plugin: Any, name: str, graphql_scene: GraphQLScene
) -> None:
    held = found(plugin, "other.read", "told.read", **OLD)
    async with graphql_scene.having([held], {"yichang": [plugin.id]}) as asking:
        lines, names = await _names(asking.by("yichang"))
    if name == "permissions":  # another spelling is another name
        assert lines[plugin.id]["state"] == "enabled"
        return
    assert lines[plugin.id]["state"] == "clash"
    assert name in lines[plugin.id]["reason"]
    assert {"Event", "EventConnection"} <= names


def test_it_is_found_before_any_schema_is_made(
    graphql_scene: GraphQLScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> object:
        raise AssertionError("a schema was made")

    monkeypatch.setattr(builder, "build_schema", never)
    monkeypatch.setattr("strawberry.Schema.__init__", never)
    plugins = [found(generated(number), **OLD) for number in range(3)]
    clashing = found(_plugin("zzz", records=(other_record("Made1Thing"),)), **OLD)
    core = graphql_scene.platform.host.core
    host = PluginHost(core, [*plugins, clashing])
    off = host.off(frozenset({"made0", "made1", "made2", "zzz"}))
    assert {one: off[one].state for one in off} == {"zzz": "clash"}
    assert host.off(frozenset({"made0", "made2", "zzz"})) == {}
