from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from enum import Enum
from jingwei_sdk.tables import CoreRef
from jingwei_sdk.tables import CurrentTenant
from jingwei_sdk.tables import TenantFK
from jingwei_sdk.tables import V7
from piccolo.columns.base import OnDelete
from piccolo.columns.base import OnUpdate
from piccolo.columns.column_types import Date
from piccolo.columns.column_types import Integer
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import UUID
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod
from piccolo.table import Table


class RoadLamp(Table, tablename="lamp", schema="road_lamp_patrol"):
    id = UUID(
        default=V7(),
        null=False,
        primary_key=True,
        unique=False,
        index=False,
        index_method=IndexMethod.btree,
        choices=None,
        db_column_name=None,
        secret=False,
    )


ID = "2026-11-22T19:39:46:065125"
VERSION = "1.38.0"
DESCRIPTION = "lamps"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="road_lamp_patrol", description=DESCRIPTION
    )

    manager.add_table(
        class_name="RoadLamp", tablename="lamp", schema="road_lamp_patrol", columns=None
    )

    manager.add_table(
        class_name="RoadLampPatrol", tablename="patrol", schema="road_lamp_patrol", columns=None
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="tenant_id",
        db_column_name="tenant_id",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": CurrentTenant(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="id",
        db_column_name="id",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": V7(),
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="created_at",
        db_column_name="created_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": TimestamptzNow(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="updated_at",
        db_column_name="updated_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": TimestamptzNow(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="version",
        db_column_name="version",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 1,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="place_id",
        db_column_name="place_id",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="place_path",
        db_column_name="place_path",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="code",
        db_column_name="code",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="condition",
        db_column_name="condition",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "lit",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": Enum("RoadLampCondition", {"LIT": "lit", "DARK": "dark"}),
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="patrolled_on",
        db_column_name="patrolled_on",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="overdue_since",
        db_column_name="overdue_since",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLamp",
        tablename="lamp",
        column_name="event",
        db_column_name="event",
        column_class_name="CoreRef",
        column_class=CoreRef,
        params={
            "default": None,
            "null": True,
            "primary_key": False,
            "unique": False,
            "index": True,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
            "target": "Event",
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="tenant_id",
        db_column_name="tenant_id",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": CurrentTenant(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="id",
        db_column_name="id",
        column_class_name="UUID",
        column_class=UUID,
        params={
            "default": V7(),
            "null": False,
            "primary_key": True,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="created_at",
        db_column_name="created_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": TimestamptzNow(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="updated_at",
        db_column_name="updated_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={
            "default": TimestamptzNow(),
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="version",
        db_column_name="version",
        column_class_name="Integer",
        column_class=Integer,
        params={
            "default": 1,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="lamp",
        db_column_name="lamp",
        column_class_name="TenantFK",
        column_class=TenantFK,
        params={
            "references": RoadLamp,
            "on_delete": OnDelete.cascade,
            "on_update": OnUpdate.cascade,
            "target_column": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="patrolled_on",
        db_column_name="patrolled_on",
        column_class_name="Date",
        column_class=Date,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="condition",
        db_column_name="condition",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": None,
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": Enum("RoadLampCondition", {"LIT": "lit", "DARK": "dark"}),
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    manager.add_column(
        table_class_name="RoadLampPatrol",
        tablename="patrol",
        column_name="note",
        db_column_name="note",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema="road_lamp_patrol",
    )

    return manager
