"""Pages (分页): a Relay connection as one subquery, with no more work than is asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jingwei_core.reading.compiled import EACH
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
from jingwei_core.reading.kept import Counting, kept_rows
from jingwei_core.reading.keyset import (
    Sort,
    cursor_key,
    cursor_sql,
    full_sort,
    order_by,
    reverse,
)
from jingwei_core.reading.paging import Parent, Scan
from jingwei_core.reading.plan import Path, Plan, RowAt, row_members
from jingwei_core.reading.scans import matching, scanned
from jingwei_core.reading.selection import (
    Count,
    Cursor,
    EdgeNode,
    Edges,
    Page,
    PageInfo,
    Typename,
)
from jingwei_sdk.records import Record


@dataclass(slots=True)
class Listing:
    """A page in the making; ``path`` leads to it."""

    plan: Plan
    page: Page
    sort: Sort
    row: RowAt
    path: Path
    parent: Parent | None

    @property
    def record(self) -> Record:
        """The record whose rows it holds."""
        return self.page.record

    @property
    def size(self) -> int:
        """How many rows at most."""
        return self.page.wanted.size

    @property
    def backwards(self) -> bool:
        """Whether the page ends before a cursor."""
        return self.page.wanted.backwards

    @property
    def looks_further(self) -> bool:
        """Whether one row more has to be read, to know that there is one."""
        part = "has_previous_page" if self.backwards else "has_next_page"
        return self.asks(part)

    @property
    def reads_rows(self) -> bool:
        """Whether rows have to be read at all: the way a page continues is known without them."""
        if any(isinstance(field, Edges) for field in self.page.fields):
            return True
        return self.looks_further or (self.size > 0 and self.asks("start_cursor", "end_cursor"))

    def asks(self, *parts: str) -> bool:
        """Whether page information is asked for one of these."""
        infos = [field for field in self.page.fields if isinstance(field, PageInfo)]
        return any(part in parts for info in infos for _, part in info.parts)


PageCompiler = Callable[[Listing, Any], Pieces]
PAGE_FIELDS: dict[type, PageCompiler] = {}
"""By node type: the JSON of a part of a page that another module brings."""


def page_field(kind: type) -> Callable[[PageCompiler], PageCompiler]:
    """Registers the compiling function of a node type among the parts of a page."""

    def register(function: PageCompiler) -> PageCompiler:
        PAGE_FIELDS[kind] = function
        return function

    return register


def page_of(plan: Plan, page: Page, path: Path, parent: Parent | None = None) -> Pieces:
    """The JSON of a page; ``path`` leads to it.

    Raises ``Invalid`` (``SORT_UNKNOWN``, ``SEARCH_UNKNOWN``, ``UNDER_UNKNOWN``).
    """
    sort = full_sort(page.record, page.wanted.sort)
    listing = Listing(plan, page, sort, RowAt(page.record, plan.alias()), path, parent)
    members = [(field.key, _field(listing, field)) for field in page.fields]
    pieces = an_object(members)
    if not listing.reads_rows:
        return pieces
    return made(f"(SELECT {sql_of(pieces)} FROM {_rows(listing)})")


def _field(listing: Listing, field: Any) -> Pieces:
    if isinstance(field, Edges):
        return _edges(listing, field)
    if isinstance(field, PageInfo):
        return an_object((key, _info(listing, part)) for key, part in field.parts)
    if isinstance(field, Count):
        return _count(listing)
    if type(field) in PAGE_FIELDS:
        return PAGE_FIELDS[type(field)](listing, field)
    return constant(field.name)


def _edges(listing: Listing, edges: Edges) -> Pieces:
    path = (*listing.path, edges.key, EACH)
    entry = sql_of(an_object((f.key, _edge_field(listing, f, path)) for f in edges.fields))
    if not listing.looks_further:
        return (Text("["), Made(f"string_agg({entry}, ',')"), Text("]"))
    entries = f"(array_agg({entry}))[{_first(listing)}:{_last(listing)}]"
    return (Text("["), Made(f"array_to_string({entries}, ',')"), Text("]"))


def _edge_field(listing: Listing, field: Cursor | EdgeNode | Typename, path: Path) -> Pieces:
    plan, row = listing.plan, listing.row
    if isinstance(field, EdgeNode):
        return an_object(row_members(plan, row, field.fields, (*path, field.key)))
    if isinstance(field, Cursor):
        cursor = _cursor(listing, [row.column(name) for name, _ in listing.sort])
        return (Text('"'), Made(cursor), Text('"'))
    return constant(field.name)


def _info(listing: Listing, part: str) -> Pieces:
    continued = listing.page.wanted.after is not None
    if part == "__typename":
        return constant("PageInfo")
    if part in ("start_cursor", "end_cursor"):
        return _end_cursor(listing, part)
    if (part == "has_previous_page") is listing.backwards:
        return made(f"(count(*) > {listing.size})::text")
    return constant(continued)


def _end_cursor(listing: Listing, part: str) -> Pieces:
    if listing.size == 0:
        return NULL
    at = _first(listing) if part == "start_cursor" else _last(listing)
    # Only the values of all rows are collected; the cursor is made of one.
    columns = [f"(array_agg({listing.row.column(name)}))[{at}]" for name, _ in listing.sort]
    cursor = _cursor(listing, columns)
    return made(f"""CASE WHEN count(*) > 0 THEN concat('"', {cursor}, '"') ELSE 'null' END""")


def _first(listing: Listing) -> str:
    """Where in the rows that were read the page begins: read backwards, the one row too many comes
    first."""
    if listing.looks_further and listing.backwards:
        return f"greatest(count(*)::int - {listing.size - 1}, 1)"
    return "1"


def _last(listing: Listing) -> str:
    if listing.looks_further and not listing.backwards:
        return f"least(count(*)::int, {listing.size})"
    return "count(*)::int"


def _count(listing: Listing) -> Pieces:
    if listing.parent is None:
        counting = Counting(
            listing.plan,
            listing.record,
            listing.page.wanted,
            (),
            lambda alias: conditions_of(listing, alias),
        )
        kept = kept_rows(counting)
        if kept is not None:
            return made(f"(SELECT coalesce(sum(n), 0) FROM ({kept}) c)")
    alias = listing.plan.alias()
    where = " AND ".join(conditions_of(listing, alias))
    source = listing.plan.source(listing.record)
    return made(f"(SELECT count(*) FROM {source} {alias} WHERE {where})")


def _rows(listing: Listing) -> str:
    """The rows of the page in its order, as an entry of FROM."""
    plan, record, backwards = listing.plan, listing.record, listing.backwards
    order = reverse(listing.sort) if backwards else listing.sort
    if backwards:
        _use_sort(listing)
    limit = listing.size + 1 if listing.looks_further else listing.size
    scan = Scan(record, plan.alias(), order, tuple(listing.row.uses), limit)
    found = scanned(plan, scan, listing.page.wanted, listing.parent)
    if backwards:
        alias = plan.alias()
        found = f"SELECT * FROM ({found}) {alias} ORDER BY {order_by(listing.sort, alias)}"
    return f"({found}) {listing.row.alias}"


def conditions_of(listing: Listing, alias: str) -> list[str]:
    """Sight, the parent and what is wanted; not where the page continues."""
    return matching(listing.plan, listing.record, listing.page.wanted, alias, listing.parent)


def _use_sort(listing: Listing) -> None:
    for column, _ in listing.sort:
        listing.row.column(column)


def _cursor(listing: Listing, columns: Sequence[str]) -> str:
    plan, record, sort, secret = listing.plan, listing.record, listing.sort, listing.plan.secret
    key = plan.once(
        ("cursor", record.name, sort),
        lambda asked: cursor_key(secret, asked.tenant.id, record, sort),
        "bytea",
    )
    return cursor_sql(record, sort, columns, key)
