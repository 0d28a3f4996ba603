"""Every record, seen by every account: all its fields, all its orders, from both ends."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from graphql import GraphQLObjectType, get_named_type, is_abstract_type, is_leaf_type

from jingwei_sdk.records import Record
from tests.oracle.equality import Equality
from tests.oracle.operations import Operation, is_connection
from tests.oracle.planting_people import PEOPLE
from tests.oracle.world import Seen

LOOKING = [*(("a", login) for login in PEOPLE), ("b", "chief"), ("b", "mixed")]
TELLING = ("chief", "nested", "half")
"""Accounts whose sight differs much; every order is looked at as they see it."""


@pytest.fixture(scope="module")
def equalities(cities: Mapping[str, Seen]) -> dict[str, Equality]:
    """The comparison for each city."""
    return {name: Equality(seen) for name, seen in cities.items()}


def everything_of(kind: GraphQLObjectType, rows: int) -> str:
    """A selection of every field of a type; what leads to rows, no deeper than ``rows``."""
    parts = ["__typename"]
    for name, field in kind.fields.items():
        inner: Any = get_named_type(field.type)
        if is_leaf_type(inner):
            parts.append(name)
        elif is_abstract_type(inner):
            parts.append(f"{name} {{ __typename ... on Node {{ id }} }}")
        elif is_connection(inner) and rows:
            below = everything_of(node_of(inner), rows - 1)
            page = f"totalCount edges {{ cursor node {{ {below} }} }}"
            parts.append(f"{name}(last: 2) {{ {page} }}")
        elif not is_connection(inner) and (rows or not inner.interfaces):
            parts.append(f"{name} {{ {everything_of(inner, rows - 1)} }}")
    return " ".join(parts)


def node_of(connection: Any) -> Any:
    """The type of a connection's rows."""
    edge: Any = get_named_type(connection.fields["edges"].type)
    return get_named_type(edge.fields["node"].type)


def listed(seen: Seen, record: Record, arguments: str, selection: str) -> str:
    """The list of a record as a query."""
    *steps, name = seen.path_of(record)
    told = f"{name}{arguments} {{ {selection} }}"
    for step in reversed(steps):
        told = f"{step} {{ {told} }}"
    return f"{{ {told} }}"


@pytest.mark.parametrize(("city", "login"), LOOKING)
async def test_every_field_of_every_record(
    city: str, login: str, cities: Mapping[str, Seen], equalities: Mapping[str, Equality]
) -> None:
    seen, failures = cities[city], list[str]()
    for record in seen.registry.records.values():
        kind: Any = seen.plain.schema.type_map[record.name]
        page = f"totalCount edges {{ node {{ {everything_of(kind, 1)} }} }}"
        operation = Operation(login, "en", listed(seen, record, "(first: 25)", page), {})
        failures += await equalities[city].check(operation)

    assert failures == []


@pytest.mark.parametrize("login", TELLING)
async def test_every_order_from_both_ends(
    login: str, cities: Mapping[str, Seen], equalities: Mapping[str, Equality]
) -> None:
    seen, failures = cities["a"], list[str]()
    for record in seen.registry.records.values():
        for order in orders(record):
            failures += await walked(equalities["a"], login, record, order)

    assert failures == []


def orders(record: Record) -> Iterator[str]:
    """Each sort key both ways, and each pair of neighbours against each other."""
    for column in record.sort:
        for direction in ("ASC", "DESC"):
            yield f"[{{field: {column.upper()}, direction: {direction}}}]"
    for one, other in itertools.pairwise(record.sort):
        yield f"[{{field: {one.upper()}, direction: DESC}}, {{field: {other.upper()}}}]"


async def walked(equality: Equality, login: str, record: Record, order: str) -> Sequence[str]:
    """The whole list in pages of 40, forwards and backwards; what differs."""
    seen, failures = equality.seen, list[str]()
    for size, cursor, end in (("first", "after", "endCursor"), ("last", "before", "startCursor")):
        arguments = f"({size}: 40, orderBy: {order}, {cursor}: $at)"
        page = f"pageInfo {{ hasNextPage hasPreviousPage {end} }} edges {{ cursor node {{ id }} }}"
        document = "query Walk($at: String) " + listed(seen, record, arguments, page)
        at: str | None = ""
        while at is not None:
            variables = {"at": at}
            failures += await equality.check(Operation(login, "zh", document, variables))
            answer = await seen.subject.ask(seen.accounts[login], document, variables)
            found: Any = answer["data"]
            for step in seen.path_of(record):
                found = (found or {}).get(step)
            at = found["pageInfo"][end] if found else None
    return failures
