"""Scans (扫描): how the rows of a page are found, so that reading stops after the page.

A list of a few rows out of a million can be read three ways. *Wide*: walk the index of the list's
order and leave out what is out of sight; good when much is in sight. *Narrow*: read all that is in
sight, by the index of the place path, and sort; good when that is little. *Place by place*: read a
page of each place in sight, and of these the first; good when the places are few, however many
rows they hold. A generic plan cannot know which it is, so the statement says it: hints about the
actor's area decide for sight (:class:`~.compiled.Little`), and a look at the first rows of the
subtree, or at its places, inside the statement, for the argument ``under``.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from jingwei_core.database.plugin_sql import checked_fragment
from jingwei_core.reading.compiled import MANY_PREFIXES
from jingwei_core.reading.criteria import conditions, searched, under, unseen
from jingwei_core.reading.merging import by_places, by_ways, goes_by_places, is_near
from jingwei_core.reading.paging import Parent, Scan, continued
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import AnyOf, Asked, Test, Wanted
from jingwei_core.reading.ways import ways
from jingwei_sdk.indexes import indexes_of
from jingwei_sdk.records import AtPlace, Finder, OfDepartment, OwnedBy, Record

FEW_ROWS = 2000
"""So many rows are read and sorted in about the time in which an index of a million is walked for
a page of them."""


def scanned(plan: Plan, scan: Scan, wanted: Wanted, parent: Parent | None) -> str:
    """The SELECT of a page's rows."""
    if parent is None and wanted.search is not None and scan.record.finder is not None:
        return _searched(plan, scan, wanted, scan.record.finder)
    if parent is None and _is_along_areas(plan, scan):
        return _along_areas(plan, scan, wanted)
    if parent is not None or not _is_walked(scan, wanted):
        return _read(plan, scan, matching(plan, scan.record, wanted, scan.alias, parent), wanted)
    hinted, by_place = _has_area(plan, scan.record), goes_by_places(scan, wanted)
    if hinted:
        plan.areas[scan.record.name] = None
    if hinted and by_place and scan.record.name in plan.little.places:
        return by_places(plan, scan, wanted)
    if hinted and scan.record.name in plan.little.rows:
        if not _is_one_range(plan, scan.record):
            return by_ways(plan, scan, wanted)
        return _sorted(plan, scan, matching(plan, scan.record, wanted, scan.alias, None), wanted)
    wide = _read(plan, scan, _walked(plan, scan.record, wanted, scan.alias), wanted)
    if wanted.under is None:
        return wide
    found = _either(plan, scan, wanted, wide)
    if not by_place:
        return found
    near = by_places(plan, scan, wanted, covered=True)
    return _one_of(plan, scan, is_near(plan, scan.record, wanted.under), near, found)


def matching(
    plan: Plan, record: Record, wanted: Wanted, alias: str, parent: Parent | None
) -> list[str]:
    """Sight, the parent and what is wanted; not where a page continues."""
    # What waits for an actor is little, wherever it lies; the places are not where to look for it.
    is_queue = any(isinstance(one, AnyOf) for one in wanted.where)
    if parent is None and is_queue and record.name not in plan.little.rows:
        return _walked(plan, record, wanted, alias)
    if parent is None:
        found = [plan.in_sight(record, alias)]
    else:
        # The parent leads to the rows, whatever sight says.
        seen = unseen(plan.in_sight(record, alias, parent.known, row_by_row=True))
        found = [f'{alias}."{parent.column}" = {parent.sql}', seen]
    found += conditions(plan, record, wanted.where, alias)
    found += searched(plan, record, wanted, alias)
    if wanted.under is not None:
        found.append(under(plan, record, wanted.under, alias))
    return found


def _walked(plan: Plan, record: Record, wanted: Wanted, alias: str) -> list[str]:
    """The same with the conditions on the place path hidden from the choice of an index."""
    hidden = [plan.in_sight(record, alias, row_by_row=True)]
    if wanted.under is not None:
        hidden.append(under(plan, record, wanted.under, alias))
    return [
        *map(unseen, hidden),
        *conditions(plan, record, wanted.where, alias, walked=True),
        *searched(plan, record, wanted, alias),
    ]


def _read(plan: Plan, scan: Scan, where: list[str], wanted: Wanted) -> str:
    """The rows as an index has them, or sorted if the server thinks that better."""
    source, stretches = f"{plan.source(scan.record)} {scan.alias}", continued(plan, scan, wanted)
    if len(stretches) <= 1:
        return scan.page(scan.brought, f"{source} WHERE {' AND '.join((*where, *stretches))}")
    # Each stretch stops after a page.
    found = [f"{source} WHERE {' AND '.join((*where, one))}" for one in stretches]
    parts = " UNION ALL ".join(f"({scan.page(scan.inside, one)})" for one in found)
    return scan.page(scan.brought, f"({parts}) {scan.alias}")


def _sorted(plan: Plan, scan: Scan, where: list[str], wanted: Wanted, source: str = "") -> str:
    """The rows fetched by what finds them, and then sorted."""
    stretches = [f"({one})" for one in continued(plan, scan, wanted)]
    also = [f"({' OR '.join(stretches)})"] if stretches else []
    found = f"{source or plan.source(scan.record)} {scan.alias}"
    found = f"{found} WHERE {' AND '.join((*where, *also))}"
    # OFFSET 0 keeps order and limit out of the choice of an index.
    fenced = f"(SELECT {scan.inside} FROM {found} OFFSET 0) {scan.alias}"
    return scan.page(scan.brought, fenced)


def _along_areas(plan: Plan, scan: Scan, wanted: Wanted) -> str:
    """The rows in the order of their paths, a page of each subtree in sight."""
    record, alias, way = scan.record, scan.alias, ways(plan, scan.record)[0]
    # One stretch of the index: where the subtree, what is asked for and the rest of the list meet.
    where = [way.test(alias), *(f"({one})" for one in continued(plan, scan, wanted))]
    if wanted.under is not None:
        where.append(under(plan, record, wanted.under, alias))
    where += _walked(plan, record, replace(wanted, under=None), alias)
    source = f"{plan.source(scan.record)} {scan.alias} WHERE {' AND '.join(where)}"
    pages = f"LATERAL ({scan.page(scan.inside, source)}) {scan.alias}"
    return scan.page(scan.brought, f"{way.starts} CROSS JOIN {pages}")


def _either(plan: Plan, scan: Scan, wanted: Wanted, wide: str) -> str:
    """Wide or narrow by what the subtree asked for holds."""
    record, place, first = scan.record, wanted.under, plan.alias()
    assert place is not None
    narrow = _sorted(plan, scan, matching(plan, record, wanted, scan.alias, None), wanted)
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
        f" WHERE {checked_fragment(finder.fetched(low, high, found))} OFFSET 0)"
    )
    others = replace(wanted, search=None)
    where = matching(plan, scan.record, others, scan.alias, None)
    narrow = _sorted(plan, scan, where, wanted, source)
    wide = _read(plan, scan, _walked(plan, scan.record, wanted, scan.alias), wanted)
    few = checked_fragment(finder.is_few(low, high, common))
    return _one_of(plan, scan, few, narrow, wide)


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


def _is_one_range(plan: Plan, record: Record) -> bool:
    """Whether sight is few ranges of paths and nothing else; a condition says that well."""
    return len(record.scope) == 1 and plan.viewer.shape(record.read) != MANY_PREFIXES


def _is_along_areas(plan: Plan, scan: Scan) -> bool:
    """Whether the page has the order of paths, and several subtrees of it are in sight."""
    (scope, *others) = scan.record.scope
    if others or not isinstance(scope, AtPlace) or scope.column != scan.sort[0][0]:
        return False
    return plan.viewer.shape(scan.record.read) > 1


def _is_walked(scan: Scan, wanted: Wanted) -> bool:
    """Whether an index has the page's order, after columns that equal something."""
    given = {t.column for t in wanted.where if isinstance(t, Test) and t.op == "eq"}
    first = scan.sort[0][0]
    if any(isinstance(scope, AtPlace) and scope.column == first for scope in scan.record.scope):
        return False  # In the order of paths a subtree is a stretch of the index by itself.
    for columns in indexes_of(scan.record):
        rest = list(columns)
        while rest and rest[0] in given and rest[0] != first:
            rest.pop(0)
        if rest and rest[0] == first:
            return True
    return first == "id"
