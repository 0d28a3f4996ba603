"""A measured figure, set against a limit."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.markdown import markdown


@dataclass(frozen=True)
class Figure:
    """What was measured in ``unit``, and the limit measured in the same run."""

    name: str
    values: tuple[float, ...]
    unit: str
    limit_name: str
    limit: float

    @property
    def ratio(self) -> float:
        """How many times the limit it took."""
        return median(self.values) / self.limit


def table(figures: Sequence[Figure]) -> str:
    """The figures with their limits and ratios."""
    rows = [
        [
            figure.name,
            f"{median(figure.values):.3g} {figure.unit}",
            f"{min(figure.values):.3g}–{max(figure.values):.3g}",
            f"{figure.limit_name}, {figure.limit:.3g} {figure.unit}",
            f"{figure.ratio:.2f}",
        ]
        for figure in figures
    ]
    return markdown(["what", "median", "spread", "against", "ratio"], rows)
