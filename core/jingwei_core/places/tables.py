"""The place tree (地点树): places, their codes over time, and the shapes of grids."""

from piccolo.columns import JSONB, BigInt, Boolean, Date, Integer, Text
from piccolo.columns.base import OnDelete
from piccolo.columns.reference import LazyTableReference

from jingwei_core.database.migration_apps import UNMANAGED
from jingwei_sdk.tables import TenantFK, TenantTable


class PlaceLevel(TenantTable, tablename="place_level", schema="core"):
    """地点层级: a level of the tenant's tree, such as street or grid; their names are data."""

    UNIQUE = (("code",),)
    IS_SMALL = True

    code = Text(default=None, null=False, unique=False)
    rank = Integer(default=0, null=False, help_text="0 is the root level")
    name_zh = Text(default="", null=False)
    name_en = Text(default="", null=False)
    is_capture_unit = Boolean(default=False, null=False, help_text="where events are located")
    households_min = Integer(default=None, null=True, help_text="warn below; never refuse")
    households_max = Integer(default=None, null=True, help_text="warn above; never refuse")


class Place(TenantTable, tablename="place", schema="core"):
    """地点: a node of the tree; ``path`` is made of the labels of its ancestors and itself."""

    UNIQUE = (("path",), ("ordinal",))
    INDEXES = (("parent", "path"), ("level", "path"), ("name", "path"))

    parent = TenantFK(
        LazyTableReference("Place", module_path=__name__), null=True, on_delete=OnDelete.restrict
    )
    level = Text(default=None, null=False, help_text="code of its PlaceLevel")
    ordinal = BigInt(default=0, null=False, help_text="number in the tenant that made the label")
    path = Text(default=None, null=False)
    depth = Integer(default=0, null=False)
    name = Text(default=None, null=False)
    name_en = Text(default="", null=False)
    search_text = Text(default="", null=False, help_text="name, pinyin, initials and codes")
    code = Text(default=None, null=True, help_text="the code valid today")
    kind = Text(default="", null=False, help_text="e.g. urban or rural class of a division")
    households = Integer(default=None, null=True)
    source = Text(default="", null=False, help_text="official or generated")
    valid_from = Date(default=None, null=False)
    valid_to = Date(default=None, null=True, help_text="first day it no longer holds")


class PlaceCode(TenantTable, tablename="place_code", schema="core"):
    """地点代码: a code of a place in a coding system, for an interval; never a key."""

    UNIQUE = (("system", "code", "valid_from"),)

    place = TenantFK(Place, null=False, on_delete=OnDelete.cascade)
    system = Text(default=None, null=False, help_text="e.g. division-12, grid-20")
    code = Text(default=None, null=False, index=True)
    valid_from = Date(default=None, null=False)
    valid_to = Date(default=None, null=True)


class PlaceShape(TenantTable, tablename="place_shape", schema="core"):
    """地点边界: the polygon of a place as GeoJSON in CGCS2000 (EPSG:4490), lon/lat order.

    The box in 1e-7 degree integers is what the index sees: integer comparison is leakproof.
    """

    UNIQUE = (("place",),)
    INDEXES = (("min_lon_e7", "max_lon_e7"),)

    place = TenantFK(Place, null=False, on_delete=OnDelete.cascade)
    geometry = JSONB(default=None, null=False)
    source = Text(default="", null=False)
    min_lon_e7 = BigInt(default=0, null=False)
    max_lon_e7 = BigInt(default=0, null=False)
    min_lat_e7 = BigInt(default=0, null=False)
    max_lat_e7 = BigInt(default=0, null=False)


class PlaceTerm(TenantTable, tablename="place_term", schema="core", tags=[UNMANAGED]):
    """地点检索词: a beginning of this text finds the places of this name; made by plain SQL."""

    term = Text(null=False)
    name = Text(null=False)
