"""Row 14: one namespace field per plugin, prefixed types, relay ids."""

import enum
from typing import Any

from jingwei_api.schema import global_id
from jingwei_core.registers.tables import Organisation
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import AtPlace, Record
from tests.api.generated import generated
from tests.sdk.graphql_scene import GraphQLScene, found


class Level(enum.StrEnum):
    """An enum of no plugin's name."""

    LOW = "low"


def _shops(prefix: str, plugin_id: str = "shops") -> Plugin:
    """A plugin that reads organisations under a name of its own and renames them."""
    record = Record(
        Organisation,
        read="shops.read",
        scope=(AtPlace(),),
        name=f"{prefix}Stall",
        sort=("name",),
        filters=("name",),
        hidden=frozenset({"place_path", "search_text"}),
    )
    name = f"{prefix[0].lower()}{prefix[1:]}.stall.touch"

    @command(name.lower(), permission="shops.read", on=record)
    async def touch(ctx: Context, stall: Organisation) -> Organisation:
        """Touch a stall."""
        return stall

    return Plugin(id=plugin_id, package="tests", records=(record,), commands=(touch,))


_NAMES = "{ __schema { queryType { fields { name } } types { name } } }"
_ENABLED = {"yichang": ["shops"]}
_STALLS = "{ shops { stalls(first: 1) { edges { node { id name } } } } }"


async def test_a_plugin_is_one_field_and_its_types_carry_its_prefix(
    graphql_scene: GraphQLScene,
) -> None:
    plugin = found(_shops("Shops"), "shops.read", graphql_prefix="Shops")
    async with graphql_scene.having([plugin], _ENABLED) as asking:
        with_it = (await asking.by("yichang").data(_NAMES))["__schema"]
        without = (await asking.by("changzhi").data(_NAMES))["__schema"]
    fields = [{one["name"] for one in told["queryType"]["fields"]} for told in (with_it, without)]
    assert fields[0] - fields[1] == {"shops"}
    types = [{one["name"] for one in told["types"]} for told in (with_it, without)]
    added = types[0] - types[1]
    assert {"ShopsStall", "ShopsStallConnection", "ShopsStallTouchPayload"} <= added
    assert {name for name in added if not name.startswith("Shops")} == set()


async def test_an_id_of_its_rows_is_asked_for_again_like_every_other(
    graphql_scene: GraphQLScene,
) -> None:
    plugin = found(_shops("Shops"), "shops.read", graphql_prefix="Shops")
    again = "query($id: ID!) { node(id: $id) { id __typename ... on ShopsStall { name } } }"
    async with graphql_scene.having([plugin], _ENABLED) as asking:
        reader = asking.by("yichang")
        ((edge),) = (await reader.data(_STALLS))["shops"]["stalls"]["edges"]
        told = (await reader.data(again, id=edge["node"]["id"]))["node"]
        assert told == {**edge["node"], "__typename": "ShopsStall"}
        name, row_id = global_id.decode(edge["node"]["id"])
        assert (name, row_id in graphql_scene.world.yichang.organisations) == ("ShopsStall", True)
        elsewhere = "query($id: ID!) { node(id: $id) { id } }"
        neighbour = asking.by("changzhi")
        assert await neighbour.data(elsewhere, id=edge["node"]["id"]) == {"node": None}


async def test_a_name_without_the_prefix_puts_its_plugin_off_and_says_which(
    graphql_scene: GraphQLScene,
) -> None:
    plugins = [
        found(_shops("Market"), "shops.read", graphql_prefix="Shops"),
        found(generated(1), "made1.read", "made1.write", graphql_prefix="Made1"),
    ]
    both = {"yichang": ["shops", "made1"]}
    async with graphql_scene.having(plugins, both) as asking:
        told = await asking.by("yichang").data(
            "{ platform { plugins { plugin state reason } } __schema { types { name } } }"
        )
    shown: dict[str, Any] = {one["plugin"]: one for one in told["platform"]["plugins"]}
    # It cannot be served to anybody, so it is no candidate at all.
    assert shown["shops"]["state"] == "clash"
    for name in ("MarketStall", "Mutation.marketStallTouch"):
        assert name in shown["shops"]["reason"]
    assert shown["made1"] == {"plugin": "made1", "state": "enabled", "reason": ""}
    names = {one["name"] for one in told["__schema"]["types"]}
    assert "Made1Thing" in names
    assert not any(name.startswith("Market") for name in names)


async def test_a_plugin_of_the_previous_major_needs_no_prefix(graphql_scene: GraphQLScene) -> None:
    old = found(_shops("Market"), "shops.read", sdk=">=0.1,<1")
    new = found(_shops("Bazaar", "bazaar"), "shops.read")
    both = {"yichang": ["shops", "bazaar"]}
    async with graphql_scene.having([old, new], both) as asking:
        told = await asking.by("yichang").data("{ platform { plugins { plugin state reason } } }")
    states = {one["plugin"]: (one["state"], one["reason"]) for one in told["platform"]["plugins"]}
    assert states["shops"] == ("enabled", "")
    assert "SCHEMA_PREFIX_MISSING" in states["bazaar"][1]
