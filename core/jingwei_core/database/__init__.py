"""The database room: settings to connection, units of work, migrations, row security."""

from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.errors import (
    MigrationRefused,
    NoTenantBound,
    OtherTenant,
    UnitRolledBack,
)
from jingwei_core.database.reading import FIRST_FREE, Reading, bound_trip, one_trip
from jingwei_core.database.unit import Unit, current_unit

__all__ = [
    "FIRST_FREE",
    "Database",
    "MigrationRefused",
    "NoTenantBound",
    "OtherTenant",
    "Reading",
    "Unit",
    "UnitRolledBack",
    "bound_trip",
    "current_unit",
    "one_trip",
    "open_database",
]
