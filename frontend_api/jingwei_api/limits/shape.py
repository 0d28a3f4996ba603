"""Shape (形状): what a document looks like before anything is known of its schema."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode

from jingwei_api.limits.affine import MOST

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(frozen=True, slots=True)
class Shape:
    """Depth and alias count of a selection, and how many fields stand at its top."""

    depth: int = 0
    aliases: int = 0
    width: int = 0


def shape_of(operation: OperationDefinitionNode, fragments: Fragments) -> Shape:
    """The shape of an operation; fragments count at each use and are looked at once."""
    known: dict[str, Shape] = {}
    for name in in_order(operation.selection_set, fragments):
        known[name] = _selection(fragments[name].selection_set, known)
    return _selection(operation.selection_set, known)


def _selection(selection: Any, known: Mapping[str, Shape]) -> Shape:
    depth = aliases = width = 0
    for node in selection.selections if selection else ():
        part = _node(node, known)
        depth = max(depth, part.depth)
        aliases = min(aliases + part.aliases, MOST)
        width = min(width + part.width, MOST)
    return Shape(depth, aliases, width)


def _node(node: Any, known: Mapping[str, Shape]) -> Shape:
    if node.kind == "fragment_spread":
        # Unknown and circular fragments are told by the standard rules.
        return known.get(node.name.value, Shape())
    inner = _selection(node.selection_set, known)
    if node.kind == "inline_fragment":
        return inner
    alias = 1 if node.alias else 0
    # Introspection is deep by nature and costs no statement.
    depth = 0 if node.name.value.startswith("__") else inner.depth + 1
    return Shape(depth, inner.aliases + alias, 1)


def in_order(selection: Any, fragments: Fragments) -> list[str]:
    """The fragments that a selection reaches, each after those that it spreads itself.

    A walk of its own instead of recursion: a chain of fragments may be longer than a stack.
    """
    found: dict[str, None] = {}
    open_: set[str] = set()
    walks: list[tuple[str, Iterator[str]]] = [("", iter(_spreads(selection)))]
    while walks:
        owner, rest = walks[-1]
        name = next(rest, None)
        if name is None:
            walks.pop()
            if owner:
                found[owner] = None
        elif name in fragments and name not in found and name not in open_:
            open_.add(name)
            walks.append((name, iter(_spreads(fragments[name].selection_set))))
    return list(found)


def _spreads(selection: Any) -> Iterable[str]:
    for node in selection.selections if selection else ():
        if node.kind == "fragment_spread":
            yield node.name.value
        else:
            yield from _spreads(node.selection_set)
