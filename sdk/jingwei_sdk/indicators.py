"""Indicators (指标): a figure over a record with a name, for dashboards and assessments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Measure = Literal["count", "sum", "min", "max", "avg"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """``measure`` of ``column`` (none for ``count``) over the rows of ``record`` that equal
    ``where``, by up to three of the record's dimensions."""

    code: str
    record: str
    zh: str
    en: str
    permission: str
    measure: Measure = "count"
    column: str = ""
    dimensions: tuple[str, ...] = ()
    where: Mapping[str, object] = field(default_factory=dict)
