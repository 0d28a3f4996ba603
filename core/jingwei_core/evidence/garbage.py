"""Garbage collection (清理未提交的上传): uploads that were asked for and never committed."""

import asyncio
import uuid
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
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
   AND (locked_until IS NULL OR locked_until <= $3)
ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED
"""
_REMOVE = "DELETE FROM core.evidence WHERE id = ANY($1::uuid[])"
# It stays expired: nobody commits it any more, and it counts for nobody's limit.
_PUT_OFF = """
UPDATE core.evidence e SET locked_until = l.until, updated_at = now()
  FROM unnest($1::uuid[], $2::timestamptz[]) AS l (id, until) WHERE e.id = l.id
"""


async def collect(ctx: Context, payload: Mapping[str, Any]) -> None:
    """Remove a batch of the tenant's expired uploads, rows and objects.

    A staged object goes by its own age and needs no row: what a broken commit or a late post left
    behind goes too. An original that a broken commit kept goes with its row and its derived
    pictures; while it is locked the row stays, so that it is known, and is looked at again when the
    lock ends. What is committed is never touched.
    """
    assert isinstance(ctx, CoreContext)
    now = ctx.clock.now()
    ended = now - GRACE
    store, prefix = ctx.platform.store, area_prefix(ctx.tenant.id, Area.STAGED)
    rows = await ctx.unit.fetch(_EXPIRED, ended, BATCH, now)
    removed: list[uuid.UUID] = []
    locked: dict[uuid.UUID, datetime] = {}
    # No statement runs within the time limit: one that is cut short would undo them all.
    with suppress(TimeoutError):  # the next run goes on
        async with asyncio.timeout(STORE_LIMIT_S):
            for row in rows:
                until = await _locked_until(ctx, row["id"])
                if until is None:
                    removed.append(row["id"])
                else:
                    locked[row["id"]] = until
            for item in await store.list_prefix(
                prefix, older_than=ended - UPLOAD_WINDOW, limit=BATCH
            ):
                await store.delete(item.key)
    await ctx.unit.execute(_REMOVE, removed)
    await ctx.unit.execute(_PUT_OFF, list(locked), list(locked.values()))


async def _locked_until(ctx: CoreContext, evidence_id: uuid.UUID) -> datetime | None:
    """Until when the original of an upload that became no evidence is locked; ``None`` once
    nothing is left of it in the store."""
    store = ctx.platform.store
    original, *derived = kept_keys(ctx.tenant.id, evidence_id)
    try:
        found = await store.stat(original)
    except NotFound:
        return None
    if found.locked_until and found.locked_until > ctx.clock.now():
        return found.locked_until
    for key in (*derived, original):
        await store.delete(key)
    return None
