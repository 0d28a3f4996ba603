"""Sums that wait for variables: constants, and multiples of what variables decide."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

MOST = 2**31 - 1
"""Figures stop growing here, so that nested fragments cannot make giant numbers."""

_MANY = 8

Pair = tuple[int, int]
Worth = Callable[[Mapping[str, Any], Sequence[Pair]], Pair]
Number = int | Callable[[Mapping[str, Any]], int]
Test = bool | Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Affine:
    """Rows and cost, and how many times each open slot counts."""

    rows: int = 0
    cost: int = 0
    terms: tuple[tuple[int, int], ...] = ()

    def plus(self, rows: int, cost: int) -> "Affine":
        """With these constants more."""
        return Affine(min(self.rows + rows, MOST), min(self.cost + cost, MOST), self.terms)

    def times(self, count: int) -> "Affine":
        """So many of it."""
        if count <= 0:
            return Affine()
        terms = tuple((slot, min(many * count, MOST)) for slot, many in self.terms)
        return Affine(min(self.rows * count, MOST), min(self.cost * count, MOST), terms)

    def worth(self, values: Sequence[Pair]) -> Pair:
        """Rows and cost when the slots have these values."""
        rows, cost = self.rows, self.cost
        for slot, many in self.terms:
            value = values[slot]
            rows += many * value[0]
            cost += many * value[1]
        return min(rows, MOST), min(cost, MOST)


@dataclass(slots=True)
class Slots:
    """What variables decide, in an order in which each needs only those before it."""

    steps: list[Worth] = field(default_factory=list)

    def worked_out(self, variables: Mapping[str, Any]) -> list[Pair]:
        """The value of each slot."""
        values: list[Pair] = []
        for step in self.steps:
            values.append(step(variables, values))
        return values

    def total(self, parts: Iterable[Affine]) -> Affine:
        """The sum; many open terms become one, so that sums stay short."""
        rows = cost = 0
        terms: dict[int, int] = {}
        for part in parts:
            rows, cost = rows + part.rows, cost + part.cost
            for slot, many in part.terms:
                terms[slot] = min(terms.get(slot, 0) + many, MOST)
        found = Affine(min(rows, MOST), min(cost, MOST), tuple(terms.items()))
        return self.sealed(found) if len(terms) > _MANY else found

    def sealed(self, inner: Affine) -> Affine:
        """The same with at most one open term."""
        if len(inner.terms) < 2:
            return inner
        return self._slot(lambda variables, values: inner.worth(values))

    def scaled(self, inner: Affine, count: Number) -> Affine:
        """``count`` of it."""
        if isinstance(count, int):
            return inner.times(count)
        many = count

        def worth(variables: Mapping[str, Any], values: Sequence[Pair]) -> Pair:
            times = many(variables)
            rows, cost = inner.worth(values)
            return min(times * rows, MOST), min(times * cost, MOST)

        return self._slot(worth)

    def guarded(self, inner: Affine, test: Test) -> Affine:
        """It, if the test holds."""
        if isinstance(test, bool):
            return inner if test else Affine()
        if inner == Affine():
            return inner
        holds = test
        return self._slot(
            lambda variables, values: inner.worth(values) if holds(variables) else (0, 0)
        )

    def added(self, inner: Affine, more: Number) -> Affine:
        """It, with so much cost more."""
        if isinstance(more, int):
            return inner.plus(0, more)
        count = more
        slot = self._slot(lambda variables, values: (0, count(variables)))
        return self.total((inner, slot))

    def _slot(self, step: Worth) -> Affine:
        self.steps.append(step)
        return Affine(terms=((len(self.steps) - 1, 1),))
