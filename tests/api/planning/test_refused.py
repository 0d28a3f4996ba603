"""What is refused of an operation takes away its own field, and nothing of its neighbours."""

import uuid
from typing import Any

import pytest

from jingwei_api.schema import global_id
from tests.api.planning.conftest import Asker, sent
from tests.api.world import GRID, World

PAGES = """query($first: Int, $after: String, $last: Int, $under: ID, $search: String,
    $filter: OrganisationFilter, $id: ID!, $ids: [ID!]!) {
  bad: organisations(first: $first, after: $after, last: $last, under: $under, search: $search,
                     filter: $filter) { edges { node { name } } }
  one: organisation(id: $id) { name }
  any: node(id: $id) { id }
  many: nodes(ids: $ids) { id }
  good: organisations(first: 1, orderBy: [{ field: NAME }]) { edges { node { name } } }
  me { name } }"""
GOOD = {"good": {"edges": [{"node": {"name": "yichang 000"}}]}, "me": {"name": "yichang worker"}}
EVENT = global_id.encode("Event", uuid.UUID(int=1))


def _codes(told: dict[str, Any]) -> list[tuple[list[str], str]]:
    return [(error["path"], error["extensions"]["code"]) for error in told.get("errors", ())]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ({"first": 101}, [("bad", "PAGE_SIZE_INVALID")]),
        ({"first": 1, "last": 1}, [("bad", "PAGE_BOTH_WAYS")]),
        ({"after": "forged"}, [("bad", "CURSOR_INVALID")]),
        ({"under": "no id"}, [("bad", "ID_INVALID")]),
        ({"under": EVENT}, [("bad", "ID_OF_OTHER_TYPE")]),
        ({"search": "a\x00b"}, [("bad", "VALUE_UNSTORABLE")]),
        ({"filter": {"name": {"eq": "a\x00"}}}, [("bad", "VALUE_UNSTORABLE")]),
        ({"filter": {"name": {"in": ["b", "a\x00"]}}}, [("bad", "VALUE_UNSTORABLE")]),
        ({"filter": {"name": {"eq": None}}}, [("bad", "FILTER_EMPTY")]),
        ({"filter": {"place": {"in": [EVENT]}}}, [("bad", "ID_OF_OTHER_TYPE")]),
        ({"id": "no id"}, [("one", "ID_INVALID"), ("any", "ID_INVALID")]),
        ({"id": EVENT}, [("one", "ID_OF_OTHER_TYPE")]),
        ({"ids": ["no id"]}, [("many", "ID_INVALID")]),
        ({"ids": [EVENT] * 101}, [("many", "PAGE_SIZE_INVALID")]),
        ({"first": -1, "id": "no id", "ids": [""], "filter": {"name": {"eq": None}}},
         [("bad", "PAGE_SIZE_INVALID"), ("one", "ID_INVALID"), ("any", "ID_INVALID"),
          ("many", "ID_INVALID")]),
        ({"after": "forged", "under": "no id"}, [("bad", "CURSOR_INVALID")]),
    ],
)  # fmt: skip
async def test_refused_arguments_leave_their_neighbours(
    staff: Asker, world: World, given: dict[str, Any], refused: list[tuple[str, str]]
) -> None:
    mine = global_id.encode("Organisation", world.yichang.organisations[0])
    variables = {"id": mine, "ids": [mine], **given}
    for _ in range(2):  # the second time the statement is known, and what it leaves out
        told = await staff(PAGES, **variables)
        assert sorted(_codes(told)) == sorted(([path], code) for path, code in refused)
        assert {**told["data"], **GOOD} == told["data"]
        assert [key for key, _ in refused if told["data"][key] is not None] == []
        kept = {"bad", "one", "any", "many"} - {key for key, _ in refused}
        if "id" not in given:
            assert [key for key in kept if not told["data"][key]] == []


UNREAD = """query($under: ID, $search: String, $filter: OrganisationFilter, $some: Boolean!) {
  typename: organisations(under: $under, search: $search, filter: $filter) { __typename }
  nothing: organisations(under: $under, search: $search, filter: $filter, first: 0) {
    pageInfo { startCursor hasPreviousPage } }
  none: organisations(under: $under, search: $search, filter: $filter) {
    edges @include(if: $some) { cursor } }
  figures: events { aggregate(by: []) { groups { key { place {
    organisations(under: $under, search: $search, filter: $filter) { __typename } } } } } }
  me { name } }"""


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"under": "no id"}, "ID_INVALID"),
        ({"under": EVENT}, "ID_OF_OTHER_TYPE"),
        ({"search": "a\x00b"}, "VALUE_UNSTORABLE"),
        ({"filter": {"name": {"startsWith": "a\x00"}}}, "VALUE_UNSTORABLE"),
        ({"filter": {"place": {"eq": "no id"}}}, "ID_INVALID"),
        ({"filter": {"place": {"in": [EVENT]}}}, "ID_OF_OTHER_TYPE"),
        ({"filter": {"name": {"in": None}}}, "FILTER_EMPTY"),
    ],
)
async def test_an_argument_is_refused_whether_or_not_a_row_is_read(
    staff: Asker, given: dict[str, Any], code: str
) -> None:
    within = ["figures", "aggregate", "groups", "key", "place", "organisations"]
    refused = [["typename"], ["nothing"], ["none"], within]
    for _ in range(2):
        good = await staff.data(UNREAD, some=False)
        told = await staff(UNREAD, some=False, **given)
        assert sorted(_codes(told)) == sorted((path, code) for path in refused)
        gone = {"typename": None, "nothing": None, "none": None}
        assert told["data"] == {**good, **gone}


async def test_what_a_document_fixes_is_refused_alike(staff: Asker) -> None:
    told = await staff("""{
      a: organisations(under: "no id") { __typename }
      b: organisations(filter: { place: { eq: "no id" } }) { pageInfo { hasPreviousPage } }
      c: organisations(search: "a\\u0000") { __typename }
      d: organisations(under: "no id") @skip(if: true) { __typename } }""")
    codes = {"a": "ID_INVALID", "b": "ID_INVALID", "c": "VALUE_UNSTORABLE"}
    assert _codes(told) == [([key], code) for key, code in codes.items()]
    assert told["data"] == dict.fromkeys(codes)


async def test_the_path_of_a_refused_relation_names_fields_and_no_rows(staff: Asker) -> None:
    query = """query($after: String, $first: Int) { organisations(first: 3) { edges { node {
      name here: place { o: organisations(after: $after, first: $first) { totalCount } } } } } }"""
    path = ["organisations", "edges", "node", "here", "o"]
    for given, code in (({"after": "x"}, "CURSOR_INVALID"), ({"first": 999}, "PAGE_SIZE_INVALID")):
        told = await staff(query, **given)
        assert _codes(told) == [(path, code)]
        assert told["errors"][0]["locations"] == [{"line": 2, "column": 26}]
        nodes = [edge["node"] for edge in told["data"]["organisations"]["edges"]]
        assert [(len(node["name"]), node["here"]) for node in nodes] == [(11, {"o": None})] * 3


async def test_below_a_refused_field_nothing_is_told(staff: Asker) -> None:
    told = await staff(
        """{ organisations(first: 999) { edges { node { place { organisations(first: 999) {
          totalCount } } } } } }"""
    )
    assert _codes(told) == [(["organisations"], "PAGE_SIZE_INVALID")]


async def test_a_filter_on_a_guarded_column_needs_its_guard(staff: Asker, centre: Asker) -> None:
    query = """query($filter: ProofThingFilter) { proof {
      things(filter: $filter) { totalCount } } me { name } }"""
    by_address = "{ proof { things { aggregate(by: [ADDRESS]) { count } } } me { name } }"
    assert "errors" not in await centre(by_address)
    assert query
    told = await staff(by_address)
    assert [code for _, code in _codes(told)] in ([], ["PERMISSION_DENIED"])
    assert told["data"]["me"] == GOOD["me"]


async def test_a_position_and_a_kind_are_refused_where_they_are_given(
    staff: Asker, event: uuid.UUID
) -> None:
    query = """query($lon: Float!, $crs: String!, $kind: String!) {
      placeAt(lon: $lon, lat: 30.695, crs: $crs) { name }
      hints: eventDuplicates(kindCode: $kind, lon: $lon, lat: 30.695, crs: $crs) { distanceM }
      me { name } }"""
    good = {"lon": 111.295, "crs": "EPSG:4490", "kind": "proof.hole"}
    told = await staff(query, **good)
    assert told == {
        **told,
        "data": {"placeAt": None, "hints": [{"distanceM": 0}], "me": GOOD["me"]},
    }
    both = [["placeAt"], ["hints"]]
    for given, paths, code in (
        ({"crs": "GCJ-02"}, both, "CRS_UNSUPPORTED"),
        ({"lon": 0.0}, both, "POSITION_OUTSIDE"),
        ({"kind": "none"}, [["hints"]], "EVENT_KIND_UNKNOWN"),
    ):
        told = await staff(query, **{**good, **given})
        assert sorted(_codes(told)) == sorted((path, code) for path in paths)
        assert told["data"]["me"] == GOOD["me"]


async def test_a_document_that_cannot_run_sends_no_statement(staff: Asker) -> None:
    await staff("{ me { name } }")
    with sent() as noted:
        for text in ("{", "{ nothing }", "query($a: Int!) { me { name } }", "{ a } { b }"):
            assert "data" not in await staff(text)
    assert noted.in_units == []
    assert all("core.account" not in sql for sql in noted.trips)


async def test_a_cursor_is_good_in_its_own_list_only(staff: Asker, world: World) -> None:
    query = """query($after: String) {
      organisations(first: 1, after: $after, orderBy: [{ field: NAME }]) { edges { cursor } }
      other: organisations(first: 1, after: $after) { edges { cursor } }
      place: places(first: 1, after: $after) { edges { cursor } }
      below: place(id: "%s") { organisations(first: 1, after: $after, orderBy: [{ field: NAME }]) {
        edges { cursor } } } }""" % global_id.encode("Place", world.yichang.places[GRID])  # noqa: UP031
    cursor = (await staff.data(query))["organisations"]["edges"][0]["cursor"]
    told = await staff(query, after=cursor)
    assert sorted(_codes(told)) == [(["other"], "CURSOR_INVALID"), (["place"], "CURSOR_INVALID")]
    following = told["data"]["organisations"]["edges"][0]["cursor"]
    assert following != cursor
    assert told["data"]["below"]["organisations"]["edges"][0]["cursor"] == following
