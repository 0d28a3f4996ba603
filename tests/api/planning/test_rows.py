"""Rows of several records, audited reads, and payloads; what Python still works out."""

import json
import uuid
from typing import Any

import pytest
from graphql import GraphQLUnionType, print_type

from jingwei_api.planning.documents import Documents
from jingwei_api.planning.plans import Plans, Question
from jingwei_api.schema import global_id
from jingwei_api.schema.builder import lean_schema
from jingwei_api.settings import ApiSettings
from jingwei_core.access.permissions import PermissionSet
from jingwei_core.reading.selection import Asked
from jingwei_sdk.errors import Refused
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Either, Extension
from tests.api.declarations import SAFETY, registry
from tests.api.planning.conftest import Asker, sent
from tests.api.world import GRID, ROOT, City, World

SUBJECT = """query($id: ID!) { event(id: $id) { number subject {
  __typename id ... on Organisation { name place { name } } ... on Place { level } } } }"""


async def _about(city: City, event: uuid.UUID, kind: str | None, row: uuid.UUID | None) -> None:
    sql = "UPDATE core.event SET subject_type = $1, subject_id = $2 WHERE id = $3 RETURNING id"
    await city.value(sql, kind, row, event)


async def test_an_event_leads_to_its_subject_whatever_that_is(
    centre: Asker, staff: Asker, world: World, event: uuid.UUID
) -> None:
    city, told = world.yichang, {"id": global_id.encode("Event", event)}
    organisation, place = city.organisations[0], city.places[ROOT]
    seen = {
        "__typename": "Organisation",
        "id": global_id.encode("Organisation", organisation),
        "name": "yichang 000",
        "place": {"name": f"yichang{GRID}"},
    }
    assert (await staff.data(SUBJECT, **told))["event"] == {"number": "1", "subject": seen}
    try:
        await _about(city, event, "Place", place)
        root = {"__typename": "Place", "id": global_id.encode("Place", place), "level": "city"}
        await centre.data(SUBJECT, **told)
        with sent() as noted:
            assert (await centre.data(SUBJECT, **told))["event"]["subject"] == root
        assert noted.in_units == []
        await _about(city, event, "ProofThing", organisation)
        before = len(await _log(city))
        subject = (await centre.data(SUBJECT, **told))["event"]["subject"]
        assert subject == {
            "__typename": "ProofThing",
            "id": global_id.encode("ProofThing", organisation),
        }
        (entry,) = (await _log(city))[before:]
        assert entry["changes"][0]["field"] == "Query.event"
        # Out of sight, of a record that is not there, of none, absent: all read the same.
        assert (await staff.data(SUBJECT, **told))["event"]["subject"] is None
        for kind, row in (("Hazard", place), (None, None), ("Organisation", uuid.uuid4())):
            await _about(city, event, kind, row)
            assert (await centre.data(SUBJECT, **told))["event"]["subject"] is None
    finally:
        await _about(city, event, "Organisation", organisation)


def _with_union(records: tuple[str, ...] = ("Place", "Account")) -> Plugin:
    relations = {"target": Either("subject_type", "subject_id", records)}
    return Plugin(id="late", package="late", extensions=(Extension("Event", relations=relations),))


def test_a_reference_to_listed_records_is_a_union() -> None:
    held = registry(SAFETY, _with_union())
    schema = lean_schema(held)
    union = schema.type_map["EventTarget"]
    assert isinstance(union, GraphQLUnionType)
    assert print_type(union) == "union EventTarget = Place | Account"
    text = "{ events { edges { node { target { __typename ... on Place { name } } } } } }"
    documents, plans = Documents(ApiSettings()), Plans(b"secret")
    question = Question.of(
        documents.prepared("f", schema, text, lambda *_: None).operation(None), {}
    )
    who: Any = None
    asked = Asked(who, who, PermissionSet.everything(), who, "zh", question.variables)
    compiled = plans._plan(
        held, plans.draft(held, question), asked, ((), frozenset(), frozenset())
    ).compiled
    assert compiled.records == {"Event", "Place", "Account"}


def test_a_reference_to_a_record_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused) as refusal:
        registry(_with_union(("Place", "Nothing")))
    assert refusal.value.code == "RECORD_UNKNOWN"
    assert refusal.value.params["targets"] == ["Nothing"]


LOG = """SELECT json_agg(json_build_object('command', command, 'actor', actor_name,
  'target', target_id, 'request', request_id, 'changes', changes) ORDER BY sequence)
  FROM core.audit_entry WHERE command LIKE 'read:%'"""


async def _log(city: City) -> list[dict[str, Any]]:
    return json.loads(await city.value(LOG) or "[]")  # type: ignore[no-any-return]


async def test_reading_an_audited_record_is_in_the_audit_log(
    asking: Any, centre: Asker, world: World
) -> None:
    city = world.yichang
    before = len(await _log(city))
    query = """{ proof { few: things(first: 2) { totalCount edges { node { name } } } }
      places { edges { node { name proofThings(first: 1) { edges { node { i: id } } } } } } }"""
    data = await centre.data(query)
    few = data["proof"]["few"]["edges"]
    assert [list(edge["node"]) for edge in few] == [["name"], ["name"]]
    assert "#" not in json.dumps(data)
    log = (await _log(city))[before:]
    assert [entry["command"] for entry in log] == ["read:ProofThing"] * 2
    assert {entry["actor"] for entry in log} == {"yichang chief"}
    first, other = (entry["changes"][0] for entry in log)
    assert (first["field"], first["count"], len(first["ids"])) == ("Query.proof", 2, 2)
    assert (other["field"], other["count"]) == ("Query.places", 2)
    # Who sees nothing leaves no entry, and neither does what shows no row.
    nobody = asking(world.yichang, "worker")
    await nobody.data(query)
    await centre.data("{ proof { things { totalCount } } organisations { totalCount } }")
    assert len(await _log(city)) == before + 2


async def test_one_audited_row_is_the_entrys_target(centre: Asker, world: World) -> None:
    city = world.yichang
    row = city.organisations[3]
    told = {"id": global_id.encode("ProofThing", row)}
    await centre.data("query($id: ID!) { node(id: $id) { __typename } }", **told)
    last = (await _log(city))[-1]
    assert (last["target"], last["request"]) == (str(row), "planning")
    assert last["changes"] == [
        {"record": "ProofThing", "field": "Query.node", "count": 1, "ids": [str(row)]}
    ]


async def test_computed_fields_fail_where_they_stand(staff: Asker) -> None:
    query = """{ a: organisations(first: 2) { edges { node { name f: proofFailing proofBatch } } }
      one: organisations(first: 1) { edges { node { place { organisations(first: 1) {
        edges { node { proofFailing } } } } } } } }"""
    told = await staff(query)
    assert sorted(error["path"] for error in told["errors"]) == [
        ["a", "edges", 0, "node", "f"],
        ["a", "edges", 1, "node", "f"],
        ["one", "edges", 0, "node", "place", "organisations", "edges", 0, "node", "proofFailing"],
    ]
    assert {error["extensions"]["code"] for error in told["errors"]} == {"INTERNAL_ERROR"}
    assert "hunter2" not in json.dumps(told)
    nodes = [edge["node"] for edge in told["data"]["a"]["edges"]]
    assert [(node["f"], node["proofBatch"]) for node in nodes] == [(None, 2)] * 2


REGISTER = """mutation($one: OrganisationRegisterInput!, $two: OrganisationRegisterInput!,
    $a: String!, $b: String!) {
  __typename
  first: organisationRegister(input: $one, idempotencyKey: $a) {
    kind: __typename replayed again: replayed
    organisation { name place { name } } same: organisation { id proofBatch } }
  second: organisationRegister(input: $two, idempotencyKey: $b) { replayed }
  third: organisationRegister(input: $one, idempotencyKey: $a) {
    replayed organisation { name } } }"""


async def test_a_payload_is_read_as_it_is_selected(centre: Asker, world: World) -> None:
    place = global_id.encode("Place", world.yichang.places[GRID])
    good = {"placeId": place, "name": "计划厂", "kind": "enterprise"}
    keys = {"a": uuid.uuid4().hex, "b": uuid.uuid4().hex}
    told = await centre(REGISTER, one=good, two={**good, "name": "长" * 201}, **keys)
    (error,) = told["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["second"], "INPUT_INVALID")
    data = told["data"]
    assert list(data) == ["__typename", "first", "second", "third"]
    assert data["__typename"] == "Mutation"
    first = data["first"]
    assert list(first) == ["kind", "replayed", "again", "organisation", "same"]
    assert first["organisation"] == {"name": "计划厂", "place": {"name": f"yichang{GRID}"}}
    assert first["same"]["proofBatch"] == 1
    assert (first["kind"], first["replayed"]) == ("OrganisationRegisterPayload", False)
    assert data["second"] is None
    assert data["third"] == {"replayed": True, "organisation": {"name": "计划厂"}}


async def test_fragments_on_the_interface_hold_wherever_a_row_is(
    centre: Asker, world: World, event: uuid.UUID
) -> None:
    """On the root's nodes, on a reference to any row, on an object, and within each other."""
    city = world.yichang
    ids = [
        global_id.encode("Event", event),
        global_id.encode("Place", city.places[ROOT]),
        global_id.encode("Place", uuid.uuid4()),
    ]
    document = """query($ids: [ID!]!, $no: Boolean!) {
      nodes(ids: $ids) { ...Any ... on Event { ... on Node { e: id } subject { ...Any } }
        ... on Place { name } ... on Node @include(if: $no) { gone: id } }
      events(first: 1) { edges { node { ...Any } } } }
      fragment Any on Node { kind: __typename id ... on Place { level } }"""
    first, place, nobody = (await centre.data(document, ids=ids, no=False))["nodes"]
    about = global_id.encode("Organisation", city.organisations[0])
    assert first == {
        "kind": "Event", "id": ids[0], "e": ids[0], "subject": {"kind": "Organisation", "id": about}
    }  # fmt: skip
    assert place == {"kind": "Place", "id": ids[1], "level": "city", "name": f"yichang{ROOT}"}
    assert nobody is None
    with sent() as noted:
        again = await centre.data(document, ids=ids, no=True)
    assert again["nodes"][0]["gone"] == ids[0]
    assert again["events"]["edges"][0]["node"] == {"kind": "Event", "id": ids[0]}
    assert len(noted.trips) == 1
    assert noted.in_units == []
