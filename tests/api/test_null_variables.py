"""Null for a variable with a default, where the document needs a value: the field is refused."""

import pytest

from jingwei_api.schema import global_id
from tests.api.client import Client
from tests.api.world import GRID, World

LIST = "{ edges { node { id } } }"


@pytest.mark.parametrize(
    ("kind", "default", "field"),
    [
        ("ID", '"x"', "nodes(ids: [$v]) { id }"),
        ("ID", '"x"', "node(id: $v) { id }"),
        ("ID", '"x"', "organisations(filter: {place: {in: [$v]}}) " + LIST),
        ("String", '"x"', "organisations(filter: {kind: {in: [$v]}}) " + LIST),
        ("OrganisationOrderField", "NAME", "organisations(orderBy: [{field: $v}]) " + LIST),
        ("OrganisationOrder", "{field: NAME}", "organisations(orderBy: [$v]) " + LIST),
        ("String", '"x"', "indicator(code: $v) { code }"),
    ],
)
async def test_null_where_a_value_is_needed_takes_the_field_away(
    chief: Client, kind: str, default: str, field: str
) -> None:
    query = "query ($v: %s = %s) { me { name } found: %s }" % (kind, default, field)  # noqa: UP031
    told = await chief.ask(query, v=None)
    assert told["data"] == {"me": {"name": "yichang chief"}, "found": None}
    (error,) = told["errors"]
    assert error["path"] == ["found"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION"
    assert (await chief.ask(query))["data"]["me"] is not None


@pytest.mark.parametrize(
    "selection",
    [
        "me @include(if: $v) { name }",
        "me { name @skip(if: $v) }",
        "me { ... @include(if: $v) { name } }",
        "organisations { edges { node { name @include(if: $v) } } }",
        "...f @skip(if: $v)",
    ],
)
async def test_null_for_a_condition_refuses_the_operation(chief: Client, selection: str) -> None:
    query = "query ($v: Boolean = true) { __typename %s }" % selection  # noqa: UP031 - braces
    if "...f" in selection:
        query += " fragment f on Query { me { name } }"
    assert "errors" not in await chief.ask(query)
    answer = await chief.post("/graphql", {"query": query, "variables": {"v": None}})
    assert answer.status_code == 200
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VARIABLES"
    assert answer.json().get("data") is None


async def test_a_command_is_not_run_with_a_condition_that_says_nothing(
    chief: Client, world: World
) -> None:
    """It would be committed, and its answer could not be made."""
    place = global_id.encode("Place", world.yichang.places[GRID])
    query = """mutation ($v: Boolean = true, $p: ID!) {
      organisationRegister(input: {placeId: $p, name: "null"}, idempotencyKey: "null") {
        organisation { id @include(if: $v) name } } }"""
    error = await chief.error(query, v=None, p=place)
    assert error["extensions"]["code"] == "GRAPHQL_VARIABLES"
    named = "SELECT count(*) FROM core.organisation WHERE name = 'null'"
    assert await world.yichang.value(named) == 0
