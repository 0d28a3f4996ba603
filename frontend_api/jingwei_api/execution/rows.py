"""Rows of one operation (行): every look-up of the same kind in one statement."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from strawberry.dataloader import DataLoader

from jingwei_api.schema.connections import ConnectionSource, query_of
from jingwei_api.schema.node import Row
from jingwei_core.reading.reader import RecordReader
from jingwei_core.reading.request import AnyCondition, Condition, Connection, PathCondition, Query
from jingwei_sdk.context import Context
from jingwei_sdk.records import Computed, Record

Extra = tuple[Condition | AnyCondition | PathCondition, ...]
Named = tuple[str, uuid.UUID]


class Rows:
    """Batched reading inside one open context; made anew with each context."""

    def __init__(self, ctx: Context, reader: RecordReader) -> None:
        self._ctx = ctx
        self._reader = reader
        self._loaders: dict[tuple[object, ...], DataLoader[Any, Any]] = {}
        self._asked: dict[tuple[object, ...], dict[uuid.UUID, Mapping[str, Any]]] = {}

    async def by_key(self, record_name: str, key: str, value: uuid.UUID) -> Row | None:
        """The row in sight whose ``key`` column is ``value``."""
        record = self._reader.registry.record(record_name)

        async def load(values: Sequence[uuid.UUID]) -> list[Row | None]:
            found = await self._reader.by_ids(self._ctx, record, values, key)
            return [Row(record, found[v]) if v in found else None for v in values]

        row: Row | None = await self._loader(("key", record_name, key), load).load(value)
        return row

    async def many(self, named: Sequence[Named | None]) -> list[Row | None]:
        """The rows of type names and ids, in order; ``None`` for what is not in sight."""

        async def nothing() -> None:
            return None

        return await asyncio.gather(
            *(self.by_key(n[0], "id", n[1]) if n is not None else nothing() for n in named)
        )

    def connection(
        self, record_name: str, given: Mapping[str, Any], extra: Extra = ()
    ) -> ConnectionSource:
        """A connection over all rows in sight that also meet ``extra``."""
        record, query = self._query(record_name, given, extra)

        async def page(_: Sequence[None]) -> list[Connection]:
            return [await self._reader.page(self._ctx, record, query)]

        async def count(_: Sequence[None]) -> list[int]:
            return [(await self._reader.count(self._ctx, record, query))[None]]

        key = (record_name, repr(query))
        return ConnectionSource(
            record,
            lambda: self._loader(("page", *key), page).load(None),
            lambda: self._loader(("count", *key), count).load(None),
        )

    def children(
        self, record_name: str, column: str, parent: uuid.UUID, given: Mapping[str, Any]
    ) -> ConnectionSource:
        """A connection over the rows whose ``column`` names ``parent``; one statement for all
        parents with the same arguments."""
        record, query = self._query(record_name, given, ())

        async def pages(parents: Sequence[uuid.UUID]) -> list[Connection]:
            found = await self._reader.children(self._ctx, record, query, (column, parents))
            return [found[one] for one in parents]

        async def counts(parents: Sequence[uuid.UUID]) -> list[int]:
            found = await self._reader.count(self._ctx, record, query, (column, parents))
            return [found[one] for one in parents]

        key = (record_name, column, repr(query))
        return ConnectionSource(
            record,
            lambda: self._loader(("children", *key), pages).load(parent),
            lambda: self._loader(("counts", *key), counts).load(parent),
        )

    async def computed(self, record: Record, name: str, computed: Computed, row: Row) -> Any:
        """A computed field of a row; one call of its function for all rows that ask."""
        permission = computed.permission
        if permission is not None and not self._ctx.permissions.allows(permission):
            return None
        key = ("computed", record.name, name)
        rows = self._asked.setdefault(key, {})
        rows[row.id] = row.values

        async def load(ids: Sequence[uuid.UUID]) -> list[object]:
            allowed = frozenset(ids)
            if permission is not None:
                allowed = await self._reader.permitted(self._ctx, record, ids, permission)
            asked = [one for one in ids if one in allowed]
            values = await computed.resolve(self._ctx, [rows[one] for one in asked])
            told = dict(zip(asked, values, strict=True))
            return [told.get(one) for one in ids]

        return await self._loader(key, load).load(row.id)

    def _query(
        self, record_name: str, given: Mapping[str, Any], extra: Extra
    ) -> tuple[Record, Query]:
        registry = self._reader.registry
        record = registry.record(record_name)
        query = query_of(registry, record, given, self._ctx.permissions)
        if extra:
            query = Query((*query.where, *extra), query.search, query.under, query.sort, query.page)
        return record, query

    def _loader(
        self, key: tuple[object, ...], load: Callable[[Any], Awaitable[Any]]
    ) -> DataLoader[Any, Any]:
        found = self._loaders.get(key)
        if found is None:
            found = self._loaders[key] = DataLoader(load_fn=load)
        return found
