"""Every node can be asked for again by its id, and no two have the same one."""

import base64
import uuid
from typing import Any

from graphql import GraphQLObjectType, get_named_type, is_leaf_type

from tests.api.relay.conftest import OWN, Relay


def leaves(kind: GraphQLObjectType) -> str:
    """Every field without a selection of its own, but for links: each is signed anew."""
    return " ".join(
        name
        for name, field in kind.fields.items()
        if is_leaf_type(get_named_type(field.type)) and not field.args and name[-3:] != "Url"
    )


async def rows(relay: Relay, kind: GraphQLObjectType) -> list[dict[str, Any]]:
    page = await relay.page(kind.name, "first: 100", leaves(kind))
    return [edge["node"] for edge in page["edges"]]


async def test_each_type_of_a_node_has_a_list_and_rows_here(relay: Relay) -> None:
    """What follows proves nothing about a type without a row."""
    kinds = {kind.name for kind in relay.node_types}
    assert set(relay.lists) == kinds
    empty = [kind.name for kind in relay.node_types if not await rows(relay, kind)]
    assert empty == []


async def test_a_node_asked_for_again_is_the_same(relay: Relay) -> None:
    for kind in relay.node_types:
        for known in (await rows(relay, kind))[:3]:
            inside = f"... on {kind.name} {{ {leaves(kind)} }}"
            document = f"query($id: ID!) {{ node(id: $id) {{ __typename id {inside} }} }}"
            found = (await relay.data(document, kind.name, id=known["id"]))["node"]
            assert found == known


async def test_several_nodes_come_in_the_order_asked(relay: Relay) -> None:
    asked = []
    for kind in relay.node_types:
        if kind.name in OWN:
            continue  # nobody sees both these and the rest
        asked += [(kind.name, row["id"]) for row in (await rows(relay, kind))[:2]]
    asked = asked[::-1][:98]
    nobody = base64.b64encode(f"Place:{uuid.uuid4()}".encode()).decode()
    ids = [*(name for _, name in asked), nobody, asked[0][1]]
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    found = (await relay.data(document, ids=ids))["nodes"]
    assert [node and (node["__typename"], node["id"]) for node in found] == [
        *asked,
        None,
        asked[0],
    ]


async def test_an_id_is_of_one_node_only(relay: Relay) -> None:
    seen: dict[str, str] = {}
    for kind in relay.node_types:
        for row in await rows(relay, kind):
            assert row["__typename"] == kind.name
            assert row["id"] not in seen, (kind.name, seen.get(row["id"]))
            seen[row["id"]] = kind.name
    assert len(seen) > 50


async def test_an_id_of_nobody_is_null(relay: Relay) -> None:
    for kind in relay.node_types:
        nobody = base64.b64encode(f"{kind.name}:{uuid.uuid4()}".encode()).decode()
        found = await relay.data("query($id: ID!) { node(id: $id) { id } }", id=nobody)
        assert found == {"node": None}
