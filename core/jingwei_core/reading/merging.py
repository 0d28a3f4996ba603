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
from jingwei_core.reading.criteria import conditions, searched, under, unseen
from jingwei_core.reading.keyset import order_by
from jingwei_core.reading.paging import Scan, continued
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import Criterion, Test, Wanted
from jingwei_core.reading.ways import Way, ways
from jingwei_sdk.indexes import indexes_of
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.tables import PlacedTable

_PLACE, _PATH = "place_id", "place_path"


def lies_at_places(record: Record) -> bool:
    """Whether each row of the record lies at one place, whose path it repeats."""
    return issubclass(record.table, PlacedTable)


def at_few_places(plan: Plan, scan: Scan, wanted: Wanted) -> bool:
    """Whether :func:`by_places` may be used, and is better than all else."""
    if wanted.where or wanted.search is not None or scan.record.name not in plan.little.places:
        return False
    columns = (_looked_up(s.column) for s in scan.record.scope if not isinstance(s, TenantWide))
    return lies_at_places(scan.record) and all(_steps(scan, one) is not None for one in columns)


def by_places(plan: Plan, scan: Scan, wanted: Wanted) -> str:
    """The page out of the first rows at each place in sight and of each other way."""
    parts = []
    for way in ways(plan, scan.record):
        found = replace(scan, alias=plan.alias())
        start, where = _start(plan, way, wanted, found.alias)
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
    parts = []
    for way in ways(plan, scan.record):
        found = replace(scan, alias=plan.alias())
        alias = found.alias
        where = [way.test(alias), *_asked(plan, scan.record, wanted, alias)]
        if wanted.under is not None:
            below = under(plan, scan.record, wanted.under, alias)
            where.append(below if way.column == _PATH else unseen(below))
        stretches = " OR ".join(f"({one})" for one in continued(plan, found, wanted))
        where += [f"({stretches})"] if stretches else []
        source = f"{plan.source(scan.record)} {alias} WHERE {' AND '.join(where)}"
        # OFFSET 0 keeps order and limit out of the choice of an index.
        rows = f"LATERAL (SELECT {found.keys} FROM {source} OFFSET 0) {alias}"
        parts.append(found.page(found.keys, f"{way.starts} CROSS JOIN {rows}"))
    return _merged(plan, scan, parts)


def _looked_up(column: str) -> str:
    """The column by which an index leads to the rows: places are known by their ids."""
    return _PLACE if column == _PATH else column


def _start(plan: Plan, way: Way, wanted: Wanted, alias: str) -> tuple[str, list[str]]:
    """What a way looks its rows up by, and the conditions on a row of ``alias`` beside it."""
    if way.column != _PATH:
        where = [way.test(alias)]
        if wanted.under is not None:
            where.append(unseen(under(plan, way.record, wanted.under, alias)))
        return way.starts, where
    place = plan.alias()
    where = [way.test_of(f"{place}.path")]
    if wanted.under is not None:
        where.append(under(plan, plan.registry.record("Place"), wanted.under, place))
    places = f"SELECT {place}.id FROM {qualified(Place)} {place} WHERE {' AND '.join(where)}"
    start = f"{way.starts} CROSS JOIN LATERAL ({places} OFFSET 0) {place}"
    return start, [f"{alias}.{_PLACE} = {place}.id"]


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
