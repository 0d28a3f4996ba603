"""Writing the place tree: adding, changing, drawing and ending places."""

import uuid
from datetime import date
from typing import Annotated, Any

import msgspec

from jingwei_core.places.geometry import checked_shape
from jingwei_core.places.labels import child_path
from jingwei_core.places.records import PLACE
from jingwei_core.places.tables import Place, PlaceCode, PlaceLevel, PlaceShape
from jingwei_core.text import search_text
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

Name = Annotated[str, msgspec.Meta(pattern=r"\S", max_length=100)]
ParentId = Annotated[uuid.UUID, msgspec.Meta(extra={"record": "Place"})]
Households = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]


class NewPlace(msgspec.Struct, frozen=True):
    """A place to add below another; ``level`` is the code of a level below the parent's."""

    parent_id: ParentId
    level: str
    name: Name
    name_en: str = ""
    code: str | None = None
    households: Households | None = None
    valid_from: date | None = None


class PlaceChange(msgspec.Struct, frozen=True):
    """New values of a place; what is left out stays."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    name_en: str | msgspec.UnsetType = msgspec.UNSET
    households: Households | msgspec.UnsetType | None = msgspec.UNSET


class PlaceEnd(msgspec.Struct, frozen=True):
    """The first day on which the place no longer holds."""

    valid_to: date


class PlaceDrawing(msgspec.Struct, frozen=True):
    """A GeoJSON Polygon or MultiPolygon in CGCS2000 (EPSG:4490), longitude first."""

    geometry: dict[str, Any]


@command("place.add", permission="place.write", at="parent_id", returns=PLACE)
async def add_place(ctx: Context, new: NewPlace) -> Place:
    """新增地点: add a place below another.

    Raises ``Conflict`` (``PLACE_PARENT_ENDS``) below one that has ended or will.
    """
    parent = await ctx.data.lock(Place, new.parent_id)
    _check_outlives(parent, None)
    await _check_level(ctx, parent, new.level)
    ordinal = await next_ordinal(ctx)
    place = await ctx.data.insert(
        Place(
            parent=parent.id,
            level=new.level,
            ordinal=ordinal,
            path=child_path(parent.path, ordinal),
            depth=parent.depth + 1,
            name=new.name.strip(),
            name_en=new.name_en,
            search_text=search_text(new.name, new.code or ""),
            code=new.code,
            households=new.households,
            source="entered",
            valid_from=new.valid_from or ctx.today(),
        )
    )
    if new.code:
        await ctx.data.insert(
            PlaceCode(place=place.id, system="entered", code=new.code, valid_from=place.valid_from)
        )
    await ctx.signals.changed("Place", place.id, place.path)
    return place


@command("place.change", permission="place.write", on=PLACE)
async def change_place(ctx: Context, target: Place, change: PlaceChange) -> Place:
    """修改地点: change a place's name or its number of households."""
    changes = {
        field: value
        for field in ("name", "name_en", "households")
        if (value := getattr(change, field)) is not msgspec.UNSET
    }
    name = changes["name"] = str(changes.get("name", target.name)).strip()
    changes["search_text"] = search_text(name, target.code or "")
    place = await ctx.data.update(target, **changes)
    await ctx.signals.changed("Place", place.id, place.path)
    return place


@command("place.end", permission="place.write", on=PLACE)
async def end_place(ctx: Context, target: Place, end: PlaceEnd) -> Place:
    """撤销地点: a place holds no longer from a day on; its history stays.

    Raises ``Conflict``: ``PLACE_HAS_CHILDREN`` while places below it still hold on that day,
    ``PLACE_PARENT_ENDS`` when the one above it ends before.
    """
    if end.valid_to <= target.valid_from:
        raise Invalid("PLACE_END_EARLY", field="validTo", valid_from=target.valid_from.isoformat())
    if target.parent is not None:
        _check_outlives(await ctx.data.lock(Place, target.parent), end.valid_to)
    left = await ctx.data.fetchval(
        "SELECT count(*) FROM core.place WHERE parent = $1 AND (valid_to IS NULL OR valid_to > $2)",
        target.id,
        end.valid_to,
    )
    if left:
        raise Conflict("PLACE_HAS_CHILDREN", count=left)
    place = await ctx.data.update(target, valid_to=end.valid_to)
    await ctx.signals.changed("Place", place.id, place.path)
    return place


@command("place.draw", permission="place.write", on=PLACE)
async def draw_place(ctx: Context, target: Place, drawing: PlaceDrawing) -> Place:
    """绘制网格: set the polygon of a place."""
    shape = checked_shape(drawing.geometry)
    values: dict[str, Any] = {
        "geometry": dict(shape.geometry),
        "source": "entered",
        "min_lon_e7": shape.min_lon_e7,
        "max_lon_e7": shape.max_lon_e7,
        "min_lat_e7": shape.min_lat_e7,
        "max_lat_e7": shape.max_lat_e7,
    }
    drawn = await ctx.data.find(PlaceShape, place=target.id)
    if drawn:
        await ctx.data.update(drawn[0], **values)
    else:
        await ctx.data.insert(PlaceShape(place=target.id, **values))
    await ctx.signals.changed("Place", target.id, target.path)
    return target


async def next_ordinal(ctx: Context) -> int:
    """A number no place of the tenant has; the tenant's tree waits for this transaction."""
    await ctx.data.fetchval(
        "SELECT pg_advisory_xact_lock(hashtextextended('place:' || $1, 0))", str(ctx.tenant.id)
    )
    highest = await ctx.data.fetchval("SELECT max(ordinal) FROM core.place")
    return int(highest or 0) + 1


def _check_outlives(parent: Place, end: date | None) -> None:
    """Refuse a place that would hold longer than the one it lies in; ``parent`` is locked, so that
    its end cannot be moved meanwhile."""
    last: date | None = parent.valid_to
    if last is not None and (end is None or end > last):
        raise Conflict("PLACE_PARENT_ENDS", place=parent.name, valid_to=last.isoformat())


async def _check_level(ctx: Context, parent: Place, level: str) -> None:
    ranks = {row.code: row.rank for row in await ctx.data.find(PlaceLevel)}
    if level not in ranks:
        raise Invalid("PLACE_LEVEL_UNKNOWN", field="level", level=level, known=sorted(ranks))
    if ranks[level] <= ranks[parent.level]:
        raise Invalid("PLACE_LEVEL_ORDER", field="level", level=level, parent=parent.level)


COMMANDS = (add_place, change_place, end_place, draw_place)
