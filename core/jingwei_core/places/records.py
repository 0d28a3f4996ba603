"""How places are read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.places.labels import ancestor_paths
from jingwei_core.places.search import PLACES
from jingwei_core.places.tables import Place, PlaceCode, PlaceLevel, PlaceShape
from jingwei_sdk.context import Context
from jingwei_sdk.records import AtPlace, Computed, Many, One, Opposite, Record, TenantWide, Through


async def _ancestors(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[list[str]]:
    """The names from the root down to the parent; names of divisions are public."""
    wanted = sorted({path for row in rows for path in ancestor_paths(row["path"])})
    found = await ctx.data.fetch("SELECT path, name FROM core.place WHERE path = ANY($1)", wanted)
    names = {row["path"]: row["name"] for row in found}
    return [[names[path] for path in ancestor_paths(row["path"]) if path in names] for row in rows]


async def _geojson(ctx: Context, rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The polygon as GeoJSON text, for clients that hand it straight to a map."""
    return [json.dumps(row["geometry"], ensure_ascii=False) for row in rows]


PLACE_LEVEL = Record(
    PlaceLevel,
    read="place.read",
    scope=(TenantWide(),),
    filters=("code",),
    sort=("rank",),
)
PLACE = Record(
    Place,
    read="place.read",
    scope=(AtPlace("path"),),
    filters=("level", "code", "parent", "name", "kind", "source", "valid_from", "valid_to"),
    sort=("path", "name", "code", "created_at"),
    search="search_text",
    finder=PLACES,
    hidden=frozenset({"search_text", "ordinal", "path"}),
    relations={
        "parent": One("parent", "Place"),
        "children": Many("Place", "parent"),
        "codes": Many("PlaceCode", "place"),
        "shape": Opposite("PlaceShape", "place"),
        "events": Many("Event", "place_id"),
        "organisations": Many("Organisation", "place_id"),
        "people": Many("Person", "place_id"),
    },
    computed={
        "ancestors": Computed(
            list[str], ("path",), _ancestors, description="names from the root to the parent"
        )
    },
)
PLACE_CODE = Record(
    PlaceCode,
    read="place.read",
    scope=(Through("place", "Place"),),
    filters=("system", "code", "place"),
    sort=("code", "valid_from"),
    relations={"place": One("place", "Place")},
)
PLACE_SHAPE = Record(
    PlaceShape,
    read="place.read",
    scope=(Through("place", "Place"),),
    filters=("place",),
    sort=("created_at",),
    hidden=frozenset({"min_lon_e7", "max_lon_e7", "min_lat_e7", "max_lat_e7"}),
    relations={"place": One("place", "Place")},
    computed={"geojson": Computed(str, ("geometry",), _geojson)},
)

RECORDS = (PLACE_LEVEL, PLACE, PLACE_CODE, PLACE_SHAPE)
