"""Garbage collection (清理未提交的上传): uploads that were asked for and never committed."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jingwei_core.evidence.commands import UPLOAD_WINDOW
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

GRACE = timedelta(hours=1)
"""A commit that began in the last minute of its window is not overtaken."""

BATCH = 500
STORE_LIMIT_S = 20
"""The job's own transaction waits meanwhile: less than any limit of an idle one."""

_REMOVE = """
DELETE FROM core.evidence WHERE id IN (
    SELECT id FROM core.evidence WHERE status = 'pending' AND expires_at < $1
    ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)
"""


async def collect(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove a batch of the tenant's expired uploads, rows and staged objects.

    An object goes by its own age and needs no row: what a broken commit or a late post left behind
    goes too. Originals and derived pictures are never touched.
    """
    assert isinstance(ctx, CoreContext)
    ended = ctx.clock.now() - GRACE
    await ctx.unit.execute(_REMOVE, ended, BATCH)
    store, prefix = ctx.platform.store, area_prefix(ctx.tenant.id, Area.STAGED)
    try:
        async with asyncio.timeout(STORE_LIMIT_S):
            for item in await store.list_prefix(
                prefix, older_than=ended - UPLOAD_WINDOW, limit=BATCH
            ):
                await store.delete(item.key)
    except TimeoutError:
        return  # the next run goes on
