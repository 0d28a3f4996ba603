"""Duplicate hints (重复提示): open events of the same kind near a position, in the actor's sight.

A hint never stops a report: two holes in one road are two events.
"""

import math
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.records import EVENT
from jingwei_core.events.tables import EventKind
from jingwei_core.places.geometry import E7, Position, checked_position
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.session import CoreContext

DEFAULT_RADIUS_M = 50
"""About a street front; a kind may say otherwise (``duplicate_radius_m``)."""

DEFAULT_DAYS = 7
"""A week back; a kind may say otherwise (``duplicate_days``)."""

MAX_HINTS = 10

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the ellipsoid (IUGG). On the sphere, distances differ from those on the CGCS2000
ellipsoid (EPSG:4490) by at most about 0.5 %: 25 cm at 50 m, far below a phone's accuracy."""


EventId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Event"})]


class DuplicateHint(msgspec.Struct, frozen=True):
    """An event that may be the one about to be reported."""

    id: EventId
    number: str
    title: str
    state: str
    distance_m: int
    created_at: datetime


class Box(msgspec.Struct, frozen=True):
    """A bounding box in 1e-7 degree, edges included."""

    west: int
    south: int
    east: int
    north: int


def distance_m(one: Position, other: Position) -> float:
    """The great-circle distance in metres (haversine)."""
    lat1, lat2 = math.radians(one.lat), math.radians(other.lat)
    half_lat = (lat2 - lat1) / 2
    half_lon = math.radians(other.lon - one.lon) / 2
    chord = math.sin(half_lat) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(half_lon) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(chord)))


def box_around(centre: Position, radius_m: float) -> Box:
    """The smallest box that holds every point within ``radius_m``, rounded outwards.

    For the latitudes of China: not made for the poles or the 180th meridian.
    """
    lat_span = math.degrees(radius_m / EARTH_RADIUS_M)
    farthest = math.radians(abs(centre.lat) + lat_span)
    lon_span = lat_span / math.cos(farthest)
    lat_e7, lon_e7 = math.ceil(lat_span * E7) + 1, math.ceil(lon_span * E7) + 1
    return Box(
        west=centre.lon_e7 - lon_e7,
        south=centre.lat_e7 - lat_e7,
        east=centre.lon_e7 + lon_e7,
        north=centre.lat_e7 + lat_e7,
    )


async def find_duplicates(
    ctx: CoreContext, kind_code: str, reported: ReportedPosition
) -> list[DuplicateHint]:
    """The nearest open events of the kind within its radius and days, nearest first, at most
    :data:`MAX_HINTS`, and only those that the actor may see.

    Raises ``Invalid`` for an unknown kind or a position without a known coordinate system.
    """
    kind = await reportable_kind(ctx, kind_code, by_plugin=True)
    centre = checked_position(reported.lon, reported.lat, reported.crs)
    radius, days = _limits(kind)
    box = box_around(centre, radius)
    since = ctx.clock.now() - timedelta(days=days)
    wanted = (kind.id, since, box.south, box.north, box.west, box.east)
    arguments = Arguments(list(wanted))
    seen = Sight(Present(ctx), ctx.registry, arguments).condition(EVENT, "t")
    rows = await ctx.data.fetch(
        "SELECT t.id, t.number, t.title, t.state, t.created_at, t.lon_e7, t.lat_e7"
        " FROM core.event t WHERE NOT t.is_final AND t.kind = $1 AND t.created_at >= $2"
        " AND t.lat_e7 BETWEEN $3 AND $4 AND t.lon_e7 BETWEEN $5 AND $6"
        f" AND {seen}",
        *arguments.values,
    )
    near = ((distance_m(centre, Position(row["lon_e7"], row["lat_e7"])), row) for row in rows)
    within = sorted((pair for pair in near if pair[0] <= radius), key=lambda pair: pair[0])
    return [_hint(metres, row) for metres, row in within[:MAX_HINTS]]


def _limits(kind: EventKind) -> tuple[int, int]:
    radius: int | None = kind.duplicate_radius_m
    days: int | None = kind.duplicate_days
    return (
        DEFAULT_RADIUS_M if radius is None else radius,
        DEFAULT_DAYS if days is None else days,
    )


def _hint(metres: float, row: Mapping[str, Any]) -> DuplicateHint:
    return DuplicateHint(
        id=row["id"],
        number=row["number"],
        title=row["title"],
        state=row["state"],
        distance_m=round(metres),
        created_at=row["created_at"],
    )
