"""Null for a variable with a default, where the document needs a value: the field is refused."""

import pytest

from tests.api.client import Client

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
