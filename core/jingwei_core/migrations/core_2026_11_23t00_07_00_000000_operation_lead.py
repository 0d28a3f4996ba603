from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from jingwei_sdk.tables import TenantFK

ID = "2026-11-23T00:07:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "who leads a joint operation may be open until its department accepts"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    manager.alter_column(
        table_class_name="JointOperation",
        tablename="joint_operation",
        column_name="lead",
        db_column_name="lead",
        params={"null": True},
        old_params={"null": False},
        column_class=TenantFK,
        old_column_class=TenantFK,
        schema="core",
    )

    return manager
