"""The record reader: rows and counts for Python, inside the sight of a context's actor.

Data scope is part of each statement, and no statement is made without it. What goes out to clients
as JSON is compiled instead (:mod:`~.compiler`).
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from piccolo.columns import JSON, JSONB

from jingwei_core.commands.data import qualified
from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.sight import Arguments, Present, Sight
from jingwei_core.registry import Registry
from jingwei_sdk.context import Context
from jingwei_sdk.personal import mask_value, masked_columns
from jingwei_sdk.records import One, Record, TenantWide

Parents = tuple[str, Sequence[uuid.UUID]]


class RecordReader:
    """Reads the records of one registry."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    async def count(
        self, ctx: Context, record: Record, parents: Parents, equal: Mapping[str, object]
    ) -> dict[uuid.UUID, int]:
        """How many rows in sight refer to each of the parents by a column; ``equal`` narrows by
        other columns, where a tuple means any of its values."""
        arguments = Arguments()
        where = self.matching(ctx, record, equal, arguments)
        parent = f"t.{sql_name(record, parents[0])}"
        mark = arguments.add(list(parents[1]))
        rows = await ctx.data.fetch(
            f"SELECT {parent} AS parent, count(*) AS n FROM {qualified(record.table)} t"
            f" WHERE {where} AND {parent} = ANY({mark}::uuid[]) GROUP BY 1",
            *arguments.values,
        )
        return {**dict.fromkeys(parents[1], 0), **{row["parent"]: row["n"] for row in rows}}

    def matching(
        self, ctx: Context, record: Record, equal: Mapping[str, object], arguments: Arguments
    ) -> str:
        """The condition of the rows in sight whose columns hold these values; ``None`` is NULL, a
        tuple any of its values."""
        where = [Sight(Present(ctx), self.registry, arguments).condition(record, "t")]
        for name, value in equal.items():
            column = f"t.{sql_name(record, name)}"
            if value is None:
                where.append(f"{column} IS NULL")
            elif isinstance(value, tuple):
                where.append(f"{column} = ANY({arguments.add(list(value))})")
            else:
                where.append(f"{column} = {arguments.add(value)}")
        return " AND ".join(where)

    async def some(
        self, ctx: Context, record: Record, most: int, equal: Mapping[str, object]
    ) -> list[Mapping[str, Any]]:
        """The oldest rows in sight that match, at most so many."""
        arguments = Arguments()
        where = self.matching(ctx, record, equal, arguments)
        columns = ", ".join(
            [
                *(f't."{name}"' for name in self._needed(record)),
                *self._guards(ctx, record, arguments),
            ]
        )
        rows = await ctx.data.fetch(
            f"SELECT {columns} FROM {qualified(record.table)} t WHERE {where}"
            f" ORDER BY t.id LIMIT {arguments.add(most)}",
            *arguments.values,
        )
        return [self._shown(record, row) for row in rows]

    async def by_ids(
        self, ctx: Context, record: Record, ids: Sequence[uuid.UUID], key: str = "id"
    ) -> dict[uuid.UUID, Mapping[str, Any]]:
        """The rows in sight whose ``key`` column is one of ``ids``, by that column.

        A row out of sight is missing, exactly as one that does not exist.
        """
        arguments = Arguments()
        seen = Sight(Present(ctx), self.registry, arguments).condition(record, "t")
        mark = arguments.add(list(ids))
        needed = [f't."{name}"' for name in self._needed(record)]
        columns = ", ".join([*needed, *self._guards(ctx, record, arguments)])
        rows = await ctx.data.fetch(
            f"SELECT {columns} FROM {qualified(record.table)} t"
            f' WHERE t."{key}" = ANY({mark}::uuid[]) AND {seen}',
            *arguments.values,
        )
        return {row[key]: self._shown(record, row) for row in rows}

    def _needed(self, record: Record) -> tuple[str, ...]:
        """The readable columns, and hidden ones that sort, sight or a computed field works with.

        What a client may see of a row is decided by the record; this is what the server needs.
        """
        found = dict.fromkeys(record.columns)
        found.update(dict.fromkeys(record.sort))
        found.update(dict.fromkeys(s.column for s in record.scope if not isinstance(s, TenantWide)))
        for computed in self.registry.computed(record).values():
            found.update(dict.fromkeys(computed.needs))
        for relation in self.registry.relations(record).values():
            if isinstance(relation, One):
                found[relation.column] = None
        return tuple(found)

    def _guards(self, ctx: Context, record: Record, arguments: Arguments) -> list[str]:
        """For each guarded column, under a name no column has, whether its guard is held."""
        sight = Sight(Present(ctx), self.registry, arguments, row_by_row=True)
        return [
            f'{self._held(ctx, sight, record, guard)} AS "{_guard_of(name)}"'
            for name, guard in record.guarded.items()
        ]

    @staticmethod
    def _held(ctx: Context, sight: Sight, record: Record, guard: str) -> str:
        if not ctx.permissions.allows(guard):
            return "false"
        return sight.held(record, "t", guard) or "true"

    def _shown(self, record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as the actor may read it.

        Guarded columns without permission are ``None``; masked ones are ``Masked`` for everybody:
        only a command that says why reveals them.
        """
        shown: dict[str, Any] = {}
        masked = masked_columns(record.table)
        for name in self._needed(record):
            if name in record.guarded and not row[_guard_of(name)]:
                shown[name] = None
                continue
            value = row[name]
            if value is not None and name in masked and (mask := masked[name].mask):
                shown[name] = mask_value(mask, value)
                continue
            is_json = isinstance(record.column(name), (JSON, JSONB))
            shown[name] = json.loads(value) if is_json and isinstance(value, str) else value
        return shown


def _guard_of(column: str) -> str:
    return f"#{column}"
