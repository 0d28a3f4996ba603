"""Reading over HTTP: nodes, connections, filters, scope, batching."""

from typing import Any

import pytest

from jingwei_api.schema import global_id
from jingwei_core.database.reading import Reading
from jingwei_core.platform import Platform
from tests.api.client import Client
from tests.api.world import GRID, ORGANISATIONS, ROOT, SIBLING, World

PAGE = """
query Page($first: Int, $after: String, $last: Int, $before: String) {
  organisations(first: $first, after: $after, last: $last, before: $before,
                orderBy: [{ field: NAME }]) {
    totalCount
    edges { cursor node { id name } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


def _names(connection: dict[str, Any]) -> list[str]:
    return [edge["node"]["name"] for edge in connection["edges"]]


async def test_me_says_who_is_signed_in(worker: Client, world: World) -> None:
    me = (
        await worker.data(
            "{ me { id name permissions posts { edges { node { place { name } } } } } }"
        )
    )["me"]
    assert me == {
        "id": global_id.encode("Account", world.yichang.accounts["worker"]),
        "name": "yichang worker",
        "permissions": ["event.read", "organisation.read", "place.read", "staff.read"],
        "posts": {"edges": [{"node": {"place": {"name": f"yichang{GRID}"}}}]},
    }


async def test_pages_forwards_meet_every_row_once(worker: Client) -> None:
    seen: list[str] = []
    after = None
    for _ in range(4):
        page = (await worker.data(PAGE, first=7, after=after))["organisations"]
        assert page["totalCount"] == ORGANISATIONS
        assert page["pageInfo"]["hasPreviousPage"] == (after is not None)
        seen += _names(page)
        after = page["pageInfo"]["endCursor"]
        assert page["pageInfo"]["hasNextPage"] == (len(seen) < ORGANISATIONS)
    assert seen == [f"yichang {number:03}" for number in range(ORGANISATIONS)]


async def test_pages_backwards_keep_the_order_of_the_list(worker: Client) -> None:
    last = (await worker.data(PAGE, last=3))["organisations"]
    assert _names(last) == ["yichang 022", "yichang 023", "yichang 024"]
    assert last["pageInfo"]["hasPreviousPage"] is True
    assert last["pageInfo"]["hasNextPage"] is False
    before = last["pageInfo"]["startCursor"]
    previous = (await worker.data(PAGE, last=2, before=before))["organisations"]
    assert _names(previous) == ["yichang 020", "yichang 021"]
    assert previous["pageInfo"]["hasNextPage"] is True


@pytest.mark.parametrize(
    ("given", "code", "field"),
    [
        ({"first": 101}, "PAGE_SIZE_INVALID", "first"),
        ({"first": -1}, "PAGE_SIZE_INVALID", "first"),
        ({"last": 101}, "PAGE_SIZE_INVALID", "last"),
        ({"first": 1, "last": 1}, "PAGE_BOTH_WAYS", "first"),
        ({"first": 1, "after": "forged"}, "CURSOR_INVALID", "after"),
    ],
)
async def test_wrong_pages_are_refused(
    worker: Client, given: dict[str, Any], code: str, field: str
) -> None:
    error = await worker.error(PAGE, **given)
    assert error["extensions"]["code"] == code
    assert error["extensions"]["field"] == field


async def test_a_cursor_of_another_tenant_is_refused(base_url: str, worker: Client) -> None:
    async with Client(base_url, "changzhi") as neighbour:
        await neighbour.sign_in("worker")
        cursor = (await neighbour.data(PAGE, first=1))["organisations"]["edges"][0]["cursor"]
    error = await worker.error(PAGE, first=1, after=cursor)
    assert error["extensions"]["code"] == "CURSOR_INVALID"


async def test_filters_and_search_narrow_the_list(worker: Client, world: World) -> None:
    query = """query($filter: OrganisationFilter, $search: String, $under: ID) {
      organisations(filter: $filter, search: $search, under: $under) { totalCount } }"""

    async def count(**given: Any) -> int:
        found: int = (await worker.data(query, **given))["organisations"]["totalCount"]
        return found

    grid = global_id.encode("Place", world.yichang.places[GRID])
    assert await count(filter={"kind": {"eq": "institution"}}) == 12
    assert await count(filter={"kind": {"in": ["institution", "enterprise"]}}) == 25
    assert await count(filter={"name": {"startsWith": "yichang 01"}}) == 10
    assert await count(filter={"creditCode": {"isNull": False}}) == 0
    assert await count(filter={"place": {"eq": grid}}) == 25
    assert await count(search="yichang 02") == 5
    assert await count(under=grid) == 25
    assert await count(under=global_id.encode("Place", world.yichang.places[SIBLING])) == 0
    error = await worker.error(
        query, filter={"place": {"eq": global_id.encode("Event", world.yichang.places[GRID])}}
    )
    assert error["extensions"]["code"] == "ID_OF_OTHER_TYPE"
    assert error["extensions"]["field"] == "filter.place.eq"
    error = await worker.error(query, filter={"kind": {"eq": None}})
    assert error["extensions"]["code"] == "FILTER_EMPTY"


async def test_node_answers_what_is_in_sight_and_nothing_else(
    worker: Client, chief: Client, world: World
) -> None:
    query = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    city, neighbour = world.yichang, world.changzhi
    mine = global_id.encode("Place", city.places[GRID])
    sibling = global_id.encode("Place", city.places[SIBLING])
    foreign = global_id.encode("Place", neighbour.places[ROOT])
    unknown = global_id.encode("Nothing", city.places[GRID])
    ids = [sibling, mine, foreign, unknown, mine]
    seen = (await worker.data(query, ids=ids))["nodes"]
    here = {"__typename": "Place", "id": mine}
    assert seen == [None, here, None, None, here]
    seen = (await chief.data(query, ids=ids))["nodes"]
    assert [node and node["id"] for node in seen] == [sibling, mine, None, None, mine]
    one = await worker.data(
        "query($id: ID!) { node(id: $id) { id } place(id: $id) { name } }", id=sibling
    )
    assert one == {"node": None, "place": None}


@pytest.mark.parametrize("value", ["", "Place", "UGxhY2U6", "UGxhY2U6eA==", "🦊", "a" * 5000])
async def test_ids_that_are_none_are_refused(worker: Client, value: str) -> None:
    error = await worker.error("query($id: ID!) { node(id: $id) { id } }", id=value)
    assert error["extensions"]["code"] == "ID_INVALID"
    assert error["extensions"]["field"] == "id"


async def test_however_many_relations_are_asked_for_it_is_one_statement(
    chief: Client, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    real = platform.database.read

    async def noted(reading: Reading, sql: str, args: Any) -> bytes | None:
        statements.append(sql)
        return await real(reading, sql, args)

    query = """{ organisations(first: 20) { edges { node {
      name place { name parent { name }
        organisations(first: 2, orderBy: [{ field: NAME }]) { edges { node { name } } } } } } } }"""
    await chief.data(query)  # what is seen of an area is looked at once in a while
    monkeypatch.setattr(platform.database, "read", noted)
    edges = (await chief.data(query))["organisations"]["edges"]
    assert len(edges) == 20
    assert len(edges[-1]["node"]["place"]["organisations"]["edges"]) == 2
    await chief.data("{ organisations { totalCount } }")
    assert ["totalCount" in sql for sql in statements] == [False, True]


async def test_a_computed_field_is_worked_out_once_for_all_rows(chief: Client) -> None:
    query = "{ organisations(first: 20) { edges { node { proofBatch again: proofBatch } } } }"
    edges = (await chief.data(query))["organisations"]["edges"]
    assert len(edges) == 20
    assert {edge["node"]["proofBatch"] for edge in edges} == {20}
    assert {edge["node"]["again"] for edge in edges} == {20}


async def test_a_plugin_is_seen_only_where_it_is_enabled(base_url: str, worker: Client) -> None:
    query = """{ __schema { types { name } queryType { fields { name } } }
                 organisation: __type(name: "Organisation") { fields { name } } }"""
    here = await worker.data(query)
    async with Client(base_url, "changzhi") as neighbour:
        await neighbour.sign_in("worker")
        there = await neighbour.data(query)
        error = await neighbour.error("{ organisations { edges { node { proofBatch } } } }")

    def names(told: dict[str, Any]) -> set[str]:
        fields = told["__schema"]["queryType"]["fields"] + told["organisation"]["fields"]
        return {one["name"] for one in told["__schema"]["types"] + fields}

    added = names(here) - names(there)
    assert {"ProofThing", "ProofThingConnection", "ProofQuery"} <= added
    rest = {name for name in added if not name.startswith("ProofThing")}
    assert rest == {"ProofQuery", "proof", "proofBatch", "proofFailing"}
    assert names(there) < names(here)
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION"
    assert "proofThings" not in error["message"]


async def test_a_plugin_reads_in_its_namespace(chief: Client, worker: Client) -> None:
    query = "{ proof { things(first: 1) { totalCount edges { node { __typename name } } } } }"
    found = (await chief.data(query))["proof"]["things"]
    assert found["totalCount"] == ORGANISATIONS + 1
    assert found["edges"][0]["node"] == {"__typename": "ProofThing", "name": "yichang 000"}
    assert (await worker.data(query))["proof"]["things"] == {"totalCount": 0, "edges": []}
