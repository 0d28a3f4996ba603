"""Tables of the plugin: lamps, and the patrols that visited them."""

from enum import StrEnum

from jingwei_sdk.tables import CoreRef, PlacedTable, TenantFK, TenantTable, choice
from piccolo.columns import Date, Text
from piccolo.columns.base import OnDelete

SCHEMA = "road_lamp_patrol"


class RoadLampCondition(StrEnum):
    """What a patrol sees (灯况)."""

    LIT = "lit"
    DARK = "dark"


class RoadLamp(PlacedTable, tablename="lamp", schema=SCHEMA):
    """路灯: a lamp at a place."""

    UNIQUE = (("code",),)

    code = Text(default=None, null=False, help_text="what is painted on the post")
    condition = choice(RoadLampCondition, RoadLampCondition.LIT)
    patrolled_on = Date(default=None, null=True)
    overdue_since = Date(default=None, null=True)
    event = CoreRef("Event", null=True)


class RoadLampPatrol(TenantTable, tablename="patrol", schema=SCHEMA):
    """巡查: one visit to a lamp; who made it is in the audit log."""

    lamp = TenantFK(RoadLamp, null=False, on_delete=OnDelete.cascade)
    patrolled_on = Date(default=None, null=False)
    condition = choice(RoadLampCondition)
    note = Text(default="", null=False)


TABLES: tuple[type[TenantTable], ...] = (RoadLamp, RoadLampPatrol)
