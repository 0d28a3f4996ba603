"""Merging (合并): whether fields with one response name can be one, in linear time.

The specification's own rule compares every pair of fields: a document of a few kilobytes keeps a
process busy for seconds. Being alike is an equivalence, so each field is compared with the first of
its group only, and what the fields of a group select is looked at together.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ASTValidationRule,
    FieldNode,
    GraphQLError,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    InlineFragmentNode,
    OperationDefinitionNode,
    OverlappingFieldsCanBeMergedRule,
    ValidationContext,
    is_leaf_type,
    print_ast,
    specified_rules,
)
from graphql.utilities.sort_value_node import sort_value_node

from jingwei_api.limits.gate import limit_error

MOST_VISITS = 100_000
"""So many fields are looked at, fragments at each use; documents that fit into our other limits
have far fewer."""

Selected = tuple[Any, Any]
"""A selection set and the type it is asked of."""


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    node: FieldNode
    parent: Any
    told: Any


class _Conflict(Exception):
    def __init__(self, reason: str, name: str, nodes: Sequence[FieldNode]) -> None:
        super().__init__(reason)
        self.error = GraphQLError(
            f"Fields '{name}' conflict because {reason}."
            " Use different aliases on the fields to fetch both if this was intentional.",
            nodes,
        )


class _TooMany(Exception):
    """The document spreads out too far to be looked at."""


class FieldsMergeRule(ASTValidationRule):
    """Tells the first two fields of an operation that cannot be merged."""

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._context = context

    def enter_operation_definition(self, node: OperationDefinitionNode, *_: Any) -> None:
        """Look at the operation with all that it spreads."""
        root = self._context.schema.get_root_type(node.operation)
        looking = _Looking(self._context)
        try:
            looking.meanings([(node.selection_set, root)])
            looking.shapes([(node.selection_set, root)])
        except _Conflict as conflict:
            self.report_error(conflict.error)
        except _TooMany:
            self.report_error(limit_error("QUERY_TOO_TANGLED", MOST_VISITS + 1, MOST_VISITS))


@dataclass(slots=True)
class _Looking:
    context: ValidationContext
    visits: int = 0
    arguments: dict[int, Any] = field(default_factory=dict)

    def shapes(self, selected: Sequence[Selected]) -> None:
        """All fields with one response name must give values of one shape."""
        for name, group in self._groups(selected).items():
            known = [asked for asked in group if asked.told is not None]
            for asked in known[1:]:
                first, other = shape(known[0].told.type), shape(asked.told.type)
                if first != other:
                    types = f"'{known[0].told.type}' and '{asked.told.type}'"
                    raise _Conflict(
                        f"they return conflicting types {types}", name, [known[0].node, asked.node]
                    )
            self.shapes(_below(group))

    def meanings(self, selected: Sequence[Selected]) -> None:
        """Those that one object could be asked for must be the same field with the same
        arguments."""
        for name, group in self._groups(selected).items():
            for part in _parts(group):
                first = part[0]
                for asked in part[1:]:
                    self._compare(name, first, asked)
                self.meanings(_below(part))

    def _compare(self, name: str, first: _Asked, other: _Asked) -> None:
        one, two = first.node.name.value, other.node.name.value
        nodes = [first.node, other.node]
        if one != two:
            raise _Conflict(f"'{one}' and '{two}' are different fields", name, nodes)
        if self._given(first.node) != self._given(other.node):
            raise _Conflict("they have differing arguments", name, nodes)

    def _given(self, node: FieldNode) -> Any:
        if not node.arguments:
            return ()
        known = self.arguments.get(id(node))
        if known is None:
            known = self.arguments[id(node)] = sorted(
                (one.name.value, print_ast(sort_value_node(one.value))) for one in node.arguments
            )
        return known

    def _groups(self, selected: Sequence[Selected]) -> dict[str, list[_Asked]]:
        """The fields by response name; each fragment is entered once."""
        found: dict[str, list[_Asked]] = {}
        entered: set[str] = set()
        waiting = list(reversed(selected))
        while waiting:
            selection, parent = waiting.pop()
            for node in selection.selections if selection else ():
                self.visits += 1
                if self.visits > MOST_VISITS:
                    raise _TooMany
                if isinstance(node, FieldNode):
                    told = getattr(parent, "fields", {}).get(node.name.value)
                    name = (node.alias or node.name).value
                    found.setdefault(name, []).append(_Asked(node, parent, told))
                elif isinstance(node, InlineFragmentNode):
                    on = node.type_condition
                    kind = self.context.schema.get_type(on.name.value) if on else parent
                    waiting.append((node.selection_set, kind))
                elif node.name.value not in entered:
                    entered.add(node.name.value)
                    waiting += self._fragment(node.name.value)
        return found

    def _fragment(self, name: str) -> list[Selected]:
        fragment = self.context.get_fragment(name)
        if fragment is None:
            return []
        kind = self.context.schema.get_type(fragment.type_condition.name.value)
        return [(fragment.selection_set, kind)]


def _parts(group: Sequence[_Asked]) -> Iterable[Sequence[_Asked]]:
    """Those of each object type, together with those of interfaces, which may be any of them."""
    objects = {id(a.parent): a.parent for a in group if isinstance(a.parent, GraphQLObjectType)}
    if len(objects) < 2:
        return [group]
    return [
        [a for a in group if a.parent is kind or not isinstance(a.parent, GraphQLObjectType)]
        for kind in objects.values()
    ]


def _below(group: Sequence[_Asked]) -> list[Selected]:
    return [
        (asked.node.selection_set, _named(asked.told))
        for asked in group
        if asked.node.selection_set
    ]


def _named(told: Any) -> Any:
    kind = told.type if told is not None else None
    while isinstance(kind, (GraphQLList, GraphQLNonNull)):
        kind = kind.of_type
    return kind


def shape(kind: Any) -> str:
    """What matters of a type for merging: lists, nulls, and which leaf."""
    if isinstance(kind, GraphQLNonNull):
        return f"{shape(kind.of_type)}!"
    if isinstance(kind, GraphQLList):
        return f"[{shape(kind.of_type)}]"
    return kind.name if is_leaf_type(kind) else "{}"


RULES = tuple(
    FieldsMergeRule if rule is OverlappingFieldsCanBeMergedRule else rule
    for rule in specified_rules
)
"""The specification's rules of validation, none of which takes long."""

MOST_ERRORS = 20
"""After so many a document is not looked at any further."""
