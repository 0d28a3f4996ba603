"""What every record's type shares: the node interface, masks and page information."""

from typing import Any

import strawberry

from jingwei_api.schema.meanings import MaskedPart, PageInfoPart
from jingwei_api.schema.types import Field
from jingwei_core.reading.selection import PagePart


def make_node() -> type:
    """The interface ``Node`` of one schema."""

    class Node:
        id: strawberry.ID

    Node.__annotations__["id"] = strawberry.ID
    return strawberry.interface(
        Node,
        name="Node",
        description="Anything that can be asked for again by its global id (全局标识).",
    )


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
