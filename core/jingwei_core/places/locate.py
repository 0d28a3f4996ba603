"""Point to grid (坐标落格): the place whose polygon holds a position."""

import json
from datetime import date

from jingwei_core.places.geometry import Position, shape_covers
from jingwei_core.places.tables import Place
from jingwei_sdk.context import Context

_CANDIDATES = """
SELECT p.id, s.geometry FROM core.place_shape s
JOIN core.place p ON p.tenant_id = s.tenant_id AND p.id = s.place
WHERE s.min_lon_e7 <= $1 AND s.max_lon_e7 >= $1 AND s.min_lat_e7 <= $2 AND s.max_lat_e7 >= $2
  AND p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)
ORDER BY p.depth DESC, p.path
"""


async def locate(ctx: Context, position: Position, on: date | None = None) -> Place | None:
    """The deepest place valid on that day (today) whose polygon holds the position, or ``None``.

    On a shared edge the place that comes first in the tree wins, so the answer is always the same.
    """
    rows = await ctx.data.fetch(_CANDIDATES, position.lon_e7, position.lat_e7, on or ctx.today())
    for row in rows:
        geometry = row["geometry"]
        geometry = json.loads(geometry) if isinstance(geometry, str) else geometry
        if shape_covers(geometry, position):
            return await ctx.data.get(Place, row["id"])
    return None
