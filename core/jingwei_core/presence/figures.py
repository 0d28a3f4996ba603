"""The figures of an indicator (指标数值), over the rows that the reader may see."""

import uuid
from collections.abc import Mapping
from typing import Any

from jingwei_core.commands.data import qualified
from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.reader import RecordReader
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.session import CoreContext
from jingwei_sdk.indicators import Indicator

MOST_GROUPS = 500

Groups = list[tuple[list[str], float | None]]


async def figures_of(ctx: CoreContext, indicator: Indicator) -> Groups:
    """The value for each group of the indicator's dimensions, the largest first; without
    dimensions one value. At most :data:`MOST_GROUPS`.

    Counted are rows of the record in the reader's sight, where the indicator's permission is held.
    """
    reader = RecordReader(ctx.registry)
    record = ctx.registry.record(indicator.record)
    arguments = Arguments()
    where = [reader.matching(ctx, record, _values(indicator.where), arguments)]
    held = Sight(Present(ctx), ctx.registry, arguments).held(record, "t", indicator.permission)
    where += [held] if held is not None else []
    columns = [f"t.{sql_name(record, name)}" for name in indicator.dimensions]
    value = "count(*)"
    if indicator.column:
        value = f"{indicator.measure}(t.{sql_name(record, indicator.column)})"
    keys = "".join(f"{column}::text, " for column in columns)
    grouped = f" GROUP BY {', '.join(columns)}" if columns else ""
    rows = await ctx.data.fetch(
        f"SELECT {keys}({value})::float8 AS value FROM {qualified(record.table)} t"
        f" WHERE {' AND '.join(where)}{grouped} ORDER BY value DESC NULLS LAST, 1"
        f" LIMIT {MOST_GROUPS}",
        *arguments.values,
    )
    return [(_keys(row), row["value"]) for row in rows]


def _keys(row: Mapping[str, Any]) -> list[str]:
    """The values of the dimensions; a column that holds none is an empty text."""
    return ["" if value is None else str(value) for value in list(row.values())[:-1]]


def _values(where: Mapping[str, object]) -> dict[str, Any]:
    """The values as the driver takes them: an enumeration's member as its value."""
    return {name: _value(value) for name, value in where.items()}


def _value(value: object) -> object:
    if isinstance(value, tuple | list):
        return tuple(_value(one) for one in value)
    if isinstance(value, uuid.UUID):
        return value
    return getattr(value, "value", value)
