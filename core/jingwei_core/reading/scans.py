"""Scans (扫描): how the rows of a page are found, so that reading stops after the page.

A list of a few rows out of a million can be read two ways. *Wide*: walk the index of the list's
order and leave out what is out of sight; good when much is in sight. *Narrow*: read all that is in
sight, by the index of the place path, and sort; good when that is little. A generic plan cannot
know which it is, so the statement says it: a hint about the actor's area decides for sight, and a
look at the first rows of the subtree, inside the statement, for the argument ``under``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.criteria import conditions, searched, under, unseen
from jingwei_core.reading.keyset import Sort, continue_after, order_by
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import AnyOf, Asked, Test, Wanted
from jingwei_sdk.records import AtPlace, Finder, OfDepartment, OwnedBy, Record, Through
from jingwei_sdk.tables import TenantTable, columns_of

FEW_ROWS = 2000
"""So many rows are read and sorted in about the time in which an index of a million is walked for
a page of them."""


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


def scanned(plan: Plan, scan: Scan, wanted: Wanted, parent: Parent | None) -> str:
    """The SELECT of a page's rows."""
    if parent is None and wanted.search is not None and scan.record.finder is not None:
        return _searched(plan, scan, wanted, scan.record.finder)
    if parent is not None or not _is_walked(scan, wanted):
        return _read(plan, scan, _all_of(plan, scan, wanted, parent))
    hinted = _has_area(plan, scan.record)
    if hinted:
        plan.areas[scan.record.name] = None
    if hinted and scan.record.name in plan.narrow:
        return _read(plan, scan, _all_of(plan, scan, wanted, parent), fenced=True)
    wide = _read(plan, scan, _all_of(plan, scan, wanted, parent, walked=True))
    if wanted.under is None:
        return wide
    return _either(plan, scan, wanted, wide)


def matching(
    plan: Plan, record: Record, wanted: Wanted, alias: str, parent: Parent | None
) -> list[str]:
    """Sight, the parent and what is wanted; not where a page continues."""
    # What waits for an actor is little, wherever it lies; the places are not where to look for it.
    is_queue = any(isinstance(one, AnyOf) for one in wanted.where)
    if parent is None and is_queue and record.name not in plan.narrow:
        return _walked(plan, record, wanted, alias)
    found = [plan.in_sight(record, alias, parent.known if parent else None)]
    if parent is not None:
        found.append(f'{alias}."{parent.column}" = {parent.sql}')
    found += conditions(plan, record, wanted.where, alias)
    found += searched(plan, record, wanted, alias)
    if wanted.under is not None:
        found.append(under(plan, record, wanted.under, alias))
    return found


def _all_of(
    plan: Plan, scan: Scan, wanted: Wanted, parent: Parent | None, *, walked: bool = False
) -> list[str]:
    found = (
        _walked(plan, scan.record, wanted, scan.alias)
        if walked
        else matching(plan, scan.record, wanted, scan.alias, parent)
    )
    if wanted.after is not None:
        marks = tuple(
            None if null else plan.add(value, sql_type(scan.record, column))
            for (column, _), value, null in zip(
                scan.sort, wanted.after.values, wanted.after.nulls, strict=True
            )
        )
        found.append(continue_after(scan.record, scan.sort, marks, scan.alias))
    return found


def _walked(plan: Plan, record: Record, wanted: Wanted, alias: str) -> list[str]:
    """The same with the conditions on the place path hidden from the choice of an index."""
    hidden = [plan.in_sight(record, alias)]
    if wanted.under is not None:
        hidden.append(under(plan, record, wanted.under, alias))
    return [
        *map(unseen, hidden),
        *conditions(plan, record, wanted.where, alias, walked=True),
        *searched(plan, record, wanted, alias),
    ]


def _read(
    plan: Plan, scan: Scan, where: list[str], *, fenced: bool = False, source: str = ""
) -> str:
    alias = scan.alias
    names = dict.fromkeys((*scan.columns, *(f'"{column}"' for column, _ in scan.sort)))
    brought = ", ".join(f"{alias}.{name}" for name in scan.columns) or "true"
    source = f"{source or plan.source(scan.record)} {alias} WHERE {' AND '.join(where)}"
    if fenced:
        # OFFSET 0 keeps order and limit out of the choice of an index.
        inside = ", ".join(f"{alias}.{name}" for name in names)
        source = f"(SELECT {inside} FROM {source} OFFSET 0) {alias}"
    order = order_by(scan.sort, alias)
    return f"SELECT {brought} FROM {source} ORDER BY {order} LIMIT {scan.limit}"


def _either(plan: Plan, scan: Scan, wanted: Wanted, wide: str) -> str:
    """Wide or narrow by what the subtree asked for holds."""
    record, place, first = scan.record, wanted.under, plan.alias()
    assert place is not None
    narrow = _read(plan, scan, _all_of(plan, scan, wanted, None), fenced=True)
    few = (
        f"(SELECT count(*) < {FEW_ROWS} FROM (SELECT FROM {plan.source(record)} {first}"
        f" WHERE {under(plan, record, place, first)} LIMIT {FEW_ROWS}) {first})"
    )
    return _one_of(plan, scan, few, narrow, wide)


def _searched(plan: Plan, scan: Scan, wanted: Wanted, finder: Finder) -> str:
    """Few matches are fetched and sorted, many are met in the page's order."""
    text = wanted.search
    assert text is not None

    def bound(at: int) -> Callable[[Asked], Any]:
        return lambda asked: finder.bounds(str(text.of(asked)))[at]

    kinds = ("text", "text", "boolean")
    low, high, common = (
        plan.once(("bound", text, at), bound(at), kind) for at, kind in enumerate(kinds)
    )
    found = plan.alias()
    source = (
        f"(SELECT * FROM {plan.source(scan.record)} {found}"
        f" WHERE {finder.fetched(low, high, found)} OFFSET 0)"
    )
    others = replace(wanted, search=None)
    narrow = _read(plan, scan, _all_of(plan, scan, others, None), source=source)
    wide = _read(plan, scan, _all_of(plan, scan, wanted, None, walked=True))
    return _one_of(plan, scan, finder.is_few(low, high, common), narrow, wide)


def _one_of(plan: Plan, scan: Scan, few: str, narrow: str, wide: str) -> str:
    """One of the two runs, as the condition ``few`` says; both bring the page in its order."""
    alias, look = scan.alias, plan.alias()
    return (
        f"WITH {look} AS MATERIALIZED (SELECT {few} AS few)"
        f" SELECT * FROM (SELECT * FROM ({wide}) {alias} WHERE NOT (SELECT few FROM {look})"
        f" UNION ALL SELECT * FROM ({narrow}) {alias} WHERE (SELECT few FROM {look})) {alias}"
    )


def _has_area(plan: Plan, record: Record) -> bool:
    """Whether it depends on the actor's places how much of the record is in sight."""
    if plan.in_sight_always(record):
        return False
    kinds = {type(scope) for scope in record.scope}
    return AtPlace in kinds and kinds <= {AtPlace, OwnedBy, OfDepartment}


def _is_walked(scan: Scan, wanted: Wanted) -> bool:
    """Whether an index has the page's order, after columns that equal something."""
    given = {t.column for t in wanted.where if isinstance(t, Test) and t.op == "eq"}
    first = scan.sort[0][0]
    if any(isinstance(scope, AtPlace) and scope.column == first for scope in scan.record.scope):
        return False  # In the order of paths a subtree is a stretch of the index by itself.
    for columns in _indexes(scan.record.table):
        rest = list(columns)
        while rest and rest[0] in given and rest[0] != first:
            rest.pop(0)
        if rest and rest[0] == first:
            return True
    return first == "id"


def _indexes(table: type[TenantTable]) -> list[tuple[str, ...]]:
    """The columns of each declared index, after the tenant."""
    single = [(c._meta.name,) for c in columns_of(table) if c._meta.index]
    return [*table.UNIQUE, *table.INDEXES, *single]
