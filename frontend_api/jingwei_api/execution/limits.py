"""Limits (限额): how deep, wide and costly an operation may be, told before anything runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
    VariableNode,
    get_named_type,
)

from jingwei_api.settings import ApiSettings
from jingwei_core.reading.keyset import DEFAULT_PAGE
from jingwei_core.reading.request import MAX_PAGE

_CONNECTION_FIELD = "pageInfo"
_MOST = 2**31


@dataclass(frozen=True, slots=True)
class Measure:
    """Depth and alias count of a selection, and how many fields stand at its top."""

    depth: int = 0
    aliases: int = 0
    width: int = 0


@dataclass(slots=True)
class _Measuring:
    """Measures each fragment once, so that fragments of fragments cannot blow the effort up."""

    fragments: Mapping[str, FragmentDefinitionNode]
    known: dict[str, Measure] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)

    def selection(self, selection: SelectionSetNode | None) -> Measure:
        depth = aliases = width = 0
        for node in selection.selections if selection else ():
            part = self._node(node)
            depth = max(depth, part.depth)
            aliases = min(aliases + part.aliases, _MOST)
            width = min(width + part.width, _MOST)
        return Measure(depth, aliases, width)

    def _node(self, node: Any) -> Measure:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value)
        inner = self.selection(node.selection_set)
        if isinstance(node, InlineFragmentNode):
            return inner
        alias = 1 if node.alias else 0
        # Introspection is deep by nature and costs no statement.
        depth = 0 if node.name.value.startswith("__") else inner.depth + 1
        return Measure(depth, inner.aliases + alias, 1)

    def _fragment(self, name: str) -> Measure:
        if name in self.known:
            return self.known[name]
        fragment = self.fragments.get(name)
        if fragment is None or name in self.open:
            return Measure()  # unknown and circular fragments are told by the standard rules
        self.open.add(name)
        self.known[name] = self.selection(fragment.selection_set)
        self.open.discard(name)
        return self.known[name]


def limit_rule(settings: ApiSettings) -> type[ValidationRule]:
    """A validation rule for depth, aliases and root fields; make it once, for caches key on it."""

    class LimitRule(ValidationRule):
        def __init__(self, context: ValidationContext) -> None:
            super().__init__(context)
            for problem in _exceeded(context.document, settings):
                context.report_error(problem)

    return LimitRule


def _exceeded(document: DocumentNode, settings: ApiSettings) -> Iterator[GraphQLError]:
    measuring = _Measuring(_fragments(document))
    for operation in document.definitions:
        if not isinstance(operation, OperationDefinitionNode):
            continue
        found = measuring.selection(operation.selection_set)
        checks = (
            ("QUERY_TOO_DEEP", found.depth, settings.max_depth),
            ("QUERY_TOO_MANY_ALIASES", found.aliases, settings.max_aliases),
            ("QUERY_TOO_WIDE", found.width, settings.max_root_fields),
        )
        for code, figure, limit in checks:
            if figure > limit:
                yield limit_error(code, figure, limit)


def limit_error(code: str, figure: int, limit: int) -> GraphQLError:
    """The error of an exceeded limit; says the limit and the operation's own figure."""
    return GraphQLError(code, extensions={"code": code, "figure": figure, "limit": limit})


def _fragments(document: DocumentNode) -> dict[str, FragmentDefinitionNode]:
    return {
        node.name.value: node
        for node in document.definitions
        if isinstance(node, FragmentDefinitionNode)
    }


@dataclass(slots=True)
class RowCost:
    """How many rows a valid operation could return at most, from its page sizes."""

    schema: GraphQLSchema
    fragments: Mapping[str, FragmentDefinitionNode]
    variables: Mapping[str, Any]
    known: dict[tuple[str, str], int] = field(default_factory=dict)

    def selection(self, selection: SelectionSetNode | None, parent: Any) -> int:
        """Rows below one object of the type ``parent``."""
        total = 0
        for node in selection.selections if selection else ():
            total += self._node(node, parent)
        return min(total, _MOST)

    def _node(self, node: Any, parent: Any) -> int:
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, parent)
        if isinstance(node, InlineFragmentNode):
            condition = node.type_condition
            inner = self.schema.get_type(condition.name.value) if condition else parent
            return self.selection(node.selection_set, inner)
        if not isinstance(parent, (GraphQLObjectType, GraphQLInterfaceType)):
            return 0
        found = parent.fields.get(node.name.value)
        if found is None:
            return 0
        kind = get_named_type(found.type)
        below = self.selection(node.selection_set, kind)
        if isinstance(kind, GraphQLObjectType) and _CONNECTION_FIELD in kind.fields:
            return self._size(node) * (1 + below)
        if node.selection_set is not None and node.name.value == "nodes":
            return MAX_PAGE * (1 + below)
        return below

    def _fragment(self, name: str, parent: Any) -> int:
        fragment = self.fragments[name]
        kind = fragment.type_condition.name.value
        key = (name, kind)
        if key not in self.known:
            self.known[key] = self.selection(fragment.selection_set, self.schema.get_type(kind))
        return self.known[key]

    def _size(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value not in ("first", "last"):
                continue
            size = self._value(argument.value)
            if size is not None:
                return max(0, min(size, MAX_PAGE))
        return DEFAULT_PAGE

    def _value(self, node: Any) -> int | None:
        if isinstance(node, IntValueNode):
            return int(node.value)
        if isinstance(node, VariableNode):
            given = self.variables.get(node.name.value)
            return given if isinstance(given, int) else MAX_PAGE
        return None


def check_rows(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
    limit: int,
) -> None:
    """Raise ``GraphQLError`` (``QUERY_TOO_COSTLY``) when it could return too many rows."""
    root = schema.get_root_type(operation.operation)
    cost = RowCost(schema, _fragments(document), variables)
    rows = cost.selection(operation.selection_set, root)
    if rows > limit:
        raise limit_error("QUERY_TOO_COSTLY", rows, limit)
