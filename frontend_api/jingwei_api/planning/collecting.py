"""Collecting (字段收集): the fields of a selection, as the GraphQL specification says (§6.3.2).

Fragments are taken in where they apply, ``@skip`` and ``@include`` are obeyed, and fields under one
response key become one, with what each of them selects.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    SelectionSetNode,
    VariableNode,
)

from jingwei_api.planning.index import FieldOf, SchemaIndex
from jingwei_api.planning.inputs import Fixed, Input, Literals

Path = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Scope:
    """What collecting needs of a document: its fragments, and the variables that its conditions
    depend on."""

    index: SchemaIndex
    fragments: Mapping[str, FragmentDefinitionNode]
    conditions: Mapping[str, Any]
    literals: Literals


@dataclass(slots=True, eq=False)
class Chosen:
    """A field of the response: its key, what it means, its arguments, and what lies below."""

    scope: Scope
    key: str
    parent: str
    told: FieldOf
    nodes: list[FieldNode]
    path: Path
    given: dict[str, Input]
    _below: dict[str, tuple["Chosen", ...]] = field(default_factory=dict)

    @property
    def meaning(self) -> Any:
        """What the field means."""
        return self.told.meaning

    def input(self, name: str) -> Input:
        """Where an argument of a query comes from; there, null and left out mean the same."""
        return self.given.get(name, _LEFT_OUT)

    def below(self, kind: str | None = None) -> tuple["Chosen", ...]:
        """The fields chosen of its value, when that is an object of the type ``kind`` (needed
        where there may be several)."""
        name = kind or self.told.named.name  # type: ignore[union-attr]
        found = self._below.get(name)
        if found is None:
            sets = [node.selection_set for node in self.nodes if node.selection_set]
            found = self._below[name] = collect(
                self.scope, self.scope.index.object(name), sets, self.path
            )
        return found


_LEFT_OUT = Fixed(None)


def collect(
    scope: Scope, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], path: Path
) -> tuple[Chosen, ...]:
    """The fields that selection sets choose of an object, in the order of their first mention."""
    nodes: dict[str, list[FieldNode]] = {}
    seen: set[str] = set()
    for selection in sets:
        _gather(scope, kind, selection, nodes, seen)
    return tuple(_chosen(scope, kind, key, found, path) for key, found in nodes.items())


def _chosen(
    scope: Scope, kind: GraphQLObjectType, key: str, nodes: list[FieldNode], path: Path
) -> Chosen:
    told = scope.index.field(kind, nodes[0].name.value)
    given = scope.literals.arguments(nodes[0].arguments, told.arguments)
    return Chosen(scope, key, kind.name, told, nodes, (*path, key), given)


def _gather(
    scope: Scope,
    kind: GraphQLObjectType,
    selection: SelectionSetNode,
    nodes: dict[str, list[FieldNode]],
    seen: set[str],
) -> None:
    for node in selection.selections:
        if not is_included(node, scope.conditions):
            continue
        if isinstance(node, FieldNode):
            key = (node.alias or node.name).value
            nodes.setdefault(key, []).append(node)
        elif isinstance(node, FragmentSpreadNode):
            name = node.name.value
            if name in seen:
                continue
            seen.add(name)
            fragment = scope.fragments[name]
            if scope.index.applies(fragment.type_condition.name.value, kind):
                _gather(scope, kind, fragment.selection_set, nodes, seen)
        else:
            condition: Any = node.type_condition  # type: ignore[attr-defined]
            if scope.index.applies(condition.name.value if condition else None, kind):
                _gather(scope, kind, node.selection_set, nodes, seen)  # type: ignore[attr-defined]


def is_included(node: Any, conditions: Mapping[str, Any]) -> bool:
    """What the directives ``@skip`` and ``@include`` of a selection say; variables that they look
    at are not null (:meth:`~.variables.Variables.checked`)."""
    for directive in node.directives or ():
        name = directive.name.value
        if name not in ("skip", "include"):
            continue
        (argument,) = directive.arguments
        value = argument.value
        said = conditions[value.name.value] if isinstance(value, VariableNode) else value.value
        if said is (name == "skip"):
            return False
    return True
