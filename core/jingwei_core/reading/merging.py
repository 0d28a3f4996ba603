"""Merging (归并): a page put together of the first rows of several ways into sight.

Each way finds its rows in an index of its own and brings no more than a page of them; a row that
several ways lead to counts once. What is merged are sort values and ids. The rows themselves are
fetched for the page alone, and sight is asked of each of them as everywhere.
"""

from collections.abc import Iterator
from dataclasses import replace

from piccolo.columns import Boolean

from jingwei_core.commands.data import qualified
from jingwei_core.places.tables import Place
from jingwei_core.reading.criteria import conditions, path_of_place, searched, under, unseen
from jingwei_core.reading.keyset import order_by
from jingwei_core.reading.paging import Scan, continued
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import Criterion, Test, Value, Wanted
from jingwei_core.reading.ways import Way, ways
from jingwei_sdk.indexes import indexes_of
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.tables import PlacedTable

FEW_PLACES = 40
"""A page of each of so many places is soon read."""
_PLACE, _PATH = "place_id", "place_path"


def lies_at_places(record: Record) -> bool:
    """Whether each row of the record lies at one place, whose path it repeats."""
    return issubclass(record.table, PlacedTable)


def goes_by_places(scan: Scan, wanted: Wanted) -> bool:
    """Whether :func:`by_places` may be used: only the order is asked for, and indexes have it."""
    return not wanted.where and wanted.search is None and _has_order(scan)


def _has_order(scan: Scan) -> bool:
    """Whether indexes have the page's order at each place, and behind each other way into sight."""
    if not lies_at_places(scan.record):
        return False
    columns = (_looked_up(s.column) for s in scan.record.scope if not isinstance(s, TenantWide))
    return all(_steps(scan, column) is not None for column in columns)


def is_near(plan: Plan, record: Record, place: Value) -> str:
    """Whether a subtree holds few places and lies in the actor's area."""
    alias = plan.alias()
    below = under(plan, plan.registry.record("Place"), place, alias)
    few = (
        f"(SELECT count(*) <= {FEW_PLACES} FROM (SELECT FROM {qualified(Place)} {alias}"
        f" WHERE {below} LIMIT {FEW_PLACES + 1}) {alias})"
    )
    return f"({_is_covered(plan, record, place)} AND {few})"


def by_places(plan: Plan, scan: Scan, wanted: Wanted, *, covered: bool = False) -> str:
    """The page out of the first rows at each place in sight and of each other way; ``covered`` says
    that all that is asked for lies in the actor's area."""
    parts = []
    for way in ways(plan, scan.record):
        if covered and way.column != _PATH:
            continue
        found = replace(scan, alias=plan.alias())
        start, where = _start(plan, way, wanted, found.alias)
        where += _asked(plan, scan.record, wanted, found.alias)
        for flag in _steps(scan, _looked_up(way.column)) or ():
            value = plan.alias()
            start += f" CROSS JOIN (VALUES (false), (true)) {value}(flag)"
            where.append(f'{found.alias}."{flag}" = {value}.flag')
        for stretch in continued(plan, found, wanted) or ("true",):
            source = f"{plan.source(scan.record)} {found.alias}"
            source += f" WHERE {' AND '.join((*where, stretch))}"
            rows = f"LATERAL ({found.page(found.keys, source)}) {found.alias}"
            parts.append(found.page(found.keys, f"{start} CROSS JOIN {rows}"))
    return _merged(plan, scan, parts)


def by_ways(plan: Plan, scan: Scan, wanted: Wanted) -> str:
    """The page out of all rows of each way: for where these are few."""
    if _is_met_soon(plan, scan, wanted):
        return by_places(plan, scan, wanted)
    parts = []
    for way in ways(plan, scan.record):
        found = replace(scan, alias=plan.alias())
        alias = found.alias
        where = [way.test(alias), *_asked(plan, scan.record, wanted, alias)]
        if wanted.under is not None and way.column == _PATH:
            where.append(under(plan, scan.record, wanted.under, alias))
        where += _beside(plan, way, wanted, alias)
        stretches = " OR ".join(f"({one})" for one in continued(plan, found, wanted))
        where += [f"({stretches})"] if stretches else []
        source = f"{plan.source(scan.record)} {alias} WHERE {' AND '.join(where)}"
        # OFFSET 0 keeps order and limit out of the choice of an index.
        rows = f"LATERAL (SELECT {found.keys} FROM {source} OFFSET 0) {alias}"
        parts.append(found.page(found.keys, f"{way.starts} CROSS JOIN {rows}"))
    return _merged(plan, scan, parts)


def _is_met_soon(plan: Plan, scan: Scan, wanted: Wanted) -> bool:
    """Whether the few rows are rather looked through in their order, until the page is full: in
    few places, for what no index finds by itself."""
    if scan.record.name not in plan.little.places or wanted.search is not None:
        return False
    only_tests = all(
        isinstance(one, Test) and not _is_one_row(scan.record, one) for one in wanted.where
    )
    return only_tests and _has_order(scan)


def _looked_up(column: str) -> str:
    """The column by which an index leads to the rows: places are known by their ids."""
    return _PLACE if column == _PATH else column


def _start(plan: Plan, way: Way, wanted: Wanted, alias: str) -> tuple[str, list[str]]:
    """What a way looks its rows up by, and the conditions on a row of ``alias`` beside it."""
    if way.column != _PATH:
        return way.starts, [way.test(alias), *_beside(plan, way, wanted, alias)]
    place = plan.alias()
    where = [way.test_of(f"{place}.path")]
    if wanted.under is not None:
        where.append(under(plan, plan.registry.record("Place"), wanted.under, place))
    places = f"SELECT {place}.id FROM {qualified(Place)} {place} WHERE {' AND '.join(where)}"
    start = f"{way.starts} CROSS JOIN LATERAL ({places} OFFSET 0) {place}"
    return start, [f"{alias}.{_PLACE} = {place}.id"]


def _beside(plan: Plan, way: Way, wanted: Wanted, alias: str) -> list[str]:
    """The conditions under which a way that is not the places' leads to more of a subtree."""
    if wanted.under is None or way.column == _PATH:
        return []
    # Where the area covers the subtree there is no more; known before any row is looked at.
    covered = _is_covered(plan, way.record, wanted.under)
    return [f"NOT {covered}", unseen(under(plan, way.record, wanted.under, alias))]


def _is_covered(plan: Plan, record: Record, place: Value) -> str:
    """Whether a subtree lies in the actor's area; not so for an unknown place."""
    path = path_of_place(plan, place)
    return f"({plan.viewer.subtree(path, record.read, plan.parameters)} IS TRUE)"


def _asked(plan: Plan, record: Record, wanted: Wanted, alias: str) -> Iterator[str]:
    """What is asked of the rows; only what one row can be may lead to another index: a generic plan
    takes ranges, and what a reference of one tenant names, for far less than it may be."""
    for criterion in wanted.where:
        (condition,) = conditions(plan, record, (criterion,), alias)
        yield condition if _is_one_row(record, criterion) else unseen(condition)
    yield from map(unseen, searched(plan, record, wanted, alias))


def _is_one_row(record: Record, criterion: Criterion) -> bool:
    if not isinstance(criterion, Test) or criterion.op != "eq":
        return False
    return criterion.column == "id" or (criterion.column,) in record.table.UNIQUE


def _merged(plan: Plan, scan: Scan, parts: list[str]) -> str:
    """The page of the rows whose keys the parts bring."""
    first = replace(scan, alias=plan.alias())
    keys = " UNION ".join(f"({part})" for part in parts)
    keys = first.page(first.keys, f"({keys}) {first.alias}") if len(parts) > 1 else parts[0]
    alias = scan.alias
    seen = unseen(plan.in_sight(scan.record, alias, row_by_row=True))
    row = (
        f"SELECT {scan.inside} FROM {plan.source(scan.record)} {alias}"
        f" WHERE {alias}.id = {first.alias}.id AND {seen} OFFSET 0"
    )
    order = order_by(scan.sort, first.alias)
    return (
        f"SELECT {scan.brought} FROM ({keys}) {first.alias}"
        f" CROSS JOIN LATERAL ({row}) {alias} ORDER BY {order}"
    )


def _steps(scan: Scan, column: str) -> tuple[str, ...] | None:
    """The flags that stand between ``column`` and the page's order in an index; ``None`` where no
    index goes on from the column in that order."""
    if len({way for _, way in scan.sort}) > 1:
        return None
    names = tuple(dict.fromkeys(name for name, _ in scan.sort))
    for first, *rest in indexes_of(scan.record):
        if first != column or names[0] not in rest:
            continue
        at = rest.index(names[0])
        if names[: len(rest) - at] == tuple(rest[at:]) and all(
            _is_flag(scan.record, flag) for flag in rest[:at]
        ):
            return tuple(rest[:at])
    return None


def _is_flag(record: Record, name: str) -> bool:
    column = record.column(name)
    return isinstance(column, Boolean) and not column._meta.null
