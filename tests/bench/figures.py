"""A measured figure and the page that lists them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median


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

    @property
    def line(self) -> str:
        """One line for the terminal."""
        spread = f"{min(self.values):.3g}–{max(self.values):.3g}"
        told = f"{median(self.values):>9.3g} {self.unit} ({spread})"
        return f"{self.name:<44} {told:<32} {self.ratio:>6.2f} × {self.limit_name}"


def page(figures: Sequence[Figure], day: date) -> str:
    """The page ``docs/performance.md``."""
    rows = [
        f"| {f.name} | {median(f.values):.3g} {f.unit} | {min(f.values):.3g}–{max(f.values):.3g} |"
        f" {f.limit_name}, {f.limit:.3g} {f.unit} | {f.ratio:.2f} |"
        for f in figures
    ]
    return "\n".join(
        [
            "# Performance",
            "",
            f"Written by `make bench` on {day.isoformat()}: two cores, embedded PostgreSQL, data in"
            " memory. Absolute figures move with the machine; read the last column, the ratio to a"
            " limit that was measured in the same run.",
            "",
            "| what | median | spread | against | ratio |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    )
