"""Reading along (随写读取): a read that goes with the statement of a command.

A command that is one statement can bring the read of what it wrote in the same round trip. The read
is kept prepared in the session under a name, and ``core.answer_of`` executes it after the writes,
in the same transaction; a plain subquery would not see them.
"""

from collections import OrderedDict
from typing import Any

import asyncpg
import msgspec

from jingwei_core.database.expressions import Expression
from jingwei_core.database.lanes import LONGEST_CACHED

KEPT = 32
"""Reads that a connection keeps prepared, each with a plan in the server."""

ANSWER = "answer_of"
"""The column of the statement that holds the answer."""


class Along(msgspec.Struct, frozen=True):
    """A statement made by ``one_trip`` that reads few rows, with all its parameters."""

    sql: str
    values: tuple[Any, ...]


class _Kept(msgspec.Struct, frozen=True):
    name: str
    statement: Any
    """What asyncpg keeps the server's statement by: it is closed when this goes."""
    text: str
    """The expression, of the statement's name and its parameters."""


class PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection of the pool, which remembers the reads that its session keeps prepared."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._kept: OrderedDict[str, _Kept | None] = OrderedDict()

    async def along(self, read: Along) -> Expression | None:
        """The expression that answers the read, which is prepared if it is not yet.

        ``None`` when it cannot go along: it is then to be read by itself, which tells why.
        """
        if read.sql not in self._kept:
            kept = await self._prepared(read.sql)
            self._kept[read.sql] = kept
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        self._kept.move_to_end(read.sql)
        kept = self._kept[read.sql]
        if kept is None:
            return None
        return Expression(kept.text, (kept.name, *read.values))

    async def _prepared(self, sql: str) -> _Kept | None:
        if len(sql) > LONGEST_CACHED:
            return None
        try:
            statement = await self.prepare(sql)
        except asyncpg.PostgresError:
            return None
        types = statement.get_parameters()
        if any(each.schema != "pg_catalog" for each in types):
            return None
        said = ", ".join(f"({{{each.name}}})::text" for each in types)
        return _Kept(statement.get_name(), statement, f"core.{ANSWER}({{text}}, ARRAY[{said}])")
