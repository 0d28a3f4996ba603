"""Rights of those who are visited (走访对象的个人信息权利), by the need's id.

They have no account and no row of their own: what is kept of them is that they are to be visited,
and what they said. That a visit took place stays, without a word of it.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.patrols.tables import Visit, VisitNeed
from jingwei_core.privacy.answering import changed_by, rows_by_topic
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
    return await rows_by_topic(ctx, {"visit_needs": _NEED, "visits": _VISITS}, need)


async def erase_visited(ctx: Context, need: UUID) -> int:
    """Remove the need, and from its visits what was said; how many rows that changed."""
    return await changed_by(ctx, _ERASURES, need)


RIGHTS = (DataRights("VisitNeed", export_visited, erase_visited, (VisitNeed, Visit)),)
