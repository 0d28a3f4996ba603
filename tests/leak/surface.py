"""The surface of a schema: its coordinates, and which of them a document touches.

Coverage is read from the documents that are sent, never from what a generator says of itself.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_introspection_query,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    validate,
    visit,
)

from tests.leak.client import Caller

Coordinate = str
Composite = GraphQLObjectType | GraphQLInterfaceType
ROOTS = ("Query", "Mutation", "Subscription")


class Name(str):
    """An enum member in a literal: written without quotes."""

    __slots__ = ()


async def introspected(caller: Caller) -> GraphQLSchema:
    """The schema as introspection tells it to a caller."""
    heard = await caller.ask(get_introspection_query())
    assert "errors" not in heard.body, heard.text
    return build_client_schema(heard.body["data"])


def literal(value: Any) -> str:
    """A value as it is written in a document."""
    if isinstance(value, Name):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {literal(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(literal(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def arguments(given: dict[str, Any]) -> str:
    """The arguments of a field as they are written."""
    told = ", ".join(f"{name}: {literal(value)}" for name, value in given.items())
    return f"({told})" if told else ""


def record_types(schema: GraphQLSchema) -> dict[str, GraphQLObjectType]:
    """The types that are a ``Node``, by name."""
    node = schema.get_type("Node")
    assert isinstance(node, GraphQLInterfaceType)
    return {kind.name: kind for kind in schema.get_implementations(node).objects}


def plain_fields(kind: Composite) -> list[str]:
    """Fields without arguments that hold a value and nothing below it."""
    return [name for name, field in kind.fields.items() if is_leaf_type(get_named_type(field.type))]


def shallow(kind: Composite) -> str:
    """All values of an object."""
    return " ".join(["__typename", *plain_fields(kind)])


def deep(kind: Composite, levels: int = 0) -> str:
    """All values of an object, and those of whatever it leads to."""
    parts = [shallow(kind)]
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if is_leaf_type(inner):
            continue
        assert isinstance(inner, (GraphQLObjectType, GraphQLInterfaceType))
        if any(is_required_argument(argument) for argument in field.args.values()):
            continue
        below = _below(inner, levels)
        if below:
            size = "(first: 50)" if "first" in field.args else ""
            parts.append(f"{name}{size} {{ {below} }}")
    return " ".join(parts)


def connection(inner: str) -> str:
    """The selection of a connection with ``inner`` of each node."""
    return (
        "totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
        f" edges {{ cursor node {{ {inner} }} }}"
    )


def node_of(field: GraphQLField) -> GraphQLObjectType | None:
    """The record in a connection field, or ``None`` for other fields."""
    kind = get_named_type(field.type)
    if not isinstance(kind, GraphQLObjectType) or "edges" not in kind.fields:
        return None
    edge = get_named_type(kind.fields["edges"].type)
    assert isinstance(edge, GraphQLObjectType)
    node = get_named_type(edge.fields["node"].type)
    assert isinstance(node, GraphQLObjectType)
    return node


def _below(inner: Composite, levels: int) -> str:
    if "edges" in inner.fields and isinstance(inner, GraphQLObjectType):
        edge = get_named_type(inner.fields["edges"].type)
        assert isinstance(edge, GraphQLObjectType)
        node = get_named_type(edge.fields["node"].type)
        assert isinstance(node, GraphQLObjectType)
        return connection(shallow(node))
    return deep(inner, levels - 1) if levels > 0 else shallow(inner)


def all_coordinates(schema: GraphQLSchema) -> set[Coordinate]:
    """Every field, argument, input field and enum member that a client can write."""
    found: set[Coordinate] = set()
    for kind in schema.type_map.values():
        if kind.name.startswith("__"):
            continue
        if isinstance(kind, (GraphQLObjectType, GraphQLInterfaceType)):
            for name, field in kind.fields.items():
                found.add(f"{kind.name}.{name}")
                found |= {f"{kind.name}.{name}({argument})" for argument in field.args}
        elif isinstance(kind, GraphQLInputObjectType):
            found |= {f"{kind.name}.{name}" for name in kind.fields}
    # Other members of enums are values like any text; those of an order or of what rows may be
    # grouped by are doors to columns.
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLInputObjectType) and kind.name.endswith("Order"):
            for field in kind.fields.values():
                members = get_named_type(field.type)
                assert isinstance(members, GraphQLEnumType)
                found |= {f"{members.name}.{name}" for name in members.values}
        elif isinstance(kind, GraphQLObjectType) and kind.name.endswith("Connection"):
            aggregate = kind.fields.get("aggregate")
            if aggregate is not None and "by" in aggregate.args:
                members = get_named_type(aggregate.args["by"].type)
                assert isinstance(members, GraphQLEnumType)
                found |= {f"{members.name}.{name}" for name in members.values}
    return found


class _Touching(Visitor):
    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self._info = info
        self.found: set[Coordinate] = set()

    def enter_field(self, node: Any, *_: Any) -> None:
        parent = self._info.get_parent_type()
        if parent is not None and not node.name.value.startswith("__"):
            self.found.add(f"{parent.name}.{node.name.value}")
            for argument in node.arguments or ():
                self.found.add(f"{parent.name}.{node.name.value}({argument.name.value})")

    def enter_object_field(self, node: Any, *_: Any) -> None:
        kind = get_named_type(self._info.get_parent_input_type())
        if isinstance(kind, GraphQLInputObjectType):
            self.found.add(f"{kind.name}.{node.name.value}")

    def enter_enum_value(self, node: Any, *_: Any) -> None:
        kind = get_named_type(self._info.get_input_type())
        if isinstance(kind, GraphQLEnumType):
            self.found.add(f"{kind.name}.{node.value}")


def touched(schema: GraphQLSchema, documents: Iterable[str]) -> set[Coordinate]:
    """The coordinates that valid documents touch; an invalid one is a fault of its generator."""
    found: set[Coordinate] = set()
    for document in documents:
        parsed = parse(document)
        faults = validate(schema, parsed)
        assert not faults, f"{faults[0].message}\n{document}"
        info = TypeInfo(schema)
        touching = _Touching(info)
        visit(parsed, TypeInfoVisitor(info, touching))
        found |= touching.found
    return found


def query_paths(schema: GraphQLSchema) -> Iterator[tuple[tuple[str, ...], str, GraphQLField]]:
    """Every field of ``Query`` and of the plugins' namespaces: (namespaces, name, field)."""
    assert schema.query_type is not None
    for name, field in schema.query_type.fields.items():
        inner = get_named_type(field.type)
        if isinstance(inner, GraphQLObjectType) and inner.name.endswith("Query"):
            for below, deeper in inner.fields.items():
                yield (name,), below, deeper
        else:
            yield (), name, field


def within(path: tuple[str, ...], selection: str) -> str:
    """A selection inside its namespaces."""
    for name in reversed(path):
        selection = f"{name} {{ {selection} }}"
    return selection
