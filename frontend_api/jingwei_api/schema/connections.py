"""Connections (连接): Relay's cursor pages over a record, and their arguments."""

import strawberry

from jingwei_api.schema.aggregates import aggregate_field
from jingwei_api.schema.filters import Filters
from jingwei_api.schema.meanings import (
    CountField,
    CursorField,
    EdgeNodeField,
    EdgesField,
    PageInfoField,
)
from jingwei_api.schema.references import Declarations, owner_of
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.reading.request import MAX_PAGE
from jingwei_sdk.records import AtPlace, Record


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
            Field("node", record.name, None, meaning=EdgeNodeField()),
        ],
        owner=owner,
        description=f"An entry in a list of {record.name}.",
    )
    figures = aggregate_field(space, registry, filters.enums, record)
    space.object(
        name,
        [
            Field("edges", f"list[{edge}]", "The rows of this page.", meaning=EdgesField()),
            Field("page_info", "PageInfo", "Where the page lies.", meaning=PageInfoField()),
            Field(
                "total_count",
                int,
                "Rows in sight on all pages; counted on demand.",
                meaning=CountField(),
            ),
            *([figures] if figures else []),
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
