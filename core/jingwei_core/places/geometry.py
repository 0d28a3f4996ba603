"""Coordinates and shapes: CGCS2000 (EPSG:4490) longitude and latitude, checked at the edge.

Stored as integers of 1e-7 degree (about 1 cm): integer comparison is leakproof, so it may use an
index under row security.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jingwei_sdk.errors import Invalid

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

E7 = 10_000_000
CANONICAL_CRS = "EPSG:4490"
ACCEPTED_CRS = {
    "EPSG:4490": "CGCS2000",
    # The two realisations differ by centimetres, far below what a phone or a photo measures.
    "EPSG:4326": "WGS 84",
}
# The land and sea of China with a margin; a swapped pair or a zero position falls outside.
_LON = (73.0, 136.0)
_LAT = (3.0, 54.0)


@dataclass(frozen=True, slots=True)
class Position:
    """A point in CGCS2000, in 1e-7 degree."""

    lon_e7: int
    lat_e7: int

    @property
    def lon(self) -> float:
        """Longitude in degrees."""
        return self.lon_e7 / E7

    @property
    def lat(self) -> float:
        """Latitude in degrees."""
        return self.lat_e7 / E7


def checked_position(lon: float, lat: float, crs: str | None) -> Position:
    """The position in CGCS2000.

    Raises ``Invalid``: ``CRS_MISSING``, ``CRS_UNSUPPORTED`` (GCJ-02 and BD-09 are shifted for
    display and never stored) and ``POSITION_OUTSIDE``.
    """
    if not crs:
        raise Invalid("CRS_MISSING", field="position.crs", accepted=sorted(ACCEPTED_CRS))
    if crs not in ACCEPTED_CRS:
        accepted = sorted(ACCEPTED_CRS)
        raise Invalid("CRS_UNSUPPORTED", field="position.crs", crs=crs, accepted=accepted)
    if not (_LON[0] <= lon <= _LON[1] and _LAT[0] <= lat <= _LAT[1]):
        raise Invalid("POSITION_OUTSIDE", field="position", lon=lon, lat=lat)
    return Position(round(lon * E7), round(lat * E7))


@dataclass(frozen=True, slots=True)
class Shape:
    """A checked polygon with its box in 1e-7 degree."""

    geometry: Mapping[str, Any]
    min_lon_e7: int
    min_lat_e7: int
    max_lon_e7: int
    max_lat_e7: int


def checked_shape(geojson: Mapping[str, Any], field: str = "geometry") -> Shape:
    """A GeoJSON Polygon or MultiPolygon; raises ``Invalid`` (``SHAPE_INVALID``) saying why not."""
    polygon = _parsed(geojson, field)
    if polygon.geom_type not in ("Polygon", "MultiPolygon"):
        raise Invalid("SHAPE_INVALID", field=field, cause=polygon.geom_type)
    if polygon.is_empty or not polygon.is_valid:
        raise Invalid("SHAPE_INVALID", field=field, cause="empty or self-crossing")
    west, south, east, north = polygon.bounds
    checked_position(west, south, CANONICAL_CRS)
    checked_position(east, north, CANONICAL_CRS)
    box = [round(value * E7) for value in (west, south, east, north)]
    return Shape(geojson, *box)


def shape_covers(geojson: Mapping[str, Any], position: Position) -> bool:
    """Whether a stored shape holds the position; its edge belongs to it."""
    from shapely import Point

    return bool(_parsed(geojson, "geometry").covers(Point(position.lon, position.lat)))


def _parsed(geojson: Mapping[str, Any], field: str) -> "BaseGeometry":
    # With numpy it takes 10 MB, and a process that only reads looks at no shape.
    from shapely import from_geojson
    from shapely.errors import GEOSException

    try:
        return from_geojson(json.dumps(geojson))
    except (GEOSException, TypeError, ValueError) as error:
        raise Invalid("SHAPE_INVALID", field=field, cause=str(error)) from error
