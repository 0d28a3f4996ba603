"""The tables of kept counts (汇总表), made by plain SQL: their keys are texts and arrays."""

from piccolo.columns import BigInt, Integer, Text
from piccolo.columns.column_types import Array

from jingwei_core.database.migration_apps import UNMANAGED
from jingwei_sdk.tables import TenantTable, sealed


@sealed
class RollupCount(TenantTable, tablename="rollup", schema="core", tags=[UNMANAGED]):
    """汇总: how many rows of a cube lie at or below a place, by the values of its columns."""

    cube = Text(null=False)
    path = Text(null=False)
    d = Array(Text(), null=False)
    n = Integer(null=False)


@sealed
class RollupDelta(TenantTable, tablename="rollup_delta", schema="core", tags=[UNMANAGED]):
    """汇总增量: rows that came (+1) and went (-1) since the counts were last folded."""

    source = Text(null=False)
    path = Text(null=False)
    seq = BigInt(null=False)
    d = Array(Text(), null=False)
    n = Integer(null=False)
