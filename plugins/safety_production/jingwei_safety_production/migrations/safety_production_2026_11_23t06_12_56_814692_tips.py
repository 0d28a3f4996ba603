from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from jingwei_sdk.tables import CoreRef
from jingwei_sdk.tables import CurrentTenant
from jingwei_sdk.tables import V7
from piccolo.columns.column_types import Integer
from piccolo.columns.column_types import Text
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.column_types import UUID
from piccolo.columns.defaults.timestamptz import TimestamptzNow
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-23T06:12:56:814692"
VERSION = "1.38.0"
DESCRIPTION = "tips"


async def forwards():
    manager = MigrationManager(
        migration_id=ID, app_name="safety_production", description=DESCRIPTION
    )

    manager.add_table(
        class_name="SafetyTip", tablename="tip", schema="safety_production", columns=None
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
        column_name="code_digest",
        db_column_name="code_digest",
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
        schema="safety_production",
    )

    manager.add_column(
        table_class_name="SafetyTip",
        tablename="tip",
        column_name="event",
        db_column_name="event",
        column_class_name="CoreRef",
        column_class=CoreRef,
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
            "target": "Event",
        },
        schema="safety_production",
    )

    return manager
