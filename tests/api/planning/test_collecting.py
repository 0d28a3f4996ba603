"""Fields of a selection as the specification collects them, and what variables shape; no
database."""

import enum
import uuid
from collections.abc import Mapping
from functools import cache
from typing import Any

import pytest
from graphql import GraphQLSchema, OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values

from jingwei_api.planning.building import told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.documents import Documents, PreparedOperation
from jingwei_api.planning.plans import Question, chosen_at
from jingwei_api.planning.variables import VariablesRefused
from jingwei_api.schema import global_id
from jingwei_api.schema.builder import lean_schema
from jingwei_api.settings import ApiSettings
from tests.api.declarations import SAFETY, registry

PLACE = global_id.encode("Place", uuid.UUID(int=1))
EVENT = global_id.encode("Event", uuid.UUID(int=1))


@cache
def schema() -> GraphQLSchema:
    return lean_schema(registry(SAFETY))


def operation(text: str, name: str | None = None) -> PreparedOperation:
    prepared = Documents(ApiSettings()).prepared("f", schema(), text, lambda document, text: None)
    assert prepared.errors == []
    return prepared.operation(name)


def question(text: str, **variables: Any) -> Question:
    return Question.of(operation(text), variables)


def tree(chosen: tuple[Chosen, ...]) -> dict[str, Any]:
    """The response keys, nested; of an interface those of an event."""
    return {one.key: _below(one) for one in chosen}


def _below(chosen: Chosen) -> Any:
    if not any(node.selection_set for node in chosen.nodes):
        return chosen.told.name
    named = chosen.told.named
    assert named is not None
    return tree(chosen.below("Event" if named.name == "Node" else None))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ me { b: name a: name name } }", {"me": {"b": "name", "a": "name", "name": "name"}}),
        ("{ me { name } x: me { id } me { id } }", {"me": {"name": "name", "id": "id"},
                                                    "x": {"id": "id"}}),
        ("{ ...A ...A me { id } } fragment A on Query { me { ...B } } fragment B on Me { name }",
         {"me": {"name": "name", "id": "id"}}),
        ("{ ... { me { name } } ... on Query { me { __typename } } }",
         {"me": {"name": "name", "__typename": "__typename"}}),
        ("{ __typename me { t: __typename } }", {"__typename": "__typename",
                                                  "me": {"t": "__typename"}}),
        ("{ me { name @skip(if: true) id @include(if: true) x: id @include(if: false) } }",
         {"me": {"id": "id"}}),
        ("{ me { ...A @skip(if: true) id } } fragment A on Me { name }", {"me": {"id": "id"}}),
        # A fragment that is left out once is taken in where it stands again.
        ("{ me { ...A @include(if: false) ...A } } fragment A on Me { name }",
         {"me": {"name": "name"}}),
        ("{ places { edges { node { id } cursor } edges { node { parent { id } id } } } }",
         {"places": {"edges": {"node": {"id": "id", "parent": {"id": "id"}}, "cursor": "cursor"}}}),
        (f'{{ node(id: "{EVENT}") {{ id ... on Event {{ title }} ... on Place {{ name }}'
         " ... on Node { i: id } } }", {"node": {"id": "id", "title": "title", "i": "id"}}),
    ],
)  # fmt: skip
def test_fields_are_collected_as_the_specification_says(
    text: str, expected: dict[str, Any]
) -> None:
    found = tree(chosen_at(question(text)))
    assert found == expected
    assert str(found) == str(expected)  # in the order of their first mention


def test_conditions_follow_their_variables() -> None:
    text = (
        "query($a: Boolean!, $b: Boolean = true) { me { name @include(if: $a) id @skip(if: $b) } }"
    )
    assert tree(chosen_at(question(text, a=True))) == {"me": {"name": "name"}}
    assert tree(chosen_at(question(text, a=False, b=False))) == {"me": {"id": "id"}}
    with pytest.raises(VariablesRefused) as told:
        question(text, a=True, b=None)
    assert [error.message for error in told.value.errors] == ["Variable '$b' must not be null."]


def test_a_path_has_response_keys() -> None:
    (places,) = chosen_at(question("{ p: places { e: edges { n: node { x: name } } } }"))
    (edges,) = places.below()
    (node,) = edges.below()
    (name,) = node.below()
    assert name.path == ("p", "e", "n", "x")


LISTED = """query($first: Int, $after: String, $search: String, $filter: EventFilter,
  $orderBy: [EventOrder!], $id: ID!, $since: DateTime, $kind: ID) {
  events(first: $first, after: $after, filter: $filter, orderBy: $orderBy) { totalCount }
  places(search: $search) { totalCount }
  closed: events(filter: { closedAt: { gte: $since }, kind: { eq: $kind } }) { totalCount }
  event(id: $id) { id } any: node(id: $id) { id } }"""


def shape(**variables: Any) -> Any:
    return question(LISTED, **{"id": EVENT, **variables}).shape


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"after": "x"}, {"after": "y"}),
        ({"search": "a"}, {"search": "另"}),
        ({"filter": {"state": {"eq": "a"}}}, {"filter": {"state": {"eq": "b"}}}),
        ({"filter": {"state": {"in": ["a"]}}}, {"filter": {"state": {"in": ["b", "c"]}}}),
        ({"since": "2026-01-01T00:00:00Z"}, {"since": "2027-01-01T00:00:00Z"}),
        ({"kind": "whatever"}, {"kind": PLACE}),
        ({}, {"id": global_id.encode("Event", uuid.uuid4())}),
        ({"after": ""}, {"after": None}),
    ],
)
def test_values_shape_nothing(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert shape(**one) == shape(**other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"first": 1}, {"first": 2}),
        ({"after": "x"}, {}),
        ({"search": "x"}, {"search": ""}),
        ({"filter": {"state": {"eq": "a"}}}, {"filter": {"state": {"startsWith": "a"}}}),
        ({"filter": {"state": {"eq": "a"}}}, {"filter": {"state": {"eq": None}}}),
        ({"filter": {"closedAt": {"isNull": True}}}, {"filter": {"closedAt": {"isNull": False}}}),
        ({"orderBy": [{"field": "TITLE"}]}, {"orderBy": [{"field": "CREATED_AT"}]}),
        ({"orderBy": [{"field": "TITLE"}]}, {"orderBy": [{"field": "TITLE", "direction": "DESC"}]}),
        ({"since": None}, {}),
        ({"since": None}, {"since": "2026-01-01T00:00:00Z"}),
        ({"id": EVENT}, {"id": PLACE}),
        ({"id": EVENT}, {"id": "no id"}),
    ],
)
def test_what_is_written_into_a_statement_shapes_it(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert shape(**one) != shape(**other)


CHECKED = """query($int: Int!, $text: String = "x", $ids: [ID!] = ["i"], $filter: EventFilter,
  $order: [EventOrder!], $at: DateTime, $flag: Boolean) {
  events(first: $int, filter: $filter, orderBy: $order) { totalCount }
  places(search: $text) { totalCount }
  nodes(ids: $ids) { id }
  other: events(filter: { closedAt: { gte: $at }, isFinal: { eq: $flag } }) { totalCount } }"""


def _plain(value: Any) -> Any:
    """Names of inputs as GraphQL spells them, for comparing."""
    if isinstance(value, Mapping):
        return {_spelt(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.name if isinstance(value, enum.Enum) else value


def _spelt(name: str) -> str:
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.title() for part in rest)


@pytest.mark.parametrize(
    "given",
    [
        {"int": 3},
        {"int": 3.0, "ids": ["a", 7], "text": None},
        {"int": 3, "ids": "single", "flag": True},
        {"int": 3, "filter": {"stateDueAt": {"gte": "2026-01-01T00:00:00+08:00"}}},
        {"int": 3, "filter": {"lonE7": {"in": 5}}},
        {"int": 3, "filter": {"isFinal": {"eq": None}, "closedAt": None}},
        {"int": 3, "order": {"field": "TITLE", "direction": "DESC"}, "unknown": 1},
        {},
        {"int": None},
        {"int": "3"},
        {"int": 2**31},
        {"int": True},
        {"int": 3, "ids": ["a", None]},
        {"int": 3, "filter": {"nothing": {"eq": 1}}},
        {"int": 3, "filter": {"lonE7": {"eq": 2**53}}},
        {"int": 3, "filter": []},
        {"int": 3, "order": [{"direction": "ASC"}]},
        {"int": 3, "order": [{"field": "NOTHING"}]},
        {"int": 3, "at": "2026-01-01"},
        {"int": 3, "at": 5},
        {"int": 3, "flag": 1},
    ],
)  # fmt: skip
def test_variables_are_checked_as_the_standard_library_checks_them(given: dict[str, Any]) -> None:
    definition = parse(CHECKED).definitions[0]
    assert isinstance(definition, OperationDefinitionNode)
    expected = get_variable_values(schema(), definition.variable_definitions or (), given)
    checks = operation(CHECKED).variables
    if isinstance(expected, list):
        with pytest.raises(VariablesRefused) as refusal:
            checks.checked(given)
        assert [e.message for e in refusal.value.errors] == [e.message for e in expected]
    else:
        assert _plain(checks.checked(given)) == _plain(expected.coerced)


def test_literals_are_read_as_variables_are() -> None:
    text = """query($state: String) { events(first: 3, filter: { state: { eq: $state, in: "a" },
      closedAt: { gte: "2026-01-01T00:00:00Z", isNull: false } },
      orderBy: { field: STATE_DUE_AT }) { totalCount } }"""
    (events,) = chosen_at(asked := question(text, state="open"))
    given = told(events.input("filter"), asked.variables)
    assert given["state"] == {"eq": "open", "in_": ["a"]}
    assert given["closed_at"]["is_null"] is False
    assert given["closed_at"]["gte"].isoformat() == "2026-01-01T00:00:00+00:00"
    (order,) = told(events.input("order_by"), asked.variables)
    assert order["field"].value == "state_due_at"
    (absent,) = chosen_at(left := question(text))
    assert "eq" not in told(absent.input("filter"), left.variables)["state"]
