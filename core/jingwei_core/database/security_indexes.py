"""Indexes of the tables (索引): those that the declarations ask for, none that another replaces.

What is asked for: the keys of table classes and of the records over them, the reference columns,
the place columns. An index that is the beginning of another costs every write and serves nothing;
of those that were made here or by Piccolo it is taken away again.
"""

from collections.abc import Iterator

from jingwei_core.database.identifiers import qualified
from jingwei_core.database.security_catalogue import TableState
from jingwei_core.database.security_rules import Key, Rules

PLACE = ("core", "place")
PLACE_COLUMNS = {"place_id", "place_path"}
_INDEXED_BY_PLACE = (("tenant_id", "place_id"), ("tenant_id", "place_path"))


def missing_indexes(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    """The statements that add what is not there yet."""
    by_key = {table.key: table for table in tables}
    unique = {table.key: set(table.unique_indexes) for table in tables}
    present = {table.key: set(table.indexes) for table in tables}
    partial = {table.key: set(table.partial_indexes) for table in tables}
    for key in _wanted(rules, tables):
        if key.table not in by_key:
            continue
        serving = unique[key.table] | partial[key.table] if key.is_partial else present[key.table]
        found = key.columns in unique[key.table] if key.unique else _serves(serving, key.columns)
        if not found:
            yield key.sql
            (partial if key.is_partial else present)[key.table].add(key.columns)
            unique[key.table] |= {key.columns} if key.unique else set()


def superfluous_indexes(rules: Rules, tables: list[TableState]) -> Iterator[str]:
    """The statements that take away what another index serves."""
    for table in tables:
        if not table.is_tenant_table:
            continue
        for columns, names in sorted(table.plain_indexes.items()):
            own = Key(table.key, columns, unique=False).name
            # Piccolo's, of a column with ``index=True``: no statement asks without the tenant.
            single = f"{table.name}_{columns[0]}" if len(columns) == 1 else None
            others = (table.indexes - {columns}) | table.partial_indexes
            if single in names and _serves(others, ("tenant_id", *columns)):
                yield f"DROP INDEX {qualified(table.schema, single)}"
            if own in names and _serves(others, columns):
                yield f"DROP INDEX {qualified(table.schema, own)}"


def _wanted(rules: Rules, tables: list[TableState]) -> list[Key]:
    wanted = [*rules.keys, *(r.index for r in rules.references)]
    for table in tables:
        placed = table.is_tenant_table and table.columns.keys() >= PLACE_COLUMNS
        if placed and table.key != PLACE:
            wanted += [Key(table.key, columns, unique=False) for columns in _INDEXED_BY_PLACE]
    # Unique and long ones first: they serve the shorter ones that begin alike.
    wanted.sort(key=lambda key: (not key.unique, -len(key.columns), key.table, key.columns))
    return wanted


def _serves(
    indexes: frozenset[tuple[str, ...]] | set[tuple[str, ...]], key: tuple[str, ...]
) -> bool:
    return any(index[: len(key)] == key for index in indexes)
