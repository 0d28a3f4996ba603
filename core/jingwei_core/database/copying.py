"""Copying (批量写入): COPY into a table under row security, by way of a temporary one."""

from collections.abc import Iterable, Sequence
from typing import Any

from jingwei_core.database.identifiers import column_list, quoted


async def copy_rows(
    connection: Any,
    target: tuple[str, str],
    columns: Sequence[str],
    records: Iterable[Sequence[object]],
) -> str:
    """Insert the records into the table of a schema; the command tag. Inside a transaction."""
    schema, table = (quoted(part) for part in target)
    names = column_list(tuple(columns))
    await connection.execute(
        f"CREATE TEMPORARY TABLE unit_copy ON COMMIT DROP AS"
        f" SELECT {names} FROM {schema}.{table} WITH NO DATA"
    )
    await connection.copy_records_to_table(
        "unit_copy", schema_name="pg_temp", columns=columns, records=records
    )
    done: str = await connection.execute(
        f"INSERT INTO {schema}.{table} ({names}) SELECT {names} FROM pg_temp.unit_copy;"
    )
    await connection.execute("DROP TABLE pg_temp.unit_copy")
    return done
