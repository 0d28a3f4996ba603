"""Indicators (指标): a figure over a record with a name, for dashboards and assessments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION

Measure = Literal["count", "sum", "min", "max", "avg"]


@dataclass(frozen=True, slots=True)
class Indicator:
    """``measure`` of ``column`` (none for ``count``) over the rows of ``record`` that equal
    ``where``, by up to three of the record's dimensions.

    Counted are the rows that its reader may see where ``permission`` is held. Raises ``Refused``
    (``PRESENCE_WITHOUT_PERMISSION``).
    """

    code: str
    record: str
    zh: str
    en: str
    permission: str
    measure: Measure = "count"
    column: str = ""
    dimensions: tuple[str, ...] = ()
    where: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not PERMISSION.match(self.permission):
            raise Refused("PRESENCE_WITHOUT_PERMISSION", item=self.code)
