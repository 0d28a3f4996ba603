"""The Relay server specification's shapes, by introspection over the whole schema."""

import pytest
from graphql import (
    GraphQLField,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_list_type,
    is_non_null_type,
)

from tests.api.relay.conftest import Relay

PAGING = {"first": "Int", "after": "String", "last": "Int", "before": "String"}


def fields(kind: GraphQLObjectType) -> dict[str, str]:
    return {name: str(field.type) for name, field in kind.fields.items()}


def connections(relay: Relay) -> list[GraphQLObjectType]:
    return [kind for kind in relay.objects if kind.name.endswith("Connection")]


async def test_the_node_interface_has_an_id_and_nothing_else(relay: Relay) -> None:
    node = relay.schema.type_map["Node"]
    assert {name: str(field.type) for name, field in node.fields.items()} == {"id": "ID!"}  # type: ignore[attr-defined]


async def test_the_root_finds_a_node_by_id_and_several_by_ids(relay: Relay) -> None:
    query = relay.schema.query_type
    assert query is not None
    one, many = query.fields["node"], query.fields["nodes"]
    assert str(one.type) == "Node"  # nullable: what is absent is null
    assert {name: str(argument.type) for name, argument in one.args.items()} == {"id": "ID!"}
    assert str(get_nullable_type(many.type)) == "[Node]"
    assert {name: str(argument.type) for name, argument in many.args.items()} == {"ids": "[ID!]!"}


async def test_every_type_with_a_global_id_is_a_node(relay: Relay) -> None:
    assert len(relay.node_types) > 20
    for kind in relay.objects:
        if kind in relay.node_types:
            assert str(kind.fields["id"].type) == "ID!"
        elif "id" in kind.fields:
            # They tell of a node, with the id of it.
            assert kind.name in ("Me", "Change", "SafetyHazardChange", "GrantedUpload")


async def test_every_connection_has_edges_and_page_information(relay: Relay) -> None:
    found = connections(relay)
    assert len(found) > 20
    for kind in found:
        edges = get_nullable_type(kind.fields["edges"].type)
        assert isinstance(edges, GraphQLList), kind.name
        edge = get_named_type(edges)
        assert isinstance(edge, GraphQLObjectType)
        assert edge.name.endswith("Edge")
        assert str(kind.fields["pageInfo"].type) == "PageInfo!"


async def test_nothing_else_looks_like_a_connection(relay: Relay) -> None:
    for kind in relay.objects:
        looks = "edges" in kind.fields or "pageInfo" in kind.fields
        assert looks == kind.name.endswith("Connection"), kind.name
        assert ("cursor" in kind.fields) == kind.name.endswith("Edge"), kind.name


async def test_every_edge_has_a_node_and_a_cursor(relay: Relay) -> None:
    for kind in connections(relay):
        edge = get_named_type(kind.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        assert str(edge.fields["cursor"].type) == "String!"
        node = edge.fields["node"].type
        assert not is_list_type(get_nullable_type(node))
        assert get_named_type(node) in relay.node_types
        assert edge.name == f"{get_named_type(node).name}Edge"
        assert kind.name == f"{get_named_type(node).name}Connection"


async def test_page_information_is_as_specified(relay: Relay) -> None:
    info = relay.schema.type_map["PageInfo"]
    assert isinstance(info, GraphQLObjectType)
    assert fields(info) == {
        "hasNextPage": "Boolean!",
        "hasPreviousPage": "Boolean!",
        "startCursor": "String",
        "endCursor": "String",
    }


async def test_every_field_of_a_connection_pages_both_ways(relay: Relay) -> None:
    found: list[tuple[str, GraphQLField]] = [
        (f"{kind.name}.{name}", field)
        for kind in relay.objects
        for name, field in kind.fields.items()
        if get_named_type(field.type).name.endswith("Connection")
    ]
    assert len(found) > 40
    for name, field in found:
        given = {argument: str(field.args[argument].type) for argument in PAGING}
        assert given == PAGING, name
        others = [a for n, a in field.args.items() if n not in PAGING]
        assert not any(is_non_null_type(argument.type) for argument in others), name


@pytest.mark.parametrize("name", ["Node", "PageInfo"])
async def test_the_reserved_names_are_what_the_specification_means(relay: Relay, name: str) -> None:
    assert name in relay.schema.type_map
