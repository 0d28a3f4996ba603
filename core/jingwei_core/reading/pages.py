"""Pages (分页): a Relay connection as one subquery, with no more work than is asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.compiled import EACH
from jingwei_core.reading.criteria import matching
from jingwei_core.reading.json_text import (
    NULL,
    Made,
    Pieces,
    Text,
    an_object,
    constant,
    made,
    sql_of,
)
from jingwei_core.reading.keyset import (
    Sort,
    continue_after,
    cursor_key,
    cursor_sql,
    full_sort,
    order_by,
    reverse,
)
from jingwei_core.reading.plan import Path, Plan, RowAt, row_members
from jingwei_core.reading.selection import (
    Count,
    Cursor,
    EdgeNode,
    Edges,
    Page,
    PageInfo,
    Typename,
)
from jingwei_sdk.records import Record, Through


@dataclass(frozen=True, slots=True)
class Parent:
    """The row whose children a page holds: their reference ``column`` equals ``sql``; ``known`` is
    the scope that need not be looked at again, since the parent is in sight."""

    column: str
    sql: str
    known: Through


@dataclass(slots=True)
class _Listing:
    """A page in the making."""

    plan: Plan
    page: Page
    sort: Sort
    row: RowAt
    path: Path
    parent: Parent | None

    @property
    def record(self) -> Record:
        return self.page.record

    @property
    def size(self) -> int:
        return self.page.wanted.size

    @property
    def backwards(self) -> bool:
        return self.page.wanted.backwards

    @property
    def looks_further(self) -> bool:
        """Whether one row more has to be read, to know that there is one."""
        part = "has_previous_page" if self.backwards else "has_next_page"
        return self.asks(part)

    def asks(self, *parts: str) -> bool:
        """Whether page information is asked for one of these."""
        infos = [field for field in self.page.fields if isinstance(field, PageInfo)]
        return any(part in parts for info in infos for _, part in info.parts)


def page_of(plan: Plan, page: Page, path: Path, parent: Parent | None = None) -> Pieces:
    """The JSON of a page; ``path`` leads to it.

    Raises ``Invalid`` (``SORT_UNKNOWN``, ``SEARCH_UNKNOWN``, ``UNDER_UNKNOWN``).
    """
    sort = full_sort(page.record, page.wanted.sort)
    listing = _Listing(plan, page, sort, RowAt(page.record, plan.alias()), path, parent)
    members = [(field.key, _field(listing, field)) for field in page.fields]
    pieces = an_object(members)
    if not any(isinstance(field, (Edges, PageInfo)) for field in page.fields):
        return pieces
    return made(f"(SELECT {sql_of(pieces)} FROM {_rows(listing)})")


def _field(listing: _Listing, field: Any) -> Pieces:
    if isinstance(field, Edges):
        return _edges(listing, field)
    if isinstance(field, PageInfo):
        return an_object((key, _info(listing, part)) for key, part in field.parts)
    if isinstance(field, Count):
        return _count(listing)
    return constant(field.name)


def _edges(listing: _Listing, edges: Edges) -> Pieces:
    path = (*listing.path, edges.key, EACH)
    entry = sql_of(an_object((f.key, _edge_field(listing, f, path)) for f in edges.fields))
    if not listing.looks_further:
        return (Text("["), Made(f"string_agg({entry}, ',')"), Text("]"))
    entries = f"(array_agg({entry}))[{_first(listing)}:{_last(listing)}]"
    return (Text("["), Made(f"array_to_string({entries}, ',')"), Text("]"))


def _edge_field(listing: _Listing, field: Cursor | EdgeNode | Typename, path: Path) -> Pieces:
    plan, row = listing.plan, listing.row
    if isinstance(field, EdgeNode):
        return an_object(row_members(plan, row, field.fields, (*path, field.key)))
    if isinstance(field, Cursor):
        cursor = _cursor(listing, [row.column(name) for name, _ in listing.sort])
        return (Text('"'), Made(cursor), Text('"'))
    return constant(field.name)


def _info(listing: _Listing, part: str) -> Pieces:
    continued = listing.page.wanted.after is not None
    if part == "__typename":
        return constant("PageInfo")
    if part in ("start_cursor", "end_cursor"):
        return _end_cursor(listing, part)
    if (part == "has_previous_page") is listing.backwards:
        return made(f"(count(*) > {listing.size})::text")
    return constant(continued)


def _end_cursor(listing: _Listing, part: str) -> Pieces:
    if listing.size == 0:
        return NULL
    at = _first(listing) if part == "start_cursor" else _last(listing)
    # Only the values of all rows are collected; the cursor is made of one.
    columns = [f"(array_agg({listing.row.column(name)}))[{at}]" for name, _ in listing.sort]
    cursor = _cursor(listing, columns)
    return made(f"""CASE WHEN count(*) > 0 THEN concat('"', {cursor}, '"') ELSE 'null' END""")


def _first(listing: _Listing) -> str:
    """Where in the rows that were read the page begins: read backwards, the one row too many comes
    first."""
    if listing.looks_further and listing.backwards:
        return f"greatest(count(*)::int - {listing.size - 1}, 1)"
    return "1"


def _last(listing: _Listing) -> str:
    if listing.looks_further and not listing.backwards:
        return f"least(count(*)::int, {listing.size})"
    return "count(*)::int"


def _count(listing: _Listing) -> Pieces:
    alias = listing.plan.alias()
    where = " AND ".join(_conditions(listing, alias))
    source = listing.plan.source(listing.record)
    return made(f"(SELECT count(*) FROM {source} {alias} WHERE {where})")


def _rows(listing: _Listing) -> str:
    """The rows of the page in its order, as an entry of FROM."""
    plan, wanted, record = listing.plan, listing.page.wanted, listing.record
    scan = reverse(listing.sort) if wanted.backwards else listing.sort
    if wanted.backwards:
        _use_sort(listing)
    alias = plan.alias()
    where = _conditions(listing, alias)
    if wanted.after is not None:
        marks = tuple(
            None if null else plan.add(value, sql_type(record, column))
            for (column, _), value, null in zip(
                scan, wanted.after.values, wanted.after.nulls, strict=True
            )
        )
        where.append(continue_after(record, scan, marks, alias))
    brought = ", ".join(f"{alias}.{name}" for name in listing.row.uses) or "true"
    source = f"{plan.source(record)} {alias} WHERE {' AND '.join(where)}"
    limit = listing.size + 1 if listing.looks_further else listing.size
    found = f"SELECT {brought} FROM {source} ORDER BY {order_by(scan, alias)} LIMIT {limit}"
    if wanted.backwards:
        found = f"SELECT * FROM ({found}) {alias} ORDER BY {order_by(listing.sort, alias)}"
    return f"({found}) {listing.row.alias}"


def _conditions(listing: _Listing, alias: str) -> list[str]:
    """Sight, the parent and what is wanted; not where the page continues."""
    plan, parent, record = listing.plan, listing.parent, listing.record
    found = [plan.in_sight(record, alias, parent.known if parent else None)]
    if parent is not None:
        found.append(f'{alias}."{parent.column}" = {parent.sql}')
    return found + matching(plan, record, listing.page.wanted, alias)


def _use_sort(listing: _Listing) -> None:
    for column, _ in listing.sort:
        listing.row.column(column)


def _cursor(listing: _Listing, columns: Sequence[str]) -> str:
    plan, record, sort, secret = listing.plan, listing.record, listing.sort, listing.plan.secret
    key = plan.once(
        ("cursor", record.name, sort),
        lambda asked: cursor_key(secret, asked.tenant.id, record, sort),
        "bytea",
    )
    return cursor_sql(record, sort, columns, key)
