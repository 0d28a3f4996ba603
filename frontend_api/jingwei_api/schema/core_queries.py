"""The core's own questions: who am I, what waits for me, what lies here, is it a duplicate."""

from collections.abc import Mapping
from typing import Any

import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.meanings import (
    AreaField,
    DuplicatesField,
    HintPart,
    MeField,
    MePart,
    PlaceAtField,
    QueueField,
)
from jingwei_api.schema.node import Row
from jingwei_api.schema.references import Declarations
from jingwei_api.schema.types import Argument, Field, TypeSpace
from jingwei_core.events.duplicates import DuplicateHint, find_duplicates
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.queue import my_area, my_queue
from jingwei_core.places.geometry import checked_position
from jingwei_core.places.locate import locate
from jingwei_core.reading.request import Condition

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
        fields.append(Field("me", "Me | None", text, lambda *_: (), meaning=MeField()))
    if "Place" in registry.records:
        text = "The deepest place whose polygon holds a position; null outside my sight."
        fields.append(
            Field("place_at", "Place | None", text, _place_at, POSITION, meaning=PlaceAtField())
        )
    if "Event" in registry.records:
        queue = arguments["Event"]
        _add_duplicate(space)
        text = "Open events of a kind near a position, nearest first: hints before a report."
        hints = Field(
            "event_duplicates",
            "list[EventDuplicate] | None",
            text,
            _duplicates,
            (KIND, *POSITION),
            meaning=DuplicatesField(),
        )
        fields += [
            Field(
                "my_queue",
                "EventConnection | None",
                "What waits for me (我的待办).",
                _queue,
                queue,
                meaning=QueueField(),
            ),
            Field(
                "my_area",
                "EventConnection | None",
                "Events in my area (我的辖区).",
                _area,
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
            _hinted_event,
            meaning=HintPart("event"),
        ),
        Field("distance_m", int, "Metres from the position.", meaning=HintPart("distance_m")),
    ]
    space.object("EventDuplicate", fields, owner="core", description="A duplicate hint (重复提示).")


def _add_me(space: TypeSpace, posts: tuple[Argument, ...]) -> None:
    fields = [
        Field("id", strawberry.ID, "Global id of the account.", _my_id, meaning=MePart("id")),
        Field("name", str, "How the account is called.", _my_name, meaning=MePart("name")),
        Field(
            "account",
            "Account | None",
            "The account, if its record is in my sight.",
            _account,
            meaning=MePart("account"),
        ),
        Field(
            "posts",
            "PostConnection | None",
            "The posts I hold (我的岗位).",
            _posts,
            posts,
            meaning=MePart("posts"),
        ),
        Field(
            "permissions",
            list[str],
            "What my posts allow; area.* is all below.",
            _permissions,
            meaning=MePart("permissions"),
        ),
    ]
    space.object("Me", fields, owner="core", description="The signed-in account (我).")


def _my_id(source: object, operation: Any, given: Mapping[str, Any]) -> str:
    return global_id.encode("Account", operation.ctx.actor.account_id)


def _my_name(source: object, operation: Any, given: Mapping[str, Any]) -> str:
    name: str = operation.ctx.actor.name
    return name


async def _account(source: object, operation: Any, given: Mapping[str, Any]) -> Row | None:
    mine = operation.ctx.actor.account_id
    found: Row | None = await operation.rows.by_key("Account", "id", mine)
    return found


def _posts(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    mine = Condition("account", "eq", operation.ctx.actor.account_id)
    return operation.rows.connection("Post", given, (mine,))


def _permissions(source: object, operation: Any, given: Mapping[str, Any]) -> list[str]:
    return list(operation.ctx.permissions.grants())


async def _queue(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    return operation.rows.connection("Event", given, await my_queue(operation.ctx))


def _area(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    return operation.rows.connection("Event", given, my_area(operation.ctx))


async def _place_at(source: object, operation: Any, given: Mapping[str, Any]) -> Row | None:
    position = checked_position(given["lon"], given["lat"], given["crs"])
    place = await locate(operation.ctx, position)
    if place is None:
        return None
    # Read again through its record: whether the caller may see it is decided there.
    found: Row | None = await operation.rows.by_key("Place", "id", place.id)
    return found


async def _duplicates(source: object, operation: Any, given: Mapping[str, Any]) -> Any:
    reported = ReportedPosition(given["lon"], given["lat"], given["crs"])
    return await find_duplicates(operation.ctx, given["kind_code"], reported)


async def _hinted_event(
    source: DuplicateHint, operation: Any, given: Mapping[str, Any]
) -> Row | None:
    found: Row | None = await operation.rows.by_key("Event", "id", source.id)
    return found
