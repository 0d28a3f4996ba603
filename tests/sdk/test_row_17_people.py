"""Row 17: loader per request ctx; JSON baseline like NetBox. Here for what a plugin adds to the
core's register of residents, whose rows are masked and lie at places."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_sdk.context import Context
from jingwei_sdk.personal import Masked
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, Extension
from tests.api.planning.conftest import sent
from tests.api.world import GRID, SIBLING, City
from tests.sdk.graphql_scene import GraphQLScene, found

NUMBER = "000000198002290127"
PERMISSION = "care.read"
FIELDS = "name carePlans careSeen place { name } documentNumber { shown isMasked }"
ASKED = f"{{ people(first: 100) {{ totalCount edges {{ node {{ id {FIELDS} }} }} }} }}"
_BATCHES: list[list[uuid.UUID]] = []
_PLANS = "SELECT id, 2 AS plans FROM unnest($1::uuid[]) AS p(id)"
_PEOPLE = """
INSERT INTO core.person (name, place_id, document_type, document_number)
SELECT $1 || n, $2, 'resident_id', $3 FROM generate_series(1, 6) AS n RETURNING id
"""
_ROLE = "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id"
_POST = """
INSERT INTO core.post (account, role, place_id, valid_from) VALUES ($1, $2, $3, '2026-01-01')
RETURNING id
"""


async def _plans(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """One statement for all rows of the answer."""
    _BATCHES.append([row["id"] for row in rows])
    told = await ctx.data.fetch(_PLANS, [row["id"] for row in rows])
    plans = {row["id"]: row["plans"] for row in told}
    return [plans[row["id"]] for row in rows]


async def _seen(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the plugin's code is given of a number."""
    given = [row["document_number"] for row in rows]
    return [f"{type(one).__name__} {one.shown}" for one in given if isinstance(one, Masked)]


CARE = Plugin(
    id="care",
    package="tests",
    extensions=(
        Extension(
            "Person",
            computed={
                "care_plans": Computed(int, ("id",), _plans, permission=PERMISSION),
                "care_seen": Computed(str, ("document_number",), _seen),
            },
        ),
    ),
)


async def _settle(city: City, mark: str) -> None:
    """Six residents in each of two grids; one who may read all of it works in one of them."""
    await city.value("DELETE FROM core.person")
    for path in (GRID, SIBLING):
        await city.value(_PEOPLE, f"{mark}{path}", city.places[path], NUMBER)
    for login, codes in {"idle": ["person.read", "place.read", PERMISSION],
                         "quiet": ["person.read", "place.read"]}.items():  # fmt: skip
        role = await city.value(_ROLE, f"{mark}{login}", codes)
        await city.value(_POST, city.accounts[login], role, city.places[GRID])


async def test_a_field_on_residents_is_one_batch_of_rows_in_sight(
    graphql_scene: GraphQLScene,
) -> None:
    city, held = graphql_scene.world.yichang, found(CARE, PERMISSION)
    async with graphql_scene.having([held], {"yichang": ["care"]}) as asking:
        await _settle(city, "one")
        carer = asking.by("yichang", "idle")
        await carer.data(ASKED)
        _BATCHES.clear()
        with sent() as noted:
            told = (await carer.data(ASKED))["people"]
        few = len(noted.trips) + len(noted.in_units)
        nodes = [edge["node"] for edge in told["edges"]]
        grid = await city.value("SELECT name FROM core.place WHERE id = $1", city.places[GRID])
        assert {node["place"]["name"] for node in nodes} == {grid}
        assert [node["carePlans"] for node in nodes] == [2] * 6
        # Neither the plugin's code nor the people who read it are given a number in clear.
        stars = f"{NUMBER[:3]}{'*' * 13}{NUMBER[-2:]}"
        assert {node["documentNumber"]["shown"] for node in nodes} == {stars}
        assert {node["careSeen"] for node in nodes} == {f"Masked {stars}"}
        at_home = "SELECT array_agg(id ORDER BY id) FROM core.person WHERE place_id = $1"
        here: list[uuid.UUID] = await city.value(at_home, city.places[GRID])
        assert [sorted(batch) for batch in _BATCHES] == [here]

        await city.value(_PEOPLE, "more", city.places[GRID], NUMBER)
        await carer.data(ASKED)
        with sent() as noted:
            told = (await carer.data(ASKED))["people"]
        assert told["totalCount"] == 12
        assert len(noted.trips) + len(noted.in_units) == few == 2


async def test_a_field_on_residents_needs_its_permission_and_goes_with_its_plugin(
    graphql_scene: GraphQLScene,
) -> None:
    city, held = graphql_scene.world.yichang, found(CARE, PERMISSION)
    async with graphql_scene.having([held], {"yichang": ["care"]}) as asking:
        await _settle(city, "two")
        shown = (await asking.by("yichang").data(ASKED))["people"]["edges"]
        assert {edge["node"]["carePlans"] for edge in shown} == {2}
        hidden = (await asking.by("yichang", "quiet").data(ASKED))["people"]["edges"]
        assert {edge["node"]["carePlans"] for edge in hidden} == {None}
        # Who may not read residents is told of none, and of no plans.
        assert (await asking.by("yichang", "worker").data(ASKED))["people"]["edges"] == []
        told = await asking.by("changzhi")(ASKED)
        assert "Cannot query field 'carePlans'" in told["errors"][0]["message"]
        await graphql_scene.switch({})
        told = await asking.by("yichang")(ASKED)
        assert "Cannot query field 'carePlans'" in told["errors"][0]["message"]
        without = ASKED.replace("carePlans careSeen", "")
        assert len((await asking.by("yichang").data(without))["people"]["edges"]) == len(shown)
