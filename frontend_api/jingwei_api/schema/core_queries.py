"""The core's own questions: who am I, what waits for me, what lies here, is it a duplicate."""

from collections.abc import Mapping

import strawberry

from jingwei_api.schema.meanings import (
    AreaField,
    DuplicatesField,
    HintPart,
    MeField,
    MePart,
    PlaceAtField,
    QueueField,
)
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace

POSITION = (
    Argument("lon", float, "Longitude, degree."),
    Argument("lat", float, "Latitude, degree."),
    Argument("crs", str, "Coordinate system of the position: EPSG:4490 or EPSG:4326."),
)
KIND = Argument("kind_code", str, "Code of the event kind.")


def core_query_fields(
    space: TypeSpace, registry: Declarations, arguments: Mapping[str, tuple[Argument, ...]]
) -> list[Field]:
    """The special fields of ``Query``, as far as the records they speak of are declared."""
    fields: list[Field] = []
    if {"Account", "Post"} <= set(registry.records):
        _add_me(space, arguments["Post"])
        text = "The signed-in account (我)."
        fields.append(Field("me", "Me | None", text, meaning=MeField()))
    if "Place" in registry.records:
        text = "The deepest place whose polygon holds a position; null outside my sight."
        fields.append(Field("place_at", "Place | None", text, POSITION, meaning=PlaceAtField()))
    if "Event" in registry.records:
        queue = arguments["Event"]
        _add_duplicate(space)
        text = "Open events of a kind near a position, nearest first: hints before a report."
        hints = Field(
            "event_duplicates",
            "list[EventDuplicate] | None",
            text,
            (KIND, *POSITION),
            meaning=DuplicatesField(),
        )
        fields += [
            Field(
                "my_queue",
                "EventConnection | None",
                "What waits for me (我的待办).",
                queue,
                meaning=QueueField(),
            ),
            Field(
                "my_area",
                "EventConnection | None",
                "Events in my area (我的辖区).",
                queue,
                meaning=AreaField(),
            ),
            hints,
        ]
    return fields


def _add_duplicate(space: TypeSpace) -> None:
    fields = [
        Field(
            "event",
            "Event | None",
            "The event it may be.",
            meaning=HintPart("event"),
        ),
        Field("distance_m", int, "Metres from the position.", meaning=HintPart("distance_m")),
    ]
    space.object("EventDuplicate", fields, owner="core", description="A duplicate hint (重复提示).")


def _add_me(space: TypeSpace, posts: tuple[Argument, ...]) -> None:
    fields = [
        Field("id", strawberry.ID, "Global id of the account.", meaning=MePart("id")),
        Field("name", str, "How the account is called.", meaning=MePart("name")),
        Field(
            "account",
            "Account | None",
            "The account, if its record is in my sight.",
            meaning=MePart("account"),
        ),
        Field(
            "posts",
            "PostConnection | None",
            "The posts I hold (我的岗位).",
            posts,
            meaning=MePart("posts"),
        ),
        Field(
            "permissions",
            list[str],
            "What my posts allow; area.* is all below.",
            meaning=MePart("permissions"),
        ),
    ]
    space.object("Me", fields, owner="core", description="The signed-in account (我).")
