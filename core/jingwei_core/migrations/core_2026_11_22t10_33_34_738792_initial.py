from piccolo.apps.migrations.auto.migration_manager import MigrationManager

ID = "2026-11-22T10:33:34:738792"
VERSION = "1.38.0"
DESCRIPTION = "initial"


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="core", description=DESCRIPTION)

    def run():
        print(f"running {ID}")

    manager.add_raw(run)

    return manager
