"""Figures (统计): what a record may be counted and added up by, and which counts are kept.

Whoever may read rows may read figures over them; the compiler puts the same data scope into both.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from piccolo.columns import (
    UUID,
    BigInt,
    Boolean,
    Column,
    Date,
    DoublePrecision,
    ForeignKey,
    Integer,
    Real,
    SmallInt,
    Text,
    Timestamptz,
    Varchar,
)

from jingwei_sdk.errors import Refused

if TYPE_CHECKING:
    from jingwei_sdk.records import Record

TIME: Final = (Timestamptz, Date)
NUMBERS: Final = (Integer, BigInt, SmallInt, DoublePrecision, Real)
_DIMENSIONS: Final = (UUID, ForeignKey, BigInt, Integer, SmallInt, Boolean, Text, Varchar, *TIME)

MOST_KEPT = 3
"""So many columns may one roll-up have: with each the number of kept counts is multiplied."""

MOST_COLUMNS = 8
"""So many columns may the roll-ups of one record have together."""


@dataclass(frozen=True, slots=True)
class Rollup:
    """Counts (汇总) kept as commands commit, for every place and all values of ``dimensions``.

    ``day`` is a time column that is kept by calendar day in the tenant's time zone. Whatever asks
    for counts by some of these columns, filtered by these columns, is answered from the counts.
    ``depth`` keeps counts for so many levels of the place tree only, the root being the first;
    further down rows are counted. Where a place has hardly more rows than counts (days, far down),
    these would only take room. Each roll-up makes writing a little slower: declare those that a
    dashboard asks for.
    """

    dimensions: tuple[str, ...]
    day: str | None = None
    depth: int | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """All its columns, the day last."""
        return self.dimensions if self.day is None else (*self.dimensions, self.day)


def is_time(column: Column) -> bool:
    """Whether a column is grouped by buckets (hour, day, … year) and not by its values."""
    return isinstance(column, TIME)


def is_number(column: Column) -> bool:
    """Whether a column can be added up; a time has only an earliest and a latest."""
    return isinstance(column, NUMBERS)


def check_figures(record: "Record") -> None:
    """Refuse what cannot be grouped, measured or kept.

    Raises ``Refused``: ``RECORD_DIMENSION_TYPE``, ``RECORD_MEASURE_TYPE``, ``HIDDEN_COLUMN_TOLD``,
    ``ROLLUP_UNFIT`` and ``ROLLUP_WITHOUT_PLACE``.
    """
    hidden = [name for name in (*record.dimensions, *record.measures) if name in record.hidden]
    if hidden:
        raise Refused("HIDDEN_COLUMN_TOLD", record=record.name, columns=", ".join(sorted(hidden)))
    for name in record.dimensions:
        column = record.column(name)
        if not isinstance(column, _DIMENSIONS):
            raise Refused("RECORD_DIMENSION_TYPE", record=record.name, column=name)
    for name in record.measures:
        column = record.column(name)
        if not isinstance(column, (*NUMBERS, *TIME)):
            raise Refused("RECORD_MEASURE_TYPE", record=record.name, column=name)
    for rollup in record.rollups:
        cause = _unfit(record, rollup)
        if cause:
            raise Refused("ROLLUP_UNFIT", record=record.name, columns=str(rollup), cause=cause)
    if len({name for rollup in record.rollups for name in rollup.columns}) > MOST_COLUMNS:
        raise Refused(
            "ROLLUP_UNFIT",
            record=record.name,
            columns="*",
            cause=f"more than {MOST_COLUMNS} columns together",
        )


def _unfit(record: "Record", rollup: Rollup) -> str:
    """Why the counts of a roll-up cannot be kept, or an empty text."""
    columns = rollup.columns
    times = [name for name in rollup.dimensions if is_time(record.column(name))]
    problems = (
        (not 1 <= len(columns) <= MOST_KEPT, f"one to {MOST_KEPT} columns"),
        (len(set(columns)) != len(columns), "a column twice"),
        (rollup.depth is not None and rollup.depth < 1, "no level of the tree"),
        (not set(columns) <= set(record.dimensions), "a column that is no dimension"),
        (bool(times), "a time column that is not its day"),
        (rollup.day is not None and not is_time(record.column(rollup.day)), "a day of no time"),
        # What is kept is not looked at row by row, so nothing in it can be guarded.
        (bool(set(columns) & set(record.guarded)), "a guarded column"),
    )
    return next((cause for is_wrong, cause in problems if is_wrong), "")
