"""Where an event lies (落点): a named place, a position, or both when they agree."""

import uuid
from datetime import date
from typing import Annotated

import msgspec

from jingwei_core.commands.shapes import shape_of
from jingwei_core.places.geometry import Position, checked_position
from jingwei_core.places.known import KnownPlace
from jingwei_core.places.locate import deepest_place, locate
from jingwei_core.places.tables import Place
from jingwei_core.reading.sight import Arguments
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, NotFound


class ReportedPosition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A position with the label of its coordinate system; unlabelled ones are refused."""

    lon: float
    lat: float
    crs: Annotated[str, msgspec.Meta(description="EPSG:4490 or EPSG:4326")]
    accuracy_m: Annotated[int, msgspec.Meta(ge=0, le=100_000)] | None = None


class Placing(msgspec.Struct, frozen=True):
    """Where an event lies; ``position`` is canonical (EPSG:4490), ``reported`` as it was sent."""

    place: Place | KnownPlace
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
    if named is None:
        located = await locate(ctx, position)
        # A grid out of sight and no grid at all read the same.
        if located is None or not ctx.permissions.allows("place.read", located.path):
            raise Invalid("EVENT_PLACE_UNKNOWN", field="position")
        return Placing(located, position, reported)
    located, covers = await _located(ctx, named, position)
    if not _agrees(named, located, covers=covers):
        raise Invalid("EVENT_POSITION_ELSEWHERE", field="position", place=named.name)
    is_finer = located is not None and located.path.startswith(named.path)
    return Placing(located if located and is_finer else named, position, reported)


async def _named(ctx: Context, place_id: uuid.UUID) -> Place | KnownPlace:
    place: Place | KnownPlace | None = ctx.at if isinstance(ctx, CoreContext) else None
    if place is None or place.id != place_id:
        found = await ctx.data.find(Place, id=place_id)
        if not found:
            raise NotFound("PLACE_NOT_FOUND", field="placeId", id=str(place_id))
        place = found[0]
    if not _is_valid(place, ctx.today()):
        raise Invalid("EVENT_PLACE_ENDED", field="placeId", place=place.name)
    return place


def _is_valid(place: Place | KnownPlace, day: date) -> bool:
    end: date | None = place.valid_to
    return place.valid_from <= day and (end is None or day < end)


async def _located(
    ctx: Context, named: Place | KnownPlace, position: Position
) -> tuple[Place | None, bool | None]:
    """The deepest place that holds the position, and whether the named one's own shape covers it:
    ``None`` where it has no shape."""
    arguments, shape = Arguments(), shape_of(Place)
    lon, lat = position.lon_e7, position.lat_e7
    deepest = deepest_place(arguments.add, lon, lat, ctx.today())
    point = f"{arguments.add(lon)}::bigint, {arguments.add(lat)}::bigint"
    own = (
        f"SELECT core.shape_covers(s.geometry, {point}) FROM core.place_shape s"
        f" WHERE s.place = {arguments.add(named.id)}"
    )
    found = await ctx.data.fetch(
        f"SELECT ({own}) AS covers, p.* FROM (VALUES (1)) one"
        f" LEFT JOIN core.place p ON p.id = ({deepest})",
        *arguments.values,
    )
    row = found[0]
    return (None if row["id"] is None else shape.named(row)), row["covers"]


def _agrees(named: Place | KnownPlace, located: Place | None, *, covers: bool | None) -> bool:
    """Whether the position may lie in the named place.

    Its own shape decides, edge included, since neighbours share their edge. Without one the tree
    decides: the place found must lie below the named one or hold it; nothing found, nothing known.
    """
    if covers is not None:
        return covers
    if located is None:
        return True
    return located.path.startswith(named.path) or named.path.startswith(located.path)
