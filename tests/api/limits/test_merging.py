"""Fields that can be merged: the same verdict as the specification's rule, in linear time."""

import gc
import time

import pytest
from graphql import (
    OverlappingFieldsCanBeMergedRule,
    build_schema,
    parse,
    specified_rules,
    validate,
)
from hypothesis import given
from hypothesis import strategies as st

from jingwei_api.limits.merging import MOST_ERRORS, RULES, FieldsMergeRule
from tests.api.limits.operations import weights
from tests.api.limits.test_cost import QUIET

SCHEMA = build_schema("""
  interface Node { id: ID! other: Node }
  type A implements Node { id: ID! other: Node name(x: Int, y: In): String! b: B list: [A] n: Int }
  type B implements Node { id: ID! other: Node name(x: Int, y: In): String a: A list: [A!] n: ID }
  input In { p: Int q: Int }
  union Any = A | B
  type Query { a: A b: B node: Node any: Any }
""")

_FIELDS = (
    *("id", "name", "name(x: 1)", "name(x: 2)", "name(y: {p: 1, q: 2})", "name(y: {q: 2, p: 1})"),
    *("n", "x: id", "x: name", "x: n", "n: name", "name: n", "zzz", "x: zzz", "__typename"),
)
_OBJECTS = ("a", "b", "other", "list", "x: a", "x: b", "x: list", "node", "any", "y: other")
_LEAVES = st.sampled_from(_FIELDS)


def _selections(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=4).map(lambda parts: "{ " + " ".join(parts) + " }")
    inline = st.sampled_from(["... on A", "... on B", "... on Node", "...", "... on Zzz"])
    return st.tuples(st.sampled_from(_OBJECTS) | inline, body).map(" ".join)


def _body(*spreads: str) -> st.SearchStrategy[str]:
    leaves = _LEAVES | st.sampled_from([f"...{name}" for name in spreads]) if spreads else _LEAVES
    parts = st.recursive(leaves, _selections, max_leaves=14)
    return st.lists(parts, min_size=1, max_size=4).map(" ".join)


_KINDS = st.sampled_from(["A", "B", "Node", "Query", "Zzz"])


@QUIET
@given(_body("F", "G", "H"), _body("G", "H"), _body("H"), _body(), st.tuples(*[_KINDS] * 3))
def test_the_verdict_is_that_of_the_specifications_rule(
    body: str, first: str, second: str, third: str, kinds: tuple[str, ...]
) -> None:
    # Every fragment is used: those that are not are told by another rule, and not looked at here.
    document = parse(
        f"{{ ...F {body} }} fragment F on {kinds[0]} {{ {first} ...G }}"
        f" fragment G on {kinds[1]} {{ {second} ...H }} fragment H on {kinds[2]} {{ {third} }}"
    )
    expected = validate(SCHEMA, document, [OverlappingFieldsCanBeMergedRule])
    found = validate(SCHEMA, document, [FieldsMergeRule])
    assert bool(found) == bool(expected)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{ a { x: id x: name } }", "'id' and 'name' are different fields"),
        ("{ a { name(x: 1) name(x: 2) } }", "they have differing arguments"),
        ("{ a { name } ... { a { name: n } } }", "'name' and 'n' are different fields"),
        ("{ any { ... on A { n } ... on B { n } } }", "conflicting types"),
        ("{ any { ... on A { x: b { n } } ... on B { x: a { n } } } }", "conflicting types"),
    ],
)
def test_a_conflict_is_told_with_both_fields(body: str, reason: str) -> None:
    (error,) = validate(SCHEMA, parse(body), [FieldsMergeRule])
    assert reason in error.message
    assert error.locations is not None
    assert len(error.locations) == 2


SLOW = {
    "one field many times": "{ me { " + "account { name } " * 950 + "} }",
    "deep and many times": "{ me { " + "account { posts { edges { node { id } } } } " * 235 + "} }",
    "many fragments": "{ me { "
    + " ".join(f"...f{n}" for n in range(190))
    + " } } "
    + " ".join(
        f"fragment f{n} on Me {{ account {{ name }} posts {{ totalCount }} id }}"
        for n in range(190)
    ),
    "unknown fields": "{ me { " + "zzz " * 3990 + "} }",
    "fragments that double": "{ places { edges { node { ...f0 } } } } "
    + " ".join(
        f"fragment f{n} on Place {{ parent {{ ...f{n + 1} }} x: parent {{ ...f{n + 1} }} }}"
        for n in range(40)
    )
    + " fragment f40 on Place { name }",
}


@pytest.mark.parametrize("name", SLOW)
def test_no_document_takes_long_to_validate(name: str) -> None:
    """With the specification's own rule these take seconds, or for ever."""
    document = parse(SLOW[name], max_tokens=4000)
    schema = weights().schema
    gc.disable()  # a collection of the whole suite's heap takes seconds of its own
    began = time.process_time()
    errors = validate(schema, document, RULES, max_errors=MOST_ERRORS)
    took_s = time.process_time() - began
    gc.enable()
    assert took_s < 1.5  # of this process; others may be busy
    if name == "fragments that double":
        assert errors[0].extensions == {
            "code": "QUERY_TOO_TANGLED", "figure": 100_001, "limit": 100_000
        }  # fmt: skip
    elif name != "unknown fields":
        assert errors == []


def test_every_other_rule_of_the_specification_stays() -> None:
    assert set(specified_rules) - set(RULES) == {OverlappingFieldsCanBeMergedRule}
    assert len(RULES) == len(specified_rules)
