"""Inputs (输入值): where an argument's value comes from, as far as a document says.

A document fixes some values and leaves others to variables. An input knows which: it can be read
with the variables of a request, and it can answer a function that reads it in later requests.
"""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from graphql import (
    GraphQLError,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    value_from_ast,
    value_from_ast_untyped,
)

from jingwei_api.planning.index import InputName, SchemaIndex

Given = Mapping[str, Any]
Fetch = Callable[[Given], Any]


class Absent(enum.Enum):
    """The value of what was left out; ``null`` is something else."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Fixed:
    """The document says the value."""

    value: Any


@dataclass(frozen=True, slots=True)
class Bound:
    """A variable, or what lies at ``path`` inside one.

    ``needed`` is the type that takes no null, where the variable stands for a value of such a one:
    a variable with a default may stand there, and be null all the same.
    """

    name: str
    path: tuple[str, ...] = ()
    needed: str = ""


@dataclass(frozen=True, slots=True)
class Parts:
    """An input object that the document spells out, by Python names."""

    fields: Mapping[str, "Input"]


@dataclass(frozen=True, slots=True)
class Items:
    """A list that the document spells out."""

    items: tuple["Input", ...]


@dataclass(frozen=True, slots=True)
class Untyped:
    """JSON that the document spells out with variables inside."""

    node: ValueNode


Input = Fixed | Bound | Parts | Items | Untyped


def read(given: Input, variables: Given) -> Any:
    """The value with these variables, :data:`ABSENT` when it was left out.

    Raises ``GraphQLError`` for null where a value is needed.
    """
    if isinstance(given, Fixed):
        return given.value
    if isinstance(given, Bound):
        value = variables.get(given.name, ABSENT)
        for name in given.path:
            value = ABSENT if value is ABSENT or value is None else value.get(name, ABSENT)
        if value is None and given.needed:
            raise GraphQLError(f"A value of type '{given.needed}' is needed.")
        return value
    if isinstance(given, Parts):
        found = {name: read(part, variables) for name, part in given.fields.items()}
        return {name: value for name, value in found.items() if value is not ABSENT}
    if isinstance(given, Items):
        values = (read(item, variables) for item in given.items)
        return [None if value is ABSENT else value for value in values]
    return value_from_ast_untyped(given.node, dict(variables))


def part(given: Input, name: str) -> Input:
    """What an input object has under a Python name."""
    if isinstance(given, Parts):
        return given.fields.get(name, Fixed(ABSENT))
    if isinstance(given, Bound):
        return Bound(given.name, (*given.path, name))
    assert isinstance(given, Fixed)
    return Fixed((given.value or {}).get(name, ABSENT))


def fetcher(given: Input) -> Fetch:
    """A function that reads the input from variables where it is known to be given."""
    if isinstance(given, Bound):
        if not given.path:
            return itemgetter(given.name)
        if len(given.path) == 2:
            name, (first, second) = given.name, given.path
            return lambda variables: variables[name][first][second]
    return lambda variables: read(given, variables)


class Literals:
    """Reads values as documents spell them."""

    def __init__(self, index: SchemaIndex) -> None:
        self._index = index

    def arguments(self, nodes: Any, known: Mapping[str, InputName]) -> dict[str, Input]:
        """The arguments of a field by Python names; what was left out is missing."""
        found: dict[str, Input] = {}
        said = {node.name.value: node.value for node in nodes or ()}
        for name, declared in known.items():
            if name in said:
                found[declared.python] = self.literal(said[name], declared.told.type)
        return found

    def literal(self, node: ValueNode, kind: Any) -> Input:
        """A value of an input type."""
        if isinstance(node, VariableNode):
            needed = str(kind) if isinstance(kind, GraphQLNonNull) else ""
            return Bound(node.name.value, needed=needed)
        if isinstance(kind, GraphQLNonNull):
            return self.literal(node, kind.of_type)
        if isinstance(node, NullValueNode):
            return Fixed(None)
        if isinstance(kind, GraphQLList):
            nodes = node.values if isinstance(node, ListValueNode) else (node,)
            items = tuple(self.literal(item, kind.of_type) for item in nodes)
            whole = Items(items)
            return Fixed(read(whole, {})) if all(map(_is_fixed, items)) else whole
        if isinstance(kind, GraphQLInputObjectType):
            return self._object(node, kind)
        if isinstance(node, (ListValueNode, ObjectValueNode)):
            return Untyped(node)
        return Fixed(value_from_ast(node, kind))

    def _object(self, node: ValueNode, kind: GraphQLInputObjectType) -> Input:
        if not isinstance(node, ObjectValueNode):
            raise GraphQLError("An input object was expected.", node)
        known = self._index.inputs(kind)
        fields = {
            known[said.name.value].python: self.literal(
                said.value, known[said.name.value].told.type
            )
            for said in node.fields
        }
        return Parts(fields)


def _is_fixed(given: Input) -> bool:
    return isinstance(given, Fixed) or (
        isinstance(given, Parts) and all(map(_is_fixed, given.fields.values()))
    )
