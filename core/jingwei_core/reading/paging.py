"""Paging (翻页): what a page reads of a record, as the pieces that its SELECT is made of."""

from dataclasses import dataclass

from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.keyset import Sort, order_by, stretches_after
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import Wanted
from jingwei_sdk.records import Record, Through


@dataclass(frozen=True, slots=True)
class Parent:
    """The row whose children a page holds: their reference ``column`` equals ``sql``; ``known`` is
    the scope that need not be looked at again, since the parent is in sight."""

    column: str
    sql: str
    known: Through


@dataclass(frozen=True, slots=True)
class Scan:
    """What to read: ``columns`` (quoted) of the first ``limit`` rows in the order ``sort``."""

    record: Record
    alias: str
    sort: Sort
    columns: tuple[str, ...]
    limit: int

    @property
    def brought(self) -> str:
        """The columns that the page needs of a row."""
        return ", ".join(f"{self.alias}.{name}" for name in self.columns) or "true"

    @property
    def inside(self) -> str:
        """What is brought, and what it is sorted by."""
        names = dict.fromkeys((*self.columns, *(f'"{column}"' for column, _ in self.sort)))
        return ", ".join(f"{self.alias}.{name}" for name in names)

    @property
    def keys(self) -> str:
        """What it is sorted by, each column once; the id is always among them."""
        names = dict.fromkeys(f'"{column}"' for column, _ in self.sort)
        return ", ".join(f"{self.alias}.{name}" for name in names)

    def page(self, brought: str, source: str) -> str:
        """The first rows of ``source`` in the page's order."""
        order = order_by(self.sort, self.alias)
        return f"SELECT {brought} FROM {source} ORDER BY {order} LIMIT {self.limit}"


def continued(plan: Plan, scan: Scan, wanted: Wanted) -> tuple[str, ...]:
    """The stretches in which the list goes on; none where it begins."""
    if wanted.after is None:
        return ()
    marks = tuple(
        None if null else plan.add(value, sql_type(scan.record, column))
        for (column, _), value, null in zip(
            scan.sort, wanted.after.values, wanted.after.nulls, strict=True
        )
    )
    return stretches_after(scan.record, scan.sort, marks, scan.alias)
