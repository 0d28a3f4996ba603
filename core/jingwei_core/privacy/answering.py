"""Answering for the core's own tables (个人信息权利的答复): statements about a subject, ``$1``."""

import json
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context


async def rows_by_topic(
    ctx: Context, topics: Mapping[str, str], subject: UUID
) -> dict[str, list[dict[str, Any]]]:
    """What each topic's query finds of a subject, as plain values by column."""
    found = {}
    for topic, sql in topics.items():
        rows = await ctx.data.fetch(f"SELECT to_jsonb(t)::text AS row FROM ({sql}) t", subject)
        found[topic] = [json.loads(row["row"]) for row in rows]
    return found


async def changed_by(ctx: Context, statements: Iterable[str], *args: object) -> int:
    """Run each of the statements with ``args``; how many rows they changed together."""
    assert isinstance(ctx, CoreContext)
    changed = 0
    for sql in statements:
        # Not by ctx.data: what it changes goes into the audit log, before and after.
        tag = await ctx.unit.execute(sql, *args)
        changed += int(tag.rpartition(" ")[2])
    return changed
