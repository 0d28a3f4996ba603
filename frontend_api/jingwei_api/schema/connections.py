"""Connections (连接): Relay's cursor pages over a record, their arguments and their counting."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.filters import Filters, conditions, sort_keys
from jingwei_api.schema.meanings import (
    CountField,
    CursorField,
    EdgeNodeField,
    EdgesField,
    PageInfoField,
)
from jingwei_api.schema.naming import camel
from jingwei_api.schema.node import PageInfo, Row
from jingwei_api.schema.references import PLACE, Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.reading.keyset import page_size
from jingwei_core.reading.request import MAX_PAGE, Connection, Edge, PageRequest, Query
from jingwei_sdk.context import Permissions
from jingwei_sdk.errors import Denied
from jingwei_sdk.records import AtPlace, Record


@dataclass(frozen=True, slots=True)
class ConnectionSource:
    """A connection before anything was read: what is not asked for is not fetched."""

    record: Record
    page: Callable[[], Awaitable[Connection]]
    count: Callable[[], Awaitable[int]]


def add_connection(
    space: TypeSpace, filters: Filters, registry: Declarations, record: Record
) -> tuple[Argument, ...]:
    """Make the types of a record's connection; answers the arguments of its fields."""
    owner = owner_of(registry, "record", record.name)
    edge, name = f"{record.name}Edge", f"{record.name}Connection"
    space.object(
        edge,
        [
            Field("cursor", str, "Continues the list from here; opaque.", meaning=CursorField()),
            Field("node", record.name, None, _edge_node(record), meaning=EdgeNodeField()),
        ],
        owner=owner,
        description=f"An entry in a list of {record.name}.",
    )
    space.object(
        name,
        [
            Field("edges", f"list[{edge}]", "The rows of this page.", _edges, meaning=EdgesField()),
            Field(
                "page_info", "PageInfo", "Where the page lies.", _page_info, meaning=PageInfoField()
            ),
            Field(
                "total_count",
                int,
                "Rows in sight on all pages; counted on demand.",
                _count,
                meaning=CountField(),
            ),
        ],
        owner=owner,
        description=(
            f"A page of {record.name}: the first rows after a cursor or the last before one,"
            f" 20 unless said otherwise and at most {MAX_PAGE}."
        ),
    )
    return _arguments(filters, record, owner)


def _arguments(filters: Filters, record: Record, owner: str) -> tuple[Argument, ...]:
    found = [
        Argument("first", int | None),
        Argument("after", str | None),
        Argument("last", int | None),
        Argument("before", str | None),
    ]
    chosen = filters.filter_type(record, owner)
    if chosen:
        found.append(Argument("filter", f"{chosen} | None", None))
    order = filters.order_type(record, owner)
    if order:
        found.append(Argument("order_by", f"list[{order}] | None", "Strongest first."))
    if record.search:
        found.append(Argument("search", str | None, None))
    if is_placed(record):
        found.append(Argument("under", strawberry.ID | None, "A place: only rows in its subtree."))
    return tuple(found)


def is_placed(record: Record) -> bool:
    """Whether its rows lie in the place tree."""
    return any(isinstance(scope, AtPlace) for scope in record.scope)


def query_of(
    registry: Declarations, record: Record, given: Mapping[str, Any], permissions: Permissions
) -> Query:
    """The reader's query for the arguments of a connection.

    Raises ``Invalid`` (``PAGE_SIZE_INVALID``, ``PAGE_BOTH_WAYS``, or what the filter refuses) and
    ``Denied`` for a filter on a field that the actor may not read.
    """
    under = given.get("under")
    _refuse_guarded(record, given, permissions)
    return Query(
        where=conditions(registry, record, given.get("filter")),
        search=given.get("search") or None,
        under=global_id.decode_as(PLACE, under, "under") if under else None,
        sort=sort_keys(given.get("order_by")),
        page=_page(given),
    )


def _refuse_guarded(record: Record, given: Mapping[str, Any], permissions: Permissions) -> None:
    """Filtering and sorting tell values just as reading does: the guard must hold wherever a row
    could be seen."""
    sorted_by = {order["field"].value for order in given.get("order_by") or ()}
    for column in {*(given.get("filter") or {}), *sorted_by}:
        guard = record.guarded.get(column)
        if guard is not None and not _holds_throughout(permissions, guard, record):
            raise Denied("PERMISSION_DENIED", permission=guard, field=camel(column))


def _holds_throughout(permissions: Permissions, guard: str, record: Record) -> bool:
    if not is_placed(record):
        return permissions.allows(guard)
    return all(permissions.allows(guard, path) for path in permissions.paths(record.read))


def _page(given: Mapping[str, Any]) -> PageRequest:
    page = PageRequest(
        first=given.get("first"),
        after=given.get("after") or None,
        last=given.get("last"),
        before=given.get("before") or None,
    )
    page_size(page)  # refuses before anything is read, even if only totalCount is asked for
    return page


@dataclass(frozen=True, slots=True)
class EdgeSource:
    """An edge with the record it belongs to."""

    record: Record
    edge: Edge

    @property
    def cursor(self) -> str:
        """The edge's cursor."""
        return self.edge.cursor


def _edge_node(record: Record) -> Callable[[EdgeSource, Any, Mapping[str, Any]], Row]:
    return lambda source, operation, given: Row(record, source.edge.row)


async def _edges(source: ConnectionSource, operation: Any, given: Any) -> list[EdgeSource]:
    page = await source.page()
    return [EdgeSource(source.record, edge) for edge in page.edges]


async def _page_info(source: ConnectionSource, operation: Any, given: Any) -> PageInfo:
    page = await source.page()
    return PageInfo(
        has_next_page=page.has_next,
        has_previous_page=page.has_previous,
        start_cursor=page.edges[0].cursor if page.edges else None,
        end_cursor=page.edges[-1].cursor if page.edges else None,
    )


async def _count(source: ConnectionSource, operation: Any, given: Any) -> int:
    return await source.count()
