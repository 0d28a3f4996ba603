"""Cost (成本): how many rows an operation could return and how much work it is, before it runs.

The figures are upper bounds: lists are taken to be full, all branches of an interface to be asked,
fragments and aliases count at each use, equal fields as often as they are written. Adding a field
never lowers one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from graphql import FragmentDefinitionNode, OperationDefinitionNode, value_from_ast_untyped

from jingwei_api.limits.affine import MOST, Affine, Slots, Test
from jingwei_api.limits.shape import Shape, in_order, shape_of
from jingwei_api.limits.sizes import Worst, condition, extra, group_size, ids_size, page_size
from jingwei_api.limits.weights import ROW, ROWS, TOLD_FOR_ONE, Weight, Weights

Fragments = Mapping[str, FragmentDefinitionNode]
_NOTHING = Affine()


@dataclass(frozen=True, slots=True)
class Cost:
    """The figures of one operation with its variables."""

    rows: int
    cost: int
    depth: int
    aliases: int
    width: int


class Measured:
    """An operation measured once; call it with the variables of each request.

    Variables are taken as they came or coerced; defaults of the operation apply to absent ones.
    """

    __slots__ = ("_defaults", "_fixed", "_slots", "_total", "shape")

    def __init__(
        self, shape: Shape, total: Affine, slots: Slots, defaults: Mapping[str, Any]
    ) -> None:
        self.shape = shape
        self._total = total
        self._slots = slots
        self._defaults = defaults
        self._fixed = None if total.terms else self._cost(total.rows, total.cost)

    def __call__(self, variables: Mapping[str, Any]) -> Cost:
        """The figures with these variables."""
        if self._fixed is not None:
            return self._fixed
        given = {**self._defaults, **variables} if self._defaults else variables
        return self._cost(*self._total.worth(self._slots.worked_out(given)))

    def worst(self) -> Cost:
        """The figures with the costliest variables that there are."""
        return self._cost(*self._total.worth(self._slots.worked_out(Worst())))

    def _cost(self, rows: int, cost: int) -> Cost:
        shape = self.shape
        return Cost(min(rows, MOST), min(cost, MOST), shape.depth, shape.aliases, shape.width)


def compile_cost(
    weights: Weights, operation: OperationDefinitionNode, fragments: Fragments
) -> Measured:
    """Measure an operation of a valid document; what depends on variables is left open.

    The effort is linear in the document, however its fragments are nested.
    """
    slots = Slots()
    measuring = _Measuring(weights, slots)
    for name in in_order(operation.selection_set, fragments):
        measuring.fragment(fragments[name])
    root = weights.schema.get_root_type(operation.operation)
    total = measuring.part(operation.selection_set, root).other
    return Measured(shape_of(operation, fragments), total, slots, _defaults(operation))


def measure(
    weights: Weights,
    operation: OperationDefinitionNode,
    fragments: Fragments,
    variables: Mapping[str, Any],
) -> Cost:
    """The figures of one operation, once."""
    return compile_cost(weights, operation, fragments)(variables)


@dataclass(frozen=True, slots=True)
class _Part:
    """What a selection comes to: ``edges`` once for each row of the list it stands in, ``other``
    once. ``reads`` says that the page itself is needed, even if no row is asked; ``has_rows`` that
    rows are asked, whatever the variables are."""

    other: Affine = _NOTHING
    edges: Affine = _NOTHING
    reads: bool = False
    has_rows: bool = False


@dataclass(slots=True)
class _Measuring:
    weights: Weights
    slots: Slots
    known: dict[str, _Part] = field(default_factory=dict)

    def fragment(self, node: FragmentDefinitionNode) -> None:
        kind = self.weights.schema.get_type(node.type_condition.name.value)
        part = self.part(node.selection_set, kind)
        seal = self.slots.sealed
        sealed = replace(part, other=seal(part.other), edges=seal(part.edges))
        self.known[node.name.value] = sealed

    def part(self, selection: Any, parent: Any) -> _Part:
        parts = [self._node(node, parent) for node in (selection.selections if selection else ())]
        return self._sum(parts)

    def _sum(self, parts: Sequence[_Part]) -> _Part:
        if len(parts) == 1:
            return parts[0]
        add = self.slots.total
        other, edges = add(part.other for part in parts), add(part.edges for part in parts)
        reads, has_rows = any(part.reads for part in parts), any(part.has_rows for part in parts)
        return _Part(other, edges, reads, has_rows)

    def _node(self, node: Any, parent: Any) -> _Part:
        test = condition(node.directives)
        if test is False:
            return _Part()
        if node.kind == "field":
            part = self._field(node, parent)
        elif node.kind == "inline_fragment":
            on = node.type_condition
            kind = self.weights.schema.get_type(on.name.value) if on else parent
            part = self.part(node.selection_set, kind)
        else:
            part = self.known.get(node.name.value, _Part())
        return part if test is True else self._guarded(part, test)

    def _guarded(self, part: _Part, test: Test) -> _Part:
        guard = self.slots.guarded
        return _Part(guard(part.other, test), guard(part.edges, test), part.reads)

    def _field(self, node: Any, parent: Any) -> _Part:
        name = node.name.value
        weight = self.weights.of(parent, name)
        if weight is None:
            return _Part()
        below = self.part(node.selection_set, weight.type)
        if name in ROWS and self.weights.is_many(parent):
            return _Part(edges=below.other.plus(1, ROW), reads=True, has_rows=True)
        return _Part(self._worth(node, weight, below), reads=name == "pageInfo")

    def _worth(self, node: Any, weight: Weight, below: _Part) -> Affine:
        inner = below.other
        if weight.kind == "page":
            return self._page(node, weight, below)
        if weight.kind == "groups":
            groups = self.slots.scaled(below.edges, group_size(node))
            return self.slots.total((groups, below.other)).plus(0, weight.own)
        if weight.kind == "told":
            return inner.plus(0, 1).times(weight.count)
        if weight.kind == "introspection":
            return Affine(0, weight.own + inner.cost // TOLD_FOR_ONE, inner.terms)
        if weight.kind == "ids":
            return self.slots.scaled(inner.plus(1, ROW), ids_size(node)).plus(0, weight.own)
        if weight.kind == "objects":
            return inner.plus(1, ROW).times(weight.count).plus(0, weight.own)
        return inner.plus(0, weight.own)

    def _page(self, node: Any, weight: Weight, below: _Part) -> Affine:
        rows = below.edges
        if below.reads and not below.has_rows:
            rows = rows.plus(0, ROW)  # the page is read for its ends, though no row is answered
        page = self.slots.scaled(rows, page_size(node))
        found = self.slots.total((page, below.other)).plus(0, weight.own)
        return self.slots.added(found, extra(node, weight))


def _defaults(operation: OperationDefinitionNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for variable in operation.variable_definitions or ():
        if variable.default_value is not None:
            name = variable.variable.name.value
            found[name] = value_from_ast_untyped(variable.default_value)
    return found
