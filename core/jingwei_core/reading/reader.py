"""The record reader: every list, page, count and look-up of a record goes through here.

Data scope is part of each statement, and no statement is made without it.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from piccolo.columns import JSON, JSONB

from jingwei_core.commands.data import qualified
from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.keyset import (
    Cursors,
    Sort,
    continue_after,
    full_sort,
    order_by,
    page_size,
    reverse,
)
from jingwei_core.reading.request import (
    EMPTY,
    AnyCondition,
    Condition,
    Connection,
    Edge,
    PathCondition,
    Query,
)
from jingwei_core.reading.sight import Arguments, Present, Sight, subtree
from jingwei_core.registry import Registry
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.personal import mask_value, masked_columns
from jingwei_sdk.records import AtPlace, One, Record, TenantWide

Parents = tuple[str, Sequence[uuid.UUID]]
_OPERATORS = {"eq": "=", "gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}


class RecordReader:
    """Reads the records of one registry; cursors are signed with ``secret``."""

    def __init__(self, registry: Registry, secret: bytes) -> None:
        self.registry = registry
        self._secret = secret

    async def page(self, ctx: Context, record: Record, query: Query) -> Connection:
        """One page of the rows in sight."""
        found = await self._pages(ctx, record, query, None)
        return found.get(None, EMPTY)

    async def children(
        self, ctx: Context, record: Record, query: Query, parents: Parents
    ) -> dict[uuid.UUID, Connection]:
        """One page for each parent: the rows whose reference column names it. One statement."""
        found = await self._pages(ctx, record, query, parents)
        return {parent: found.get(parent, EMPTY) for parent in parents[1]}

    async def count(
        self, ctx: Context, record: Record, query: Query, parents: Parents | None = None
    ) -> dict[uuid.UUID | None, int]:
        """How many rows are in sight, whatever the page; by parent when parents are given."""
        arguments = Arguments()
        where = await self._where(ctx, record, query, arguments)
        source = f"FROM {qualified(record.table)} t WHERE {where}"
        if parents is None:
            return {None: await ctx.data.fetchval(f"SELECT count(*) {source}", *arguments.values)}
        column = f't."{parents[0]}"'
        mark = arguments.add(list(parents[1]))
        rows = await ctx.data.fetch(
            f"SELECT {column} AS parent, count(*) AS n {source}"
            f" AND {column} = ANY({mark}::uuid[]) GROUP BY 1",
            *arguments.values,
        )
        return {**dict.fromkeys(parents[1], 0), **{row["parent"]: row["n"] for row in rows}}

    async def by_ids(
        self, ctx: Context, record: Record, ids: Sequence[uuid.UUID], key: str = "id"
    ) -> dict[uuid.UUID, Mapping[str, Any]]:
        """The rows in sight whose ``key`` column is one of ``ids``, by that column.

        A row out of sight is missing, exactly as one that does not exist.
        """
        arguments = Arguments()
        seen = Sight(Present(ctx), self.registry, arguments).condition(record, "t")
        mark = arguments.add(list(ids))
        rows = await ctx.data.fetch(
            f"SELECT {self._columns(record)} FROM {qualified(record.table)} t"
            f' WHERE t."{key}" = ANY({mark}::uuid[]) AND {seen}',
            *arguments.values,
        )
        return {row[key]: self._shown(ctx, record, row) for row in rows}

    async def permitted(
        self, ctx: Context, record: Record, ids: Sequence[uuid.UUID], permission: str
    ) -> frozenset[uuid.UUID]:
        """Those of ``ids`` where the actor holds a permission: at the row's place, or at that of
        the row it is seen through; for a record that lies nowhere, anywhere."""
        arguments = Arguments()
        held = Sight(Present(ctx), self.registry, arguments).held(record, "t", permission)
        if held is None:
            return frozenset(ids if ctx.permissions.allows(permission) else ())
        mark = arguments.add(list(ids))
        rows = await ctx.data.fetch(
            f"SELECT t.id FROM {qualified(record.table)} t"
            f" WHERE t.id = ANY({mark}::uuid[]) AND {held}",
            *arguments.values,
        )
        return frozenset(row["id"] for row in rows)

    async def _pages(
        self, ctx: Context, record: Record, query: Query, parents: Parents | None
    ) -> dict[uuid.UUID | None, Connection]:
        size, backwards = page_size(query.page)
        sort = full_sort(record, query.sort)
        cursors = Cursors(self._secret, ctx.tenant.id, record, sort)
        scan = reverse(sort) if backwards else sort
        arguments = Arguments()
        where = await self._where(ctx, record, query, arguments)
        cursor = query.page.before if backwards else query.page.after
        if cursor:
            values = cursors.read(cursor, "before" if backwards else "after")
            marks = tuple(
                None if value is None else arguments.add(value, sql_type(record, column))
                for (column, _), value in zip(scan, values, strict=True)
            )
            where += " AND " + continue_after(record, scan, marks, "t")
        scanned = _Scan(where, scan, size + 1)
        sql = _statement((record, self._columns(record)), scanned, parents, arguments)
        grouped: dict[uuid.UUID | None, list[Mapping[str, Any]]] = defaultdict(list)
        for row in await ctx.data.fetch(sql, *arguments.values):
            grouped[row["__parent"]].append(row)
        return {
            parent: self._connection(
                ctx,
                record,
                cursors,
                _window(rows, size, backwards=backwards, continued=bool(cursor)),
            )
            for parent, rows in grouped.items()
        }

    def _connection(
        self,
        ctx: Context,
        record: Record,
        cursors: Cursors,
        window: tuple[list[Mapping[str, Any]], bool, bool],
    ) -> Connection:
        rows, has_previous, has_next = window
        return Connection(
            tuple(Edge(cursors.write(row), self._shown(ctx, record, row)) for row in rows),
            has_next=has_next,
            has_previous=has_previous,
        )

    async def _where(self, ctx: Context, record: Record, query: Query, arguments: Arguments) -> str:
        parts = [Sight(Present(ctx), self.registry, arguments).condition(record, "t")]
        parts += [_condition(record, condition, arguments) for condition in query.where]
        if query.search:
            if record.search is None:
                raise Invalid("SEARCH_UNKNOWN", field="search", record=record.name)
            needle = arguments.add(query.search.strip().lower())
            met = record.finder.met(needle, "t") if record.finder else None
            parts.append(met or f'strpos(t."{record.search}", {needle}) > 0')
        if query.under is not None:
            parts.append(await self._under(ctx, record, query.under, arguments))
        return " AND ".join(parts)

    async def _under(
        self, ctx: Context, record: Record, place_id: uuid.UUID, arguments: Arguments
    ) -> str:
        """The condition of a subtree; an unknown place and one out of sight both cover nothing."""
        column = next((s.column for s in record.scope if isinstance(s, AtPlace)), None)
        if column is None:
            raise Invalid("UNDER_UNKNOWN", field="under", record=record.name)
        places = self.registry.record("Place")
        found = await self.by_ids(ctx, places, [place_id])
        prefixes = tuple(row["path"] for row in found.values())
        return subtree(f't."{column}"', prefixes, arguments)

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

    def _columns(self, record: Record) -> str:
        return ", ".join(f't."{name}"' for name in self._needed(record))

    def _shown(self, ctx: Context, record: Record, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as the actor may read it.

        Guarded columns without permission are ``None``; masked ones are ``Masked`` for everybody:
        only a command that says why reveals them.
        """
        shown: dict[str, Any] = {}
        masked = masked_columns(record.table)
        for name in self._needed(record):
            guard = record.guarded.get(name)
            if guard is not None and not ctx.permissions.allows(guard, _path_of(record, row)):
                shown[name] = None
                continue
            value = row[name]
            if value is not None and name in masked and (mask := masked[name].mask):
                shown[name] = mask_value(mask, value)
                continue
            is_json = isinstance(record.column(name), (JSON, JSONB))
            shown[name] = json.loads(value) if is_json and isinstance(value, str) else value
        return shown


def _path_of(record: Record, row: Mapping[str, Any]) -> str | None:
    """Where a row lies; ``None`` for a record that lies nowhere."""
    column = next((s.column for s in record.scope if isinstance(s, AtPlace)), None)
    return None if column is None else row[column]


@dataclass(frozen=True, slots=True)
class _Scan:
    where: str
    sort: Sort
    limit: int


def _statement(
    selected: tuple[Record, str], scan: _Scan, parents: Parents | None, arguments: Arguments
) -> str:
    record, columns = selected
    source = qualified(record.table)
    order = order_by(scan.sort, "t")
    if parents is None:
        return (
            f"SELECT NULL::uuid AS __parent, {columns} FROM {source} t"
            f" WHERE {scan.where} ORDER BY {order} LIMIT {scan.limit}"
        )
    mark = arguments.add(list(parents[1]))
    return (
        f"SELECT p.parent AS __parent, t.* FROM unnest({mark}::uuid[]) AS p(parent)"
        f" CROSS JOIN LATERAL (SELECT {columns} FROM {source} t"
        f' WHERE t."{parents[0]}" = p.parent AND {scan.where}'
        f" ORDER BY {order} LIMIT {scan.limit}) t"
        f" ORDER BY p.parent, {order}"
    )


def _window(
    rows: list[Mapping[str, Any]], size: int, *, backwards: bool, continued: bool
) -> tuple[list[Mapping[str, Any]], bool, bool]:
    """The page's rows in the asked order, and whether there are rows before and after it."""
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        return rows[::-1], more, continued
    return rows, continued, more


def _condition(
    record: Record, condition: Condition | AnyCondition | PathCondition, arguments: Arguments
) -> str:
    if isinstance(condition, AnyCondition):
        groups = [
            " AND ".join(_condition(record, part, arguments) for part in group) or "true"
            for group in condition.groups
        ]
        return "(" + " OR ".join(f"({group})" for group in groups) + ")" if groups else "false"
    column = f't."{record.column(condition.column)._meta.db_column_name}"'
    if isinstance(condition, PathCondition):
        return subtree(column, condition.prefixes, arguments)
    if condition.op == "is_null":
        return f"{column} IS {'' if condition.value else 'NOT '}NULL"
    if condition.op == "in":
        return f"{column} = ANY({arguments.add(list(condition.value))})"
    if condition.op == "starts_with":
        text = str(condition.value)
        return f"{column} ^@ {arguments.add(text)}"
    return f"{column} {_OPERATORS[condition.op]} {arguments.add(condition.value)}"
