"""The database room: settings to connection, units of work, migrations, row security."""

from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.errors import (
    MigrationRefused,
    NoTenantBound,
    OtherTenant,
    UnitRolledBack,
)
from jingwei_core.database.unit import Unit, current_unit

__all__ = [
    "Database",
    "MigrationRefused",
    "NoTenantBound",
    "OtherTenant",
    "Unit",
    "UnitRolledBack",
    "current_unit",
    "open_database",
]
