"""Rectangular demo cells: one is cut into neighbours that touch exactly and never overlap."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sqrt

MICRO = 1_000_000
"""Outlines are kept in whole millionths of a degree, so shared edges stay identical."""

_KM_PER_DEGREE = 111.32


@dataclass(frozen=True, slots=True)
class Cell:
    """A rectangle in millionths of a degree, CGCS2000."""

    west: int
    south: int
    east: int
    north: int

    @classmethod
    def around(cls, centre: tuple[float, float], area_km2: float) -> "Cell":
        """The cell of ``area_km2`` square kilometres, a little wider than high."""
        longitude, latitude = centre
        height = sqrt(area_km2 / 1.3)
        width = area_km2 / height
        half_x = round(width / 2 / (_KM_PER_DEGREE * cos(radians(latitude))) * MICRO)
        half_y = round(height / 2 / _KM_PER_DEGREE * MICRO)
        x, y = round(longitude * MICRO), round(latitude * MICRO)
        return cls(x - half_x, y - half_y, x + half_x, y + half_y)

    def ring(self) -> list[list[float]]:
        """The closed outer ring, counter-clockwise, in degrees."""
        corners = (
            (self.west, self.south),
            (self.east, self.south),
            (self.east, self.north),
            (self.west, self.north),
            (self.west, self.south),
        )
        return [[x / MICRO, y / MICRO] for x, y in corners]

    def at(self, across: float, up: float) -> tuple[float, float]:
        """The point at the given fractions of width and height, in degrees."""
        x = self.west + round((self.east - self.west) * across)
        y = self.south + round((self.north - self.south) * up)
        return x / MICRO, y / MICRO


def split_cell(cell: Cell, weights: Sequence[int]) -> list[Cell]:
    """Cut ``cell`` into one part per weight, areas in proportion, in the order of the weights."""
    if len(weights) <= 1:
        return [cell] * len(weights)
    total, first, middle = sum(weights), 0, 0
    while middle < len(weights) - 1 and (middle == 0 or first + weights[middle] <= total / 2):
        first += weights[middle]
        middle += 1
    one, other = _cut(cell, first / total)
    return split_cell(one, weights[:middle]) + split_cell(other, weights[middle:])


def _cut(cell: Cell, share: float) -> tuple[Cell, Cell]:
    width = (cell.east - cell.west) * cos(radians(cell.south / MICRO))
    if width >= cell.north - cell.south:
        x = cell.west + round((cell.east - cell.west) * share)
        return (
            Cell(cell.west, cell.south, x, cell.north),
            Cell(x, cell.south, cell.east, cell.north),
        )
    y = cell.north - round((cell.north - cell.south) * share)
    return (
        Cell(cell.west, y, cell.east, cell.north),
        Cell(cell.west, cell.south, cell.east, y),
    )
