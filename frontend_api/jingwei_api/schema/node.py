"""What every record's type shares: rows, the node interface and page information."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import strawberry

from jingwei_api.schema.meanings import MaskedPart, PageInfoPart
from jingwei_api.schema.types import Field
from jingwei_core.reading.selection import PagePart
from jingwei_sdk.records import Record


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a record as the reader returned it: the source of an object's fields."""

    record: Record
    values: Mapping[str, Any]

    @property
    def id(self) -> uuid.UUID:
        """The row's id."""
        value: uuid.UUID = self.values["id"]
        return value


def plain_value(source: Any, name: str) -> Any:
    """The default resolver: a column of a row, or an attribute."""
    if isinstance(source, Row):
        return source.values[name]
    return getattr(source, name)


def make_node() -> type:
    """The interface ``Node`` of one schema."""

    class Node:
        id: strawberry.ID

        @classmethod
        def resolve_type(cls, source: Row, info: object, kind: object) -> str:
            return source.record.name

    Node.__annotations__["id"] = strawberry.ID
    return strawberry.interface(
        Node,
        name="Node",
        description="Anything that can be asked for again by its global id (全局标识).",
    )


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Relay's page information."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


MASKED_TEXT = "A personal value, hidden (已掩码); a command that asks for a purpose reveals it."
MASKED_FIELDS = (
    Field("shown", str, "What may be shown: 138****5678.", meaning=MaskedPart("shown")),
    Field(
        "is_masked",
        bool,
        "true: not the value; sent back, it is refused.",
        meaning=MaskedPart("is_masked"),
    ),
)


def _part(name: PagePart, annotation: Any, description: str) -> Field:
    return Field(name, annotation, description, meaning=PageInfoPart(name))


PAGE_INFO_FIELDS = (
    _part("has_next_page", bool, "Whether rows follow this page."),
    _part("has_previous_page", bool, "Whether rows come before this page."),
    _part("start_cursor", str | None, "Cursor of the first row."),
    _part("end_cursor", str | None, "Cursor of the last row."),
)
