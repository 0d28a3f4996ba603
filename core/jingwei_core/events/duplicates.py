"""Duplicate hints (重复提示): open events of the same kind near a position, in the actor's sight.

A hint never stops a report: two holes in one road are two events.
"""

import math
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec

from jingwei_core.events.configuration import Kind
from jingwei_core.events.kinds import reportable_kind
from jingwei_core.events.placing import ReportedPosition
from jingwei_core.events.records import EVENT
from jingwei_core.places.geometry import E7, Position, checked_position
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.session import CoreContext
from jingwei_sdk.narrowing import AtLeast, AtMost, Equal, Narrowed, Written

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


@dataclass(frozen=True, slots=True)
class Near:
    """What makes an open event a hint: its kind, since when, and how far away it is at most."""

    kind: uuid.UUID
    since: datetime
    centre: Position
    radius_m: int
    box: Box


def near(kind: Kind, reported: ReportedPosition, now: datetime) -> Near:
    """Where and how far back to look for hints before a report of a kind.

    Raises ``Invalid`` for a position without a known coordinate system.
    """
    centre = checked_position(reported.lon, reported.lat, reported.crs)
    radius, days = _limits(kind)
    since = now - timedelta(days=days)
    return Near(kind.id, since, centre, radius, box_around(centre, radius))


def narrowed(wanted: Near) -> Narrowed:
    """The hints as rows of ``Event``: nearest first, with the whole metres of each."""
    box, centre = wanted.box, {"lon": wanted.centre.lon, "lat": wanted.centre.lat}
    metres = distance_sql("{row}", "{lon}", "{lat}")
    return Narrowed(
        (
            Equal("is_final", value=False),
            Equal("kind", wanted.kind),
            AtLeast("created_at", wanted.since),
            AtLeast("lat_e7", box.south),
            AtMost("lat_e7", box.north),
            AtLeast("lon_e7", box.west),
            AtMost("lon_e7", box.east),
            Written(f"{metres} <= {{most}}::float8", {**centre, "most": float(wanted.radius_m)}),
        ),
        Written(f"{metres}, {{row}}.id", centre),
        {"distance_m": Written(f"round({metres})::integer", centre)},
    )


def distance_sql(alias: str, lon: str, lat: str) -> str:
    """:func:`distance_m` of an event and the position that two parameters hold, in SQL."""
    event_lat, event_lon = f"({alias}.lat_e7 / {E7}::float8)", f"({alias}.lon_e7 / {E7}::float8)"
    chord = (
        f"power(sin((radians({event_lat}) - radians({lat}::float8)) / 2), 2)"
        f" + cos(radians({lat}::float8)) * cos(radians({event_lat}))"
        f" * power(sin(radians({event_lon} - {lon}::float8) / 2), 2)"
    )
    return f"(2 * {EARTH_RADIUS_M}::float8 * asin(least(1, sqrt({chord}))))"


async def find_duplicates(
    ctx: CoreContext, kind_code: str, reported: ReportedPosition
) -> list[DuplicateHint]:
    """The nearest open events of the kind within its radius and days, nearest first, at most
    :data:`MAX_HINTS`, and only those that the actor may see.

    Raises ``Invalid`` for an unknown kind or a position without a known coordinate system.
    """
    kind = await reportable_kind(ctx, kind_code, by_plugin=True)
    wanted = near(kind, reported, ctx.clock.now())
    box, centre = wanted.box, wanted.centre
    arguments = Arguments([wanted.kind, wanted.since, box.south, box.north, box.west, box.east])
    metres = distance_sql("t", arguments.add(centre.lon), arguments.add(centre.lat))
    radius = arguments.add(float(wanted.radius_m))
    seen = Sight(Present(ctx), ctx.registry, arguments).condition(EVENT, "t")
    rows = await ctx.data.fetch(
        f"SELECT t.id, t.number, t.title, t.state, t.created_at, {metres} AS metres"
        " FROM core.event t WHERE NOT t.is_final AND t.kind = $1 AND t.created_at >= $2"
        " AND t.lat_e7 BETWEEN $3 AND $4 AND t.lon_e7 BETWEEN $5 AND $6"
        f" AND {metres} <= {radius} AND {seen} ORDER BY metres, t.id LIMIT {MAX_HINTS}",
        *arguments.values,
    )
    return [_hint(row["metres"], row) for row in rows]


def _limits(kind: Kind) -> tuple[int, int]:
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
