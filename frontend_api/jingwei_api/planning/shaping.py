"""Shapes (形状): what of a request's variables a statement depends on.

Two requests of one shape are answered by one statement. Values are no part of a shape, but for what
is written into the statement: page sizes, orders, what conditions look at, the structure of
filters, and which types ids name.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    visit,
)
from graphql.language import Visitor

from jingwei_api.planning.index import SchemaIndex
from jingwei_api.planning.inputs import ABSENT
from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    BatchField,
    ChangesField,
    CommandField,
    IntrospectionField,
    NodeField,
    NodesField,
    QuestionField,
)
from jingwei_sdk.errors import Invalid

Shaper = Callable[[Any], Hashable]


def whole(value: Any) -> Hashable:
    """The value itself."""
    if isinstance(value, dict):
        return tuple((key, whole(item)) for key, item in value.items())
    return tuple(whole(item) for item in value) if isinstance(value, list) else value


def structure(value: Any) -> Hashable:
    """Which fields are given, which of them are null, and truth values."""
    if isinstance(value, dict):
        return tuple((key, structure(item)) for key, item in value.items())
    return value if value is None or value is ABSENT or isinstance(value, bool) else ...


def is_filled(value: Any) -> Hashable:
    """Whether there is a value that is not empty."""
    return value is not ABSENT and bool(value)


def type_names(value: Any) -> Hashable:
    """The type that each id names; empty for what is no id, ``None`` for null."""
    if isinstance(value, str):
        return _type_name(value)
    return tuple(_type_name(item) for item in value) if isinstance(value, list) else None


def _type_name(value: str | None) -> str | None:
    try:
        return None if value is None else global_id.decode(value)[0]
    except Invalid:
        return ""


_BY_ARGUMENT: Mapping[str, Shaper] = {
    "filter": structure,
    "search": is_filled,
    "under": is_filled,
    "after": is_filled,
    "before": is_filled,
    "id": structure,
}
# Their arguments are read when they run and shape nothing.
_ACTING = (BatchField, CommandField, ChangesField)


class Shape:
    """Answers the shape of an operation's variables."""

    def __init__(
        self,
        index: SchemaIndex,
        fragments: Mapping[str, FragmentDefinitionNode],
        operation: OperationDefinitionNode,
    ) -> None:
        self._index = index
        self._fragments = fragments
        self._seen: set[str] = set()
        self._found: dict[tuple[str, Shaper], None] = {}
        self.conditions: tuple[str, ...] = ()
        self.introspects = False
        root = index.schema.get_root_type(operation.operation)
        assert root is not None
        self._selection(operation.selection_set, root)
        self.conditions = tuple(dict.fromkeys(self.conditions))
        self._shapers = tuple(self._found)

    def of(self, variables: Mapping[str, Any]) -> Hashable:
        """The shape of checked variables."""
        return tuple([shaper(variables.get(name, ABSENT)) for name, shaper in self._shapers])

    def _selection(self, selection: SelectionSetNode, parent: Any) -> None:
        for node in selection.selections:
            self._directives(node)
            if isinstance(node, FieldNode):
                self._field(node, parent)
            elif isinstance(node, FragmentSpreadNode):
                name = node.name.value
                if name not in self._seen:
                    self._seen.add(name)
                    fragment = self._fragments[name]
                    kind = self._index.schema.type_map[fragment.type_condition.name.value]
                    self._selection(fragment.selection_set, kind)
            else:
                condition: Any = node.type_condition  # type: ignore[attr-defined]
                kind = self._index.schema.type_map[condition.name.value] if condition else parent
                self._selection(node.selection_set, kind)  # type: ignore[attr-defined]

    def _field(self, node: FieldNode, parent: Any) -> None:
        if not isinstance(parent, GraphQLObjectType):
            return  # the fields of Node take no arguments
        told = self._index.field(parent, node.name.value)
        if isinstance(told.meaning, IntrospectionField):
            self.introspects = True
            self._found.update(dict.fromkeys((name, whole) for name in _variables(node)))
            return
        if not isinstance(told.meaning, _ACTING):
            for argument in node.arguments or ():
                python = told.arguments[argument.name.value].python
                if isinstance(told.meaning, QuestionField) and told.meaning.reads(python):
                    continue
                shaper = _shaper(told.meaning, python)
                names = _variables(argument.value)
                self._found.update(dict.fromkeys((name, shaper) for name in names))
        if node.selection_set is not None:
            self._selection(node.selection_set, told.named)

    def _directives(self, node: Any) -> None:
        names = [name for directive in node.directives or () for name in _variables(directive)]
        self.conditions += tuple(names)
        self._found.update(dict.fromkeys((name, whole) for name in names))


def _shaper(meaning: Any, argument: str) -> Shaper:
    if isinstance(meaning, (NodeField, NodesField)):
        return type_names
    return _BY_ARGUMENT.get(argument, whole)


def _variables(node: Any) -> Iterator[str]:
    """The variables that a value, a directive or a field mentions."""
    found: list[str] = []

    class Names(Visitor):
        def enter_variable(self, variable: VariableNode, *_: Any) -> None:
            found.append(variable.name.value)

    visit(node, Names())
    return iter(found)
