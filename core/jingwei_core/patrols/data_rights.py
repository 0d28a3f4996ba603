"""Rights of those who are visited (走访对象的个人信息权利), by the need's id.

They have no account and no row of their own: what is kept of them is that they are to be visited,
and what they said. That a visit took place stays, without a word of it.
"""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.patrols.tables import Visit, VisitNeed
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import DataRights

_NEED = (
    "SELECT l.name AS place, n.level, n.rule, n.begins_on, n.next_due_on, n.ended_on,"
    " n.ended_because FROM core.visit_need n JOIN core.place l ON l.id = n.place_id"
    " WHERE n.id = $1"
)
_VISITS = "SELECT day, outcome, topics, note FROM core.visit WHERE need = $1 ORDER BY day, id"
_ERASURES = (
    "UPDATE core.visit SET need = NULL, topics = '{}', note = '', version = version + 1,"
    " updated_at = now() WHERE need = $1",
    "DELETE FROM core.visit_need WHERE id = $1",
)


async def export_visited(ctx: Context, need: UUID) -> Mapping[str, Any]:
    """Why somebody is visited, and what was written down of each visit."""
    found = {}
    for topic, sql in {"visit_needs": _NEED, "visits": _VISITS}.items():
        rows = await ctx.data.fetch(f"SELECT to_jsonb(t)::text AS row FROM ({sql}) t", need)
        found[topic] = [json.loads(row["row"]) for row in rows]
    return found


async def erase_visited(ctx: Context, need: UUID) -> int:
    """Remove the need, and from its visits what was said; how many rows that changed."""
    assert isinstance(ctx, CoreContext)
    changed = 0
    for sql in _ERASURES:
        # Not by ctx.data: what it changes goes into the audit log, before and after.
        tag = await ctx.unit.execute(sql, need)
        changed += int(tag.rpartition(" ")[2])
    return changed


RIGHTS = (DataRights("VisitNeed", export_visited, erase_visited, (VisitNeed, Visit)),)
