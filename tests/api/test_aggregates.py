"""Figures over HTTP: by groups, in sight, beside lists wherever there are lists."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from jingwei_api.schema import global_id
from tests.api.client import PASSWORD, Client
from tests.api.world import BEGINNING, GRID, ROOT, SIBLING, City, World

BY_KIND = "aggregate(by: [KIND]) { count isCut groups { key { kind } count } }"


def by_key(aggregate: dict[str, Any], name: str = "kind") -> dict[Any, int]:
    return {group["key"][name]: group["count"] for group in aggregate["groups"]}


async def stored(world: World, path: str = ROOT) -> dict[str, int]:
    """How many organisations there are below a place; other tests add some."""
    async with world.yichang.platform.database.unit(world.yichang.id) as unit:
        rows = await unit.fetch(
            "SELECT kind, count(*) AS n FROM core.organisation WHERE place_path ^@ $1 GROUP BY 1",
            path,
        )
    return {row["kind"]: row["n"] for row in rows}


async def test_groups_count_what_is_in_sight(worker: Client, chief: Client, world: World) -> None:
    query = f"{{ organisations {{ totalCount {BY_KIND} }} }}"
    for client, path in ((worker, GRID), (chief, ROOT)):
        found = (await client.data(query))["organisations"]
        expected = await stored(world, path)
        assert by_key(found["aggregate"]) == expected
        assert found["aggregate"]["count"] == found["totalCount"] == sum(expected.values())
        assert found["aggregate"]["isCut"] is False


async def test_figures_keep_to_the_filter_the_search_and_the_place(
    chief: Client, world: World
) -> None:
    grid = global_id.encode("Place", world.yichang.places[GRID])
    query = """
    query Figures($under: ID, $filter: OrganisationFilter, $search: String) {
      organisations(under: $under, filter: $filter, search: $search, first: 1) {
        aggregate(by: [KIND]) { count groups { key { kind } count } }
        edges { node { name } }
      }
    }
    """
    everywhere, below = await stored(world), await stored(world, GRID)
    one = {"kind": {"in": ["institution"]}}
    cases: list[tuple[dict[str, Any], dict[str, int]]] = [
        ({"under": grid}, below),
        ({"filter": {"kind": {"eq": "enterprise"}}}, {"enterprise": everywhere["enterprise"]}),
        ({"under": grid, "filter": one}, {"institution": below["institution"]}),
        ({"filter": {"name": {"startsWith": "yichang 00"}}}, {"enterprise": 5, "institution": 5}),
        ({"search": "yichang 90"}, {"enterprise": 1}),
        ({"filter": {"creditCode": {"isNull": False}}}, {}),
    ]
    for variables, expected in cases:
        found = (await chief.data(query, **variables))["organisations"]
        assert by_key(found["aggregate"]) == expected, variables
        assert found["aggregate"]["count"] == sum(expected.values())
        assert len(found["edges"]) == min(1, sum(expected.values()))


async def test_the_row_of_a_reference_stands_in_the_key(worker: Client, world: World) -> None:
    query = """{ organisations {
      a: aggregate(by: [PLACE, KIND], orderBy: [{ field: KEY, direction: DESC }]) {
        groups { key { place { __typename id name level } kind __typename } count __typename }
        __typename
      }
      b: aggregate(by: [PLACE]) { groups { n: count key { it: place { id } kind } } }
    } }"""
    found, below = (await worker.data(query))["organisations"], await stored(world, GRID)
    place = global_id.encode("Place", world.yichang.places[GRID])
    told = {"__typename": "Place", "id": place, "name": f"yichang{GRID}", "level": "grid"}
    assert found["a"] == {
        "groups": [
            {
                "key": {"place": told, "kind": kind, "__typename": "OrganisationGroupKey"},
                "count": count,
                "__typename": "OrganisationGroup",
            }
            for kind, count in sorted(below.items(), reverse=True)
        ],
        "__typename": "OrganisationAggregate",
    }
    assert found["b"]["groups"] == [
        {"n": sum(below.values()), "key": {"it": {"id": place}, "kind": None}}
    ]


async def test_a_relation_has_figures_as_a_list_has(chief: Client, world: World) -> None:
    query = f"""query Places($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Place {{
      organisations {{ totalCount {BY_KIND} }} }} }} }}"""
    ids = [global_id.encode("Place", world.yichang.places[path]) for path in (GRID, SIBLING, ROOT)]
    found = (await chief.data(query, ids=ids))["nodes"]
    assert [by_key(node["organisations"]["aggregate"]) for node in found] == [
        await stored(world, GRID),
        await stored(world, SIBLING),
        {},
    ]


async def test_groups_are_limited_and_ordered(chief: Client) -> None:
    query = """query Few($first: Int, $order: [GroupOrder!]) { organisations {
      aggregate(by: [KIND], first: $first, orderBy: $order) { isCut groups { key { kind } } } } }"""

    async def kinds(**variables: Any) -> tuple[list[str], bool]:
        found = (await chief.data(query, **variables))["organisations"]["aggregate"]
        return [group["key"]["kind"] for group in found["groups"]], found["isCut"]

    assert await kinds() == (["enterprise", "institution"], False)
    assert await kinds(first=1) == (["enterprise"], True)
    assert await kinds(first=0) == ([], True)
    assert await kinds(order=[{"field": "COUNT"}], first=1) == (["institution"], True)
    down = [{"field": "KEY", "direction": "DESC"}]
    assert await kinds(order=down) == (["institution", "enterprise"], False)


async def test_without_dimensions_there_is_a_count_and_no_groups(
    chief: Client, world: World
) -> None:
    query = "{ organisations { aggregate { count isCut groups { count } } } }"
    found = (await chief.data(query))["organisations"]["aggregate"]
    assert found == {
        "count": sum((await stored(world)).values()),
        "isCut": False,
        "groups": [],
    }


async def test_my_area_and_my_queue_have_figures_too(worker: Client) -> None:
    inside = """aggregate(by: [STATE, CREATED_AT_DAY]) {
      count min { createdAt } groups { count key { state createdAt { start end date } } } }"""
    found = await worker.data(f"{{ myArea {{ {inside} }} myQueue {{ {inside} }} }}")
    nothing = {"count": 0, "min": {"createdAt": None}, "groups": []}
    assert found == {"myArea": {"aggregate": nothing}, "myQueue": {"aggregate": nothing}}


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ("by: [STATE, KIND, SOURCE, REPORTER]", "GROUPING_TOO_MANY"),
        ("by: [CREATED_AT_DAY, CREATED_AT_MONTH]", "GROUPING_TWICE"),
        ("by: [KIND, KIND]", "GROUPING_TWICE"),
        ("by: [KIND], first: 1001", "PAGE_SIZE_INVALID"),
        ("by: [KIND], first: -1", "PAGE_SIZE_INVALID"),
    ],
)
async def test_what_is_too_much_is_refused_and_its_neighbours_answer(
    worker: Client, arguments: str, code: str
) -> None:
    told = await worker.ask(f"{{ events {{ totalCount aggregate({arguments}) {{ count }} }} }}")
    assert told["data"] == {"events": {"totalCount": 0, "aggregate": None}}
    (error,) = told["errors"]
    assert error["extensions"]["code"] == code
    assert error["path"] == ["events", "aggregate"]
    assert error["message"]


@asynccontextmanager
async def someone(base_url: str, city: City, extra_place: str | None) -> AsyncIterator[Client]:
    """Somebody who reads things in the whole city, and addresses at ``extra_place``."""
    login = f"figures{extra_place or ''}".replace("/", "-")
    account = await city.value(
        "INSERT INTO core.account (login, name, password_hash) SELECT $1, $1, password_hash"
        " FROM core.account WHERE login = 'worker' RETURNING id",
        login,
    )
    wanted = [("things", "proof.thing.read", ROOT)]
    wanted += [("addresses", "proof.address.read", extra_place)] if extra_place else []
    for code, permission, path in wanted:
        await city.value(
            "WITH r AS (INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2)"
            " ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name RETURNING id)"
            " INSERT INTO core.post (account, role, place_id, is_primary, valid_from)"
            " SELECT $3, id, $4, false, $5 FROM r RETURNING id",
            code,
            [permission],
            account,
            city.places[path],
            BEGINNING,
        )
    async with Client(base_url, city.slug) as client:
        await client.sign_in(login, PASSWORD)
        yield client


@pytest.mark.parametrize(("place", "is_shown"), [(None, False), (GRID, False), (ROOT, True)])
async def test_a_guarded_dimension_needs_its_permission_wherever_rows_are_seen(
    base_url: str, world: World, place: str | None, is_shown: bool
) -> None:
    query = """{ proof { things { totalCount aggregate(by: [ADDRESS, KIND]) {
      groups { key { address } count } } } } }"""
    async with someone(base_url, world.yichang, place) as client:
        told = await client.ask(query)
    things = told["data"]["proof"]["things"]
    assert things["totalCount"] == sum((await stored(world)).values())
    if is_shown:
        assert "" in {group["key"]["address"] for group in things["aggregate"]["groups"]}
        return
    assert things["aggregate"] is None
    assert told["errors"][0]["extensions"]["code"] == "PERMISSION_DENIED"
