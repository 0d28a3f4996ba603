"""Records for plugins (可见记录): :class:`jingwei_sdk.context.Records` of the running platform."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from jingwei_core.reading.reader import RecordReader
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import NotFound


class RecordsInSight:
    """Reads what the actor of a context may see; without state, one for all tenants."""

    async def get(self, ctx: Context, record: str, row_id: uuid.UUID) -> Mapping[str, Any]:
        """A row; raises ``NotFound`` (``ROW_NOT_FOUND``)."""
        found = await self.many(ctx, record, [row_id])
        if row_id not in found:
            raise NotFound("ROW_NOT_FOUND", record=record, id=str(row_id))
        return found[row_id]

    async def many(
        self, ctx: Context, record: str, values: Sequence[uuid.UUID], *, by: str = "id"
    ) -> Mapping[uuid.UUID, Mapping[str, Any]]:
        """The rows whose unique column ``by`` holds one of ``values``, by that value."""
        reader = _reader(ctx)
        return await reader.by_ids(ctx, reader.registry.record(record), values, key=by)

    async def some(
        self, ctx: Context, record: str, *, most: int = 100, **equal: object
    ) -> Sequence[Mapping[str, Any]]:
        """The oldest rows in sight that match, at most ``most``."""
        reader = _reader(ctx)
        return await reader.some(ctx, reader.registry.record(record), most, equal)

    async def count(
        self, ctx: Context, record: str, values: Sequence[uuid.UUID], *, by: str, **equal: object
    ) -> Mapping[uuid.UUID, int]:
        """How many rows refer to each of ``values``; one statement for all of them."""
        reader = _reader(ctx)
        declared = reader.registry.record(record)
        return await reader.count(ctx, declared, (by, values), equal)


def _reader(ctx: Context) -> RecordReader:
    assert isinstance(ctx, CoreContext)
    return RecordReader(ctx.registry)
