"""Point to grid (坐标落格): the place whose polygon holds a position."""

from collections.abc import Callable
from datetime import date
from typing import Any

from jingwei_core.commands.shapes import shape_of
from jingwei_core.places.geometry import Position
from jingwei_core.places.tables import Place
from jingwei_core.reading.sight import Arguments
from jingwei_sdk.context import Context

_DEEPEST = """
SELECT p.id FROM core.place_shape s
JOIN core.place p ON p.tenant_id = s.tenant_id AND p.id = s.place
WHERE s.min_lon_e7 <= {lon} AND s.max_lon_e7 >= {lon}
  AND s.min_lat_e7 <= {lat} AND s.max_lat_e7 >= {lat}
  AND p.valid_from <= {day} AND (p.valid_to IS NULL OR p.valid_to > {day})
  AND core.shape_covers(s.geometry, {lon}, {lat})
ORDER BY p.depth DESC, p.path LIMIT 1
"""


def deepest_place(add: Callable[[Any], str], lon_e7: Any, lat_e7: Any, day: Any) -> str:
    """The query for the id of the deepest place valid on a day whose polygon holds a position in
    1e-7 degree; ``add`` takes a value of the statement and answers its placeholder.

    On a shared edge the place that comes first in the tree wins, so the answer is always the same.
    """
    lon, lat = f"{add(lon_e7)}::bigint", f"{add(lat_e7)}::bigint"
    return _DEEPEST.format(lon=lon, lat=lat, day=f"{add(day)}::date")


async def locate(ctx: Context, position: Position, on: date | None = None) -> Place | None:
    """The deepest place valid on that day (today) whose polygon holds the position, or ``None``."""
    arguments = Arguments()
    day = on or ctx.today()
    deepest = deepest_place(arguments.add, position.lon_e7, position.lat_e7, day)
    shape = shape_of(Place)
    sql = f"SELECT {shape.listed} FROM core.place WHERE id = ({deepest})"
    found = await ctx.data.fetch(sql, *arguments.values)
    return shape.named(found[0]) if found else None
