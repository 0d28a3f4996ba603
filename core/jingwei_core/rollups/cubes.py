"""What is kept (汇总立方): the roll-ups of a record as sources and cubes.

A *source* is a record's table with all columns that are counted of it. Each change of a row appends
one delta with the row's place and all counted values; a *cube* holds, for some of these columns,
the folded counts of every place including what lies below it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from piccolo.columns import Column, Timestamptz

from jingwei_core.database.identifiers import quoted
from jingwei_sdk.records import AtPlace, Record

TableKey = tuple[str, str]

FORMAT = "2"
"""Grows when the statements here change meaning, so that every count is made anew."""


@dataclass(frozen=True, slots=True)
class Counted:
    """A column of a source: how it is written into a delta, and whether it is kept by day."""

    name: str
    sql_type: str
    is_instant: bool
    is_day: bool

    def written(self, row: str = "") -> str:
        """The SQL of its text in a delta, of a ``row`` such as ``NEW.``; an instant stays one, for
        its day depends on the zone."""
        column = row + quoted(self.name)
        if self.is_instant:
            return f"({column} AT TIME ZONE 'UTC')::text"
        return f"{column}::text"

    def told(self, text: str, zone: str) -> str:
        """The SQL of its value, a date where it is kept by day, from the text in a delta."""
        if self.is_instant:
            return f"(({text})::timestamp AT TIME ZONE 'UTC' AT TIME ZONE {zone})::date"
        return self.kept(text)

    def kept(self, text: str) -> str:
        """The SQL of its value from the text in a cube."""
        kind = "date" if self.is_day else self.sql_type
        return text if kind == "text" else f"({text})::{kind}"


@dataclass(frozen=True, slots=True)
class Cube:
    """Counts by some columns of a source, for all places or for ``depth`` levels of them; ``id`` is
    what its rows are found by."""

    id: str
    columns: tuple[str, ...]
    depth: int | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """A record of which counts are kept. ``path`` is the column of its place, ``None`` for one
    whose rows lie nowhere: these are counted at the root only."""

    id: str
    table: TableKey
    path: str | None
    counted: tuple[Counted, ...]
    cubes: tuple[Cube, ...]

    def position(self, column: str) -> int:
        """The place of a column in a delta, from 1."""
        return next(at for at, known in enumerate(self.counted, 1) if known.name == column)

    def column(self, name: str) -> Counted:
        """The counted column called ``name``."""
        return self.counted[self.position(name) - 1]


def sources_of(records: Iterable[Record]) -> tuple[Source, ...]:
    """Everything that these records want kept, in the order of their names."""
    found = (source_of(record) for record in sorted(records, key=lambda record: record.name))
    return tuple(source for source in found if source is not None)


def source_of(record: Record) -> Source | None:
    """What is kept of a record, ``None`` if nothing is."""
    if not record.rollups:
        return None
    key = (record.table._meta.schema or "public", record.table._meta.tablename)
    counted: dict[str, Counted] = {}
    for rollup in record.rollups:
        for name in rollup.columns:
            counted[name] = _counted(record.column(name), is_day=name == rollup.day)
    path = next((s.column for s in record.scope if isinstance(s, AtPlace)), None)
    kept = [(rollup.columns, rollup.depth) for rollup in record.rollups]
    said = repr((FORMAT, record.name, key, path, list(counted.values()), kept))
    digest = hashlib.sha256(said.encode()).hexdigest()[:8]
    cubes = tuple(Cube(f"{digest}{at}", *each) for at, each in enumerate(kept))
    return Source(digest, key, path, tuple(counted.values()), cubes)


def _counted(column: Column, *, is_day: bool) -> Counted:
    kind = column.column_type.lower()
    sql_type = {"bigint": "bigint", "boolean": "boolean", "uuid": "uuid", "date": "date"}.get(
        kind, "integer" if kind in ("integer", "smallint") else "text"
    )
    return Counted(column._meta.db_column_name, sql_type, isinstance(column, Timestamptz), is_day)
