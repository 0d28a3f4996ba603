"""Garbage collection (清理未提交的上传): uploads that were asked for and never committed."""

import asyncio
import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from jingwei_core.evidence.commands import UPLOAD_WINDOW
from jingwei_core.evidence.commits import kept_keys
from jingwei_core.evidence.keys import Area, area_prefix
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import NotFound

GRACE = timedelta(hours=1)
"""A commit that began in the last minute of its window is not overtaken."""

BATCH = 500
STORE_LIMIT_S = 20
"""The job's own transaction waits meanwhile: less than any limit of an idle one."""

_EXPIRED = """
SELECT id FROM core.evidence WHERE status = 'pending' AND expires_at < $1
ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_REMOVE = "DELETE FROM core.evidence WHERE id = $1"
_PUT_OFF = "UPDATE core.evidence SET expires_at = $2, updated_at = now() WHERE id = $1"


async def collect(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove a batch of the tenant's expired uploads, rows and objects.

    A staged object goes by its own age and needs no row: what a broken commit or a late post left
    behind goes too. An original that a broken commit kept goes with its row and its derived
    pictures; while it is locked the row stays, so that it is known, and is looked at again when the
    lock ends. What is committed is never touched.
    """
    assert isinstance(ctx, CoreContext)
    ended = ctx.clock.now() - GRACE
    store, prefix = ctx.platform.store, area_prefix(ctx.tenant.id, Area.STAGED)
    try:
        async with asyncio.timeout(STORE_LIMIT_S):
            for row in await ctx.unit.fetch(_EXPIRED, ended, BATCH):
                await _end(ctx, row["id"])
            for item in await store.list_prefix(
                prefix, older_than=ended - UPLOAD_WINDOW, limit=BATCH
            ):
                await store.delete(item.key)
    except TimeoutError:
        return  # the next run goes on


async def _end(ctx: CoreContext, evidence_id: uuid.UUID) -> None:
    """Remove an upload that became no evidence, or look at it again when its lock ends."""
    store = ctx.platform.store
    original, *derived = kept_keys(ctx.tenant.id, evidence_id)
    try:
        found = await store.stat(original)
    except NotFound:
        found = None
    if found is not None and found.locked_until and found.locked_until > ctx.clock.now():
        await ctx.unit.execute(_PUT_OFF, evidence_id, found.locked_until)
        return
    if found is not None:
        for key in (*derived, original):
            await store.delete(key)
    await ctx.unit.execute(_REMOVE, evidence_id)
