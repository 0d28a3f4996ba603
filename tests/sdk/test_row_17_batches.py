"""Row 17: loader per request ctx; JSON baseline like NetBox.

The contract of a batch is ``Computed.resolve(ctx, rows)``: it is called once for all rows of an
answer, so that statements do not grow with rows. Here it is held for fields that a plugin adds to
``Account``, ``Organisation``, ``Event`` and ``Place``; the kit's fixture ``query_counts`` holds the
baseline of each plugin.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from jingwei_core.plugins.discovery import discover
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Extension, Many
from tests.api.planning.conftest import Asker, sent
from tests.api.world import GRID, PROOF_THING, SIBLING, add_organisation
from tests.sdk.graphql_scene import GraphQLScene, found

_KNOWN = """
SELECT p.id, count(*) OVER () AS all_of_them FROM unnest($1::uuid[]) AS p(id)
"""
_BATCHES: list[int] = []


async def _in_one(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """One statement for all rows of the answer."""
    _BATCHES.append(len(rows))
    told = await ctx.data.fetch(_KNOWN, [row["id"] for row in rows])
    found = {row["id"]: row["all_of_them"] for row in told}
    return [found[row["id"]] for row in rows]


async def _one_by_one(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """One statement for each row: what the baseline finds."""
    return [len(await ctx.data.fetch(_KNOWN, [row["id"]])) for row in rows]


TYPES = {"Account": "accounts", "Organisation": "organisations", "Event": "events",
         "Place": "places"}  # fmt: skip


def _reach(resolve: Any = _in_one) -> Plugin:
    """A plugin that adds a field to four types of the core, and a relation to one."""
    worked = Computed(int, ("id",), resolve, permission="reach.read")
    return Plugin(
        id="reach",
        package="tests",
        records=(PROOF_THING,),
        extensions=(
            *(Extension(name, computed={"reach_count": worked}) for name in TYPES),
            Extension("Place", relations={"reach_things": Many("ProofThing", "place_id")}),
        ),
    )


CODES = ("reach.read", "proof.thing.read", "proof.address.read")
OLD = {"sdk": ">=0.1,<1"}
_ENABLED = {"yichang": ["reach"]}
_EVENTS = """
WITH w AS (INSERT INTO core.workflow (code, digest, definition) VALUES ($3, $3, '{}') RETURNING id),
 k AS (INSERT INTO core.event_kind (code, name, workflow) VALUES ($3, 'hole', $3) RETURNING id)
INSERT INTO core.event (number, kind, workflow, state, title, state_since, place_id, lon_e7, lat_e7,
 reporter) SELECT $3 || n, k.id, w.id, 'open', 'a hole', now(), $1, 1112950000, 306950000, $2
 FROM w, k, generate_series(1, 6) AS n RETURNING id
"""
_PLACES = """
INSERT INTO core.place (parent, level, ordinal, path, depth, name, search_text, valid_from)
SELECT $1, 'grid', n, '/1/' || n || '/', 1, 'grid ' || n, '', '2026-01-01'
  FROM generate_series($2::integer, $2::integer + 5) AS n RETURNING id
"""
_ACCOUNTS = """
INSERT INTO core.account (login, name) SELECT $1 || n, $1 || n FROM generate_series(1, 6) AS n
RETURNING id
"""


async def _more(scene: GraphQLScene) -> None:
    """Six rows more of each of the four types."""
    city, mark = scene.world.yichang, uuid.uuid4().hex[:8]
    await city.value(_EVENTS, city.places[GRID], city.accounts["chief"], mark)
    await city.value(_PLACES, city.places["/1/"], 2000 + int(mark, 16) % 1_000_000)
    await city.value(_ACCOUNTS, mark)
    for number in range(6):
        await add_organisation(city, 5000 + number, SIBLING)


def _document(plural: str, more: str = "") -> str:
    return f"{{ {plural}(first: 100) {{ edges {{ node {{ id reachCount {more} }} }} }} }}"


async def _statements(asker: Asker, document: str) -> tuple[int, int]:
    """How many statements the second time takes, and how many rows it shows."""
    await asker.data(document)
    with sent() as noted:
        told = await asker.data(document)
    (listed,) = told.values()
    return len(noted.trips) + len(noted.in_units), len(listed["edges"])


@pytest.mark.parametrize("plural", TYPES.values())
async def test_twice_the_rows_take_as_many_statements(
    plural: str, graphql_scene: GraphQLScene
) -> None:
    held = found(_reach(), *CODES, **OLD)
    async with graphql_scene.having([held], _ENABLED) as asking:
        await _more(graphql_scene)
        before, few = await _statements(asking.by("yichang"), _document(plural))
        await _more(graphql_scene)
        after, many = await _statements(asking.by("yichang"), _document(plural))
    assert many >= few + 6
    assert after == before == 2  # the list, and the field of all its rows
    assert _BATCHES[-1] == many


async def test_a_field_that_asks_for_each_row_is_seen(graphql_scene: GraphQLScene) -> None:
    held = found(_reach(_one_by_one), *CODES, **OLD)
    async with graphql_scene.having([held], _ENABLED) as asking:
        await _more(graphql_scene)
        count, rows = await _statements(asking.by("yichang"), _document("organisations"))
    assert count == rows + 1


async def test_two_lists_of_one_answer_are_one_batch(graphql_scene: GraphQLScene) -> None:
    held = found(_reach(), *CODES, **OLD)
    asked = "{ one: places(first: 2) { edges { node { reachCount children(first: 9) {"
    asked += " edges { node { reachCount } } } } } } two: places(last: 1) { edges { node {"
    asked += " reachCount } } } }"
    async with graphql_scene.having([held], _ENABLED) as asking:
        await _more(graphql_scene)
        _BATCHES.clear()
        await asking.by("yichang").data(asked)
    assert len(_BATCHES) == 1
    assert _BATCHES[0] >= 5


@pytest.mark.parametrize("plural", TYPES.values())
async def test_a_field_on_a_core_type_needs_its_permission_and_goes_with_its_plugin(
    plural: str, graphql_scene: GraphQLScene
) -> None:
    held = found(_reach(), *CODES, **OLD)
    async with graphql_scene.having([held], _ENABLED) as asking:
        await _more(graphql_scene)
        (shown,) = (await asking.by("yichang").data(_document(plural))).values()
        assert all(edge["node"]["reachCount"] for edge in shown["edges"])
        (hidden,) = (await asking.by("yichang", "worker").data(_document(plural))).values()
        assert {edge["node"]["reachCount"] for edge in hidden["edges"]} == {None}
        assert hidden["edges"]
        told = await asking.by("changzhi")(_document(plural))
        assert "Cannot query field 'reachCount'" in told["errors"][0]["message"]


async def test_a_relation_on_a_core_type_is_read_by_the_right_of_its_target(
    graphql_scene: GraphQLScene,
) -> None:
    held = found(_reach(), *CODES, **OLD)
    asked = "{ places(first: 3) { edges { node { reachThings(first: 2) { totalCount } } } } }"
    async with graphql_scene.having([held], _ENABLED) as asking:
        chief = (await asking.by("yichang").data(asked))["places"]["edges"]
        assert sum(edge["node"]["reachThings"]["totalCount"] for edge in chief) > 0
        worker = (await asking.by("yichang", "worker").data(asked))["places"]["edges"]
        assert {edge["node"]["reachThings"]["totalCount"] for edge in worker} == {0}
        told = await asking.by("changzhi")(asked)
        assert "Cannot query field 'reachThings'" in told["errors"][0]["message"]


ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("tests", "records"),
    [
        ("plugins/safety_production/tests", "safety-production"),
        ("examples/road-lamp-patrol/tests", ""),
    ],
)
def test_plugins_have_their_baselines_as_data(tests: str, records: str) -> None:
    """Each is held by a test of the plugin, with the kit: it fails with one statement more."""
    known: dict[str, int] = json.loads((ROOT / tests / "query_counts.json").read_text("utf-8"))
    assert known
    assert max(known.values()) <= 3
    if records:
        names = {one.name for one in discovered(records).records}
        assert {name for name in known if name in names} == names


def discovered(plugin_id: str) -> Plugin:
    (plugin,) = [one.plugin for one in discover() if one.id == plugin_id]
    assert plugin is not None
    return plugin
