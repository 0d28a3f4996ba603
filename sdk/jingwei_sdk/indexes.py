"""Indexes (索引): what a record's declaration asks of the database beyond its table's.

A list stops after its page only where an index has its order. So each sort key gets one, and each
reference that is filtered by gets one that goes on in the record's default order: the rows that
name another are read in that order without sorting them. No index begins with all of another.
All are columns behind ``tenant_id``; authors write none of it.
"""

from jingwei_sdk.records import AtPlace, OwnedBy, Record, Through, references
from jingwei_sdk.tables import Keys, TenantTable, columns_of

_PLACE = "place_id"


def plain_indexes(table: type[TenantTable]) -> Keys:
    """The columns of each index that the table class itself declares, without unique ones."""
    single = tuple((c._meta.name,) for c in columns_of(table) if c._meta.index)
    return (*table.INDEXES, *single)


def derived_indexes(record: Record) -> Keys:
    """The columns of each index that lists of the record need and its table does not declare.

    A small table (``TenantTable.IS_SMALL``) needs none: its rows are read and sorted.
    """
    if record.table.IS_SMALL:
        return ()
    declared = (*record.table.UNIQUE, *plain_indexes(record.table))
    # Where the author made an index of several columns for a reference, that is kept to.
    chosen = (*record.table.UNIQUE, *record.table.INDEXES)
    wanted = [
        (column, *_ending(record, record.sort[0]))
        for column in _followed(record)
        if not _begins((column,), chosen)
    ]
    wanted += [(*_always_equal(record), *_ending(record, column)) for column in record.sort]
    wanted += [(scope.column,) for scope in record.scope if isinstance(scope, AtPlace)]
    kept: list[tuple[str, ...]] = []
    for key in sorted(set(wanted), key=lambda key: (-len(key), key)):
        if not _begins(key, (*declared, *kept)):
            kept.append(key)
    return tuple(sorted(kept))


def indexes_of(record: Record) -> Keys:
    """The columns of each index that the database has for the record, behind the tenant."""
    named = tuple((column,) for column in references(record))
    declared = (*record.table.UNIQUE, *plain_indexes(record.table))
    return (*declared, *derived_indexes(record), *named)


def _always_equal(record: Record) -> tuple[str, ...]:
    """The column that equals something in each list: everybody sees their own rows only."""
    (first, *others) = record.scope
    return (first.column,) if isinstance(first, OwnedBy) and not others else ()


def _ending(record: Record, column: str) -> tuple[str, ...]:
    """The column with what makes its order whole; a unique one is whole by itself."""
    if column == "id" or (
        (column,) in record.table.UNIQUE and not record.column(column)._meta.null
    ):
        return (column,)
    return (column, "id")


def _followed(record: Record) -> list[str]:
    """The references that rows are asked for by, and the one that they are seen through."""
    named = {*references(record), *(c for c in record.filters if c == _PLACE)}
    through = {scope.column for scope in record.scope if isinstance(scope, Through)}
    return sorted(named & {*record.filters, *through})


def _begins(key: tuple[str, ...], indexes: Keys) -> bool:
    return key == ("id",) or any(index[: len(key)] == key for index in indexes)
