"""Figures of a selection (统计选择): an aggregate over the rows of a connection, as nodes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from jingwei_core.reading.request import Direction
from jingwei_sdk.records import One

if TYPE_CHECKING:
    from jingwei_core.reading.selection import Column, Constant, RowField, Typename

Unit = Literal["hour", "day", "week", "month", "quarter", "year"]
Measure = Literal["sum", "min", "max", "avg"]
BucketPart = Literal["start", "end", "date"]


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are grouped by: a column's values, or buckets of a time column in the tenant's
    time zone."""

    column: str
    unit: Unit | None = None


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows."""

    key: str


@dataclass(frozen=True, slots=True)
class Measures:
    """An object with one figure for each of the ``fields``, which name columns."""

    key: str
    function: Measure
    fields: "tuple[Column | Typename, ...]"


@dataclass(frozen=True, slots=True)
class KeyValue:
    """The value of the ``index``-th dimension, null where the group's rows have none."""

    key: str
    index: int


@dataclass(frozen=True, slots=True)
class KeyRow:
    """The row that the ``index``-th dimension names, null out of sight."""

    key: str
    index: int
    relation: One
    fields: "tuple[RowField, ...]"


@dataclass(frozen=True, slots=True)
class BucketEdge:
    """Where a bucket begins, where the next one begins, or its first day."""

    key: str
    part: BucketPart


@dataclass(frozen=True, slots=True)
class KeyBucket:
    """Where the ``index``-th dimension's bucket begins and ends."""

    key: str
    index: int
    fields: "tuple[BucketEdge | Typename, ...]"


@dataclass(frozen=True, slots=True)
class GroupKey:
    """What the rows of a group have in common; a dimension that was not asked for is a
    :class:`Constant` null."""

    key: str
    fields: "tuple[KeyValue | KeyRow | KeyBucket | Typename | Constant, ...]"


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups, at most ``limit`` of their :class:`Aggregate`."""

    key: str
    fields: "tuple[GroupKey | Tally | Measures | Typename, ...]"


@dataclass(frozen=True, slots=True)
class IsCut:
    """Whether there are more groups than shown."""

    key: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """Figures over all rows in sight that match, whatever the page, and by groups.

    ``order`` sorts the groups by ``count`` or by ``key`` (the dimensions in their order).
    """

    key: str
    by: tuple[Dimension, ...]
    fields: "tuple[Groups | IsCut | Tally | Measures | Typename, ...]"
    order: tuple[tuple[Literal["count", "key"], Direction], ...] = (("count", "desc"),)
    limit: int = 100
