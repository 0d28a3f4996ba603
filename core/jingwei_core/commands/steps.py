"""Writing steps (写入步骤): rows to add and to change, several of them in one statement.

    WITH step0 AS (INSERT … RETURNING …), step1 AS (UPDATE … RETURNING …) SELECT …

A later step may use what an earlier one stored: ``step0`` is a table of one row.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Protocol

from jingwei_core.commands.shapes import TableShape, encoded, shape_of
from jingwei_sdk.errors import Conflict, JingweiError
from jingwei_sdk.personal import masked_columns, refuse_masked
from jingwei_sdk.tables import TenantTable

_TEXTS = 1024


class Text(Protocol):
    """The text of a step, which depends on the row's table and columns and on no value."""

    @property
    def table(self) -> type[TenantTable]:
        """The table it writes."""
        ...

    def sql(self, first: int) -> tuple[str, int]:
        """The statement with its parameters from ``$first`` on, and the first free number."""
        ...


class Step(Protocol):
    """One row to be written."""

    @property
    def text(self) -> Text:
        """What is said; hashable, since the whole statement is kept by it."""
        ...

    def values(self, now: datetime) -> Sequence[Any]:
        """The parameters."""
        ...

    def before(self, stored: TenantTable) -> TenantTable | None:
        """The row as it was before it became ``stored``; ``None`` for a new one."""
        ...

    def refused(self) -> JingweiError:
        """What it means that no row was written."""
        ...


@dataclass(frozen=True, slots=True)
class AddingText:
    """``computed`` are columns with an expression in place of a parameter; ``{name}`` in it stands
    for the parameter of another column."""

    table: type[TenantTable]
    computed: tuple[tuple[str, str], ...] = ()

    def sql(self, first: int) -> tuple[str, int]:
        """See :class:`Text`."""
        shape, computed = shape_of(self.table), dict(self.computed)
        given = [name for name in shape.names if name not in computed]
        marks = {name: f"${number}" for number, name in enumerate(given, first)}
        values = (marks.get(name) or computed[name].format(**marks) for name in shape.names)
        sql = f"INSERT INTO {shape.source} ({shape.listed}) VALUES ({', '.join(values)})"
        return f"{sql} RETURNING {shape.listed}", first + len(given)


@dataclass(frozen=True, slots=True)
class Adding:
    """A new row; ``computed`` gives columns whose value is an expression of the database."""

    row: TenantTable
    computed: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> Text:
        """See :class:`Step`."""
        return AddingText(type(self.row), tuple(self.computed.items()))

    def values(self, now: datetime) -> list[Any]:
        """The columns; raises ``Invalid`` for a value that was masked before."""
        return added(shape_of(type(self.row)), self.row, now, self.computed)

    def before(self, stored: TenantTable) -> None:
        """A new row was not there."""

    def refused(self) -> JingweiError:
        """See :class:`Step`."""
        return Conflict("ROW_EXISTS", record=type(self.row).__name__)


@dataclass(frozen=True, slots=True)
class ChangingText:
    """The change of these columns."""

    table: type[TenantTable]
    columns: Hashable

    def sql(self, first: int) -> tuple[str, int]:
        """See :class:`Text`."""
        shape = shape_of(self.table)
        names = self.columns if isinstance(self.columns, tuple) else ()
        sets = [f'"{name}" = ${number}' for number, name in enumerate(names, first)]
        at = first + len(names)
        sets += [f"updated_at = ${at}", "version = version + 1"]
        where = f"WHERE id = ${at + 1} AND version = ${at + 2}"
        sql = f"UPDATE {shape.source} SET {', '.join(sets)} {where} RETURNING {shape.listed}"
        return sql, at + 3


@dataclass(frozen=True, slots=True)
class Changing:
    """A row that was read, and its new values."""

    row: TenantTable
    changes: Mapping[str, object]

    @property
    def text(self) -> Text:
        """See :class:`Step`."""
        return ChangingText(type(self.row), tuple(self.changes))

    def values(self, now: datetime) -> list[Any]:
        """The new values; raises ``Invalid`` for one that was masked before, ``Conflict``."""
        table = type(self.row)
        shape, masked = shape_of(table), masked_columns(table)
        for name in masked.keys() & self.changes.keys():
            refuse_masked(masked[name], self.changes[name], name)
        new = [shape.written(name, value) for name, value in self.changes.items()]
        return [*new, now, self.row.id, self.row.version]

    def before(self, stored: TenantTable) -> TenantTable:
        """The row as it was read."""
        return self.row

    def refused(self) -> JingweiError:
        """See :class:`Step`."""
        return Conflict("ROW_CHANGED", record=type(self.row).__name__, id=str(self.row.id))


def added(
    shape: TableShape, row: TenantTable, now: datetime, computed: Mapping[str, str]
) -> list[Any]:
    """The parameters of a new row, in the order of its columns."""
    for name, told in masked_columns(shape.table).items():
        refuse_masked(told, getattr(row, name), name)
    held = row.__dict__
    held["created_at"] = held["updated_at"] = now
    return [shape.written(name, held[name]) for name in shape.names if name not in computed]


def as_told(row: TenantTable) -> str:
    """What the audit log is told of a new row, as a JSON object: all but its book-keeping.

    A database function can store the row from that. Only for tables of which nothing is withheld
    from the audit log: no masked column, no secret.
    """
    shape = shape_of(type(row))
    table = shape.table._meta.tablename
    told = {"table": table, "id": row.id, "before": None, "after": shape.whole(row)}
    return encoded(told)


def as_changed(before: TenantTable, after: TenantTable) -> str:
    """What the audit log is told of a changed row, as a JSON object; only for such tables too."""
    shape = shape_of(type(before))
    was, now = shape.whole(before), shape.whole(after)
    names = [name for name in now if was[name] != now[name]]
    told = {
        "table": shape.table._meta.tablename,
        "id": before.id,
        "before": {name: was[name] for name in names},
        "after": {name: now[name] for name in names},
    }
    return encoded(told)


@lru_cache(_TEXTS)
def statement(texts: tuple[Text, ...]) -> str:
    """One statement that takes all the steps and answers their rows side by side."""
    parts, number = [], 1
    for text in texts:
        sql, number = text.sql(number)
        parts.append(sql)
    if len(parts) == 1:
        return parts[0]
    steps = ", ".join(f"step{at} AS ({sql})" for at, sql in enumerate(parts))
    names = ", ".join(
        f'step{at}."{name}"' for at, text in enumerate(texts) for name in shape_of(text.table).names
    )
    return f"WITH {steps} SELECT {names} FROM {', '.join(f'step{at}' for at in range(len(parts)))}"


@lru_cache(_TEXTS)
def many(table: type[TenantTable], count: int) -> str:
    """The statement that adds ``count`` rows of a table."""
    shape = shape_of(table)
    width = len(shape.names)
    rows = ", ".join(
        f"({', '.join(f'${row * width + at + 1}' for at in range(width))})" for row in range(count)
    )
    return f"INSERT INTO {shape.source} ({shape.listed}) VALUES {rows} RETURNING {shape.listed}"
