"""What an operation costs: bounds, monotony, and how long measuring takes."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from graphql import get_introspection_query, parse, validate
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from jingwei_api.limits.affine import MOST
from tests.api.limits.operations import (
    VARIABLES,
    Written,
    figures,
    measured,
    operations,
    plain_schema,
    variables,
    weigh,
    weights,
)

QUIET = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)


def cost(query: str, **given: Any) -> tuple[int, int]:
    """Rows and cost."""
    document = parse(query)
    assert validate(weights().schema, document) == []
    found = figures(document, given)
    return found.rows, found.cost


EXAMPLE = """query Board($first: Int, $filter: EventFilter) {
  events(first: $first, filter: $filter) {
    totalCount
    pageInfo { endCursor }
    edges { node {
      title
      place { name }
      reporter { name }
      steps(last: 3) { edges { node { action actor { name } } } }
    } }
  }
  me { name }
}"""


def test_the_worked_example_of_the_manual_is_right() -> None:
    page = (Path(__file__).parents[3] / "docs" / "graphql.md").read_text(encoding="utf-8")
    example = page.partition("```graphql\nquery Board")[2].partition("```")[0]
    told = re.search(r"= (\d+); rows: .* = (\d+)", example)
    size = re.search(r"\$first = (\d+)", example)
    assert told is not None
    assert size is not None
    rows, found = cost(f"query Board{example}", first=int(size[1]))
    assert (found, rows) == (int(told[1]), int(told[2]))


def test_a_larger_operation() -> None:
    rows, found = cost(EXAMPLE, first=10, filter={"state": {"eq": "filed"}, "isFinal": {}})
    steps = 2 + 3 * (1 + 1)
    row = 1 + 1 + 1 + steps
    events = weights().of(plain_schema().query_type, "events")
    assert events is not None
    assert events.filters is not None
    scans = 5 * [events.filters["state"], events.filters["isFinal"]].count(False)
    assert rows == 10 * (1 + 3)
    assert found == 2 + scans + 10 + 10 * row


@pytest.mark.parametrize(
    ("query", "rows", "found"),
    [
        ("{ __typename }", 0, 0),
        ("{ me { name } }", 0, 0),
        ("{ me { account { name } } }", 0, 1),
        ('{ event(id: "x") { id title } }', 0, 1),
        ("{ events { totalCount } }", 0, 12),
        ("{ events { pageInfo { endCursor } } }", 0, 22),
        ("{ events { edges { cursor } } }", 20, 22),
        ("{ events { edges { cursor } pageInfo { endCursor } } }", 20, 22),
        ("{ events(first: 50) { edges { node { id place { id } } } } }", 50, 102),
        ("{ events(first: 0) { edges { node { id } } } }", 0, 2),
        ("{ events(first: null) { edges { node { id } } } }", 20, 22),
        ("{ events(first: 1, orderBy: [{field: CREATED_AT}]) { edges { cursor } } }", 1, 3),
        ('{ places(first: 1, search: "x") { edges { cursor } } }', 1, 13),
        ("{ places(first: 1, search: null) { edges { cursor } } }", 1, 3),
        ('{ nodes(ids: ["a", "b"]) { id ... on Event { place { id } } } }', 2, 4),
        ("{ __schema { queryType { name } } }", 0, 10),
        ("{ events(first: 5) @include(if: false) { edges { cursor } } }", 0, 0),
        ("{ events(first: 5) @skip(if: false) { edges { cursor } } }", 5, 7),
        ('mutation { accountResume(id: "x", idempotencyKey: "k") { account { id } } }', 0, 11),
        ('subscription { changes { node { id } } }', 0, 11),
    ],
)  # fmt: skip
def test_figures_of_small_operations(query: str, rows: int, found: int) -> None:
    document = parse(query)
    told = figures(document, {})
    assert (told.rows, told.cost) == (rows, found)


def test_the_schema_is_told_by_its_size() -> None:
    whole = cost(get_introspection_query())[1]
    assert 100 < whole < 10_000
    types = len(weights().schema.type_map)
    many = "{ __schema { " + " ".join(f"a{n}: types {{ fields {{ name }} }}" for n in range(50))
    assert cost(many + " } }")[1] > 50 * types / 10
    assert cost("{ __schema { types { name } } }")[0] == 0


@pytest.mark.parametrize(
    ("given", "size"),
    [
        ({}, 7),
        ({"n": 3}, 3),
        ({"n": None}, 20),
        ({"n": 5.0}, 5),
        ({"n": -4}, 0),
        ({"n": 10**9}, 100),
        ({"n": "many"}, 100),
        ({"n": True}, 100),
    ],
)
def test_a_size_may_come_from_a_variable(given: dict[str, Any], size: int) -> None:
    document = parse("query($n: Int = 7) { events(first: $n) { edges { cursor } } }")
    assert figures(document, given).rows == size


@QUIET
@given(operations(), variables())
def test_the_figures_bound_what_full_lists_would_take(
    written: Written, given: dict[str, Any]
) -> None:
    document = parse(written.document(VARIABLES))
    told, weighed = figures(document, given), weigh(document, given)
    assert weighed.rows <= told.rows
    assert weighed.cost <= told.cost


@QUIET
@given(operations(), variables())
def test_no_variables_cost_more_than_the_worst(written: Written, given: dict[str, Any]) -> None:
    found = measured(parse(written.document(VARIABLES)))
    assert found.worst().rows >= found(given).rows
    assert found.worst().cost >= found(given).cost


def test_the_worst_of_all_variables() -> None:
    query = (
        "query($n: Int = 3, $ids: [ID!]!, $y: Boolean!, $f: EventFilter, $o: [EventOrder!])"
        " { events(first: $n, filter: $f, orderBy: $o) { edges @include(if: $y) { cursor } }"
        " nodes(ids: $ids) @skip(if: $y) { id } }"
    )
    found = measured(parse(query))
    assert found.worst().rows == 100 + 100
    assert found.worst().cost > found({"ids": [], "y": True, "f": {"title": {}}}).cost


@QUIET
@given(operations(), variables(), st.data())
def test_adding_a_field_never_lowers_a_figure(
    written: Written, given: dict[str, Any], data: st.DataObject
) -> None:
    """One selection of the operation, or of a fragment of it, becomes one field longer."""
    text = written.document(VARIABLES)
    places = [at for at, letter in enumerate(text) if letter == "}"]
    assume(places)
    at = data.draw(st.sampled_from(places))
    more = data.draw(st.sampled_from(_FIELDS))
    longer = parse(f"{text[:at]} {more} {text[at:]}")
    before, after = figures(parse(text), given), figures(longer, given)
    assert after.rows >= before.rows
    assert after.cost >= before.cost
    assert after.depth >= before.depth
    assert after.aliases >= before.aliases
    assert after.width >= before.width


# Where the type lacks the field nothing is added, which is right as well.
_FIELDS = [
    "more: id",
    "place { id }",
    "edges { node { id } }",
    "edges @include(if: $yes) { node { id place { id } } }",
    "pageInfo { endCursor }",
    "totalCount",
    "steps(first: $size) { edges { cursor } }",
    "events(first: 3) { totalCount }",
]


@QUIET
@given(operations(), variables())
def test_fragments_count_as_if_they_were_written_out(
    written: Written, given: dict[str, Any]
) -> None:
    plain = written.text
    for name, definition in reversed(written.fragments.items()):
        kind, body = definition.split(" ", 4)[3], definition.split(" ", 4)[4]
        plain = plain.replace(f"...{name} ", f"... on {kind} {body} ")
    head = f"query Q{VARIABLES} "
    assert figures(parse(head + plain), given) == figures(parse(written.document(VARIABLES)), given)


@pytest.mark.parametrize("leaf", ["a: events(first: $n) { edges { cursor } }", "a: me { name }"])
def test_fragments_that_double_at_each_level_are_measured_at_once(leaf: str) -> None:
    levels = 400
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels))
    document = parse(f"query($n: Int) {{ ...f0 }} {chain} fragment f{levels} on Query {{ {leaf} }}")
    began = time.perf_counter()
    found = figures(document, {"n": 3})
    assert time.perf_counter() - began < 0.5
    assert found.aliases == found.width == MOST
    assert found.rows in (0, MOST)


def test_open_sizes_that_nest_and_repeat_stay_few_steps() -> None:
    """The effort is linear: each size and each condition is worked out once for a request."""
    levels = 60
    chain = " ".join(
        f"fragment f{n} on Place {{ children(first: $n) {{ edges {{ node {{ ...f{n + 1} }} }} }}"
        f" b: children(last: $n) @include(if: $y) {{ edges {{ node {{ ...f{n + 1} }} }} }} }}"
        for n in range(levels)
    )
    document = parse(
        "query($n: Int, $y: Boolean!) { places(first: $n) { edges { node { ...f0 } } } }"
        f" {chain} fragment f{levels} on Place {{ name }}"
    )
    found = measured(document)
    assert len(found._slots.steps) <= 8 * levels
    assert found({"n": 100, "y": True}).rows == MOST
    assert found({"n": 1, "y": False}).rows == levels + 1
    assert found({"n": 1, "y": True}).rows == min(MOST, 2 ** (levels + 1) - 1)


def test_circular_and_unknown_fragments_do_not_hang_the_measuring() -> None:
    document = parse(
        "{ ...a ...c } fragment a on Query { ...b me { name } } fragment b on Query { ...a }"
    )
    assert figures(document, {}).width >= 1


def test_a_repeated_request_is_measured_in_microseconds() -> None:
    found = measured(parse(EXAMPLE))
    given = {"first": 10, "filter": {"state": {"eq": "filed"}}}
    best = min(_timed(found, given) for _ in range(20))
    assert best < 50e-6  # about 4 µs on a quiet machine


def _timed(found: Any, given: dict[str, Any]) -> float:
    began = time.perf_counter()
    for _ in range(50):
        found(given)
    return (time.perf_counter() - began) / 50
