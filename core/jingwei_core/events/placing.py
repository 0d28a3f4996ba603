"""Where an event lies (落点): a named place, a position, or both when they agree."""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec

from jingwei_core.events.stored_json import stored_json
from jingwei_core.places.geometry import Position, checked_position, shape_covers
from jingwei_core.places.locate import locate
from jingwei_core.places.tables import Place, PlaceShape
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, NotFound


class ReportedPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position with the label of its coordinate system; unlabelled ones are refused."""

    lon: float
    lat: float
    crs: Annotated[str, msgspec.Meta(description="EPSG:4490 or EPSG:4326")]
    accuracy_m: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None


@dataclass(frozen=True, slots=True)
class Placing:
    """Where an event lies; ``position`` is canonical (EPSG:4490), ``reported`` as it was sent."""

    place: Place
    position: Position | None = None
    reported: ReportedPosition | None = None


async def resolve_placing(
    ctx: Context, place_id: uuid.UUID | None, reported: ReportedPosition | None
) -> Placing:
    """The place of an event. A position refines the named place to the grid that holds it.

    Raises ``Invalid``: ``EVENT_PLACE_REQUIRED`` (neither given), ``EVENT_PLACE_UNKNOWN`` (no place
    in sight holds the position), ``EVENT_PLACE_ENDED`` (the place is no longer valid),
    ``EVENT_POSITION_ELSEWHERE`` (the two contradict each other), and those of
    :func:`jingwei_core.places.geometry.checked_position`. ``NotFound`` (``PLACE_NOT_FOUND``).
    """
    named = await _named(ctx, place_id) if place_id is not None else None
    if reported is None:
        if named is None:
            raise Invalid("EVENT_PLACE_REQUIRED", field="placeId")
        return Placing(named)
    position = checked_position(reported.lon, reported.lat, reported.crs)
    located = await locate(ctx, position)
    if named is None:
        # A grid out of sight and no grid at all read the same.
        if located is None or not ctx.permissions.allows("place.read", located.path):
            raise Invalid("EVENT_PLACE_UNKNOWN", field="position")
        return Placing(located, position, reported)
    if not await _agrees(ctx, named, located, position):
        raise Invalid("EVENT_POSITION_ELSEWHERE", field="position", place=named.name)
    is_finer = located is not None and located.path.startswith(named.path)
    return Placing(located if located and is_finer else named, position, reported)


async def _named(ctx: Context, place_id: uuid.UUID) -> Place:
    found = await ctx.data.find(Place, id=place_id)
    if not found:
        raise NotFound("PLACE_NOT_FOUND", field="placeId", id=str(place_id))
    if not _is_valid(found[0], ctx.today()):
        raise Invalid("EVENT_PLACE_ENDED", field="placeId", place=found[0].name)
    return found[0]


def _is_valid(place: Place, day: date) -> bool:
    end: date | None = place.valid_to
    return place.valid_from <= day and (end is None or day < end)


async def _agrees(ctx: Context, named: Place, located: Place | None, position: Position) -> bool:
    """Whether the position may lie in the named place.

    Its own shape decides, edge included, since neighbours share their edge. Without one the tree
    decides: the place found must lie below the named one or hold it; nothing found, nothing known.
    """
    shapes = await ctx.data.find(PlaceShape, place=named.id)
    if shapes:
        return shape_covers(stored_json(shapes[0].geometry), position)
    if located is None:
        return True
    return located.path.startswith(named.path) or named.path.startswith(located.path)
