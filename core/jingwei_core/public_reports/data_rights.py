"""Rights of those who report without an account (上报人的个人信息权利), by the report's id.

The resident removes name and phone by the tracking code; this is for those who have lost it and
prove otherwise that the report is theirs. What was reported stays: it is the event's.
"""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from jingwei_core.privacy.answering import changed_by, rows_by_topic
from jingwei_core.public_reports.removing import REMOVE_ONE
from jingwei_core.public_reports.tables import PublicReport
from jingwei_sdk.context import Context
from jingwei_sdk.data_rights import DataRights

_REPORT = (
    "SELECT r.name, r.phone, r.answer, r.rating, r.opinion, r.created_at, e.number AS event,"
    " e.title, e.description FROM core.public_report r JOIN core.event e ON e.id = r.event"
    " WHERE r.id = $1"
)


async def export_reporter(ctx: Context, report: UUID) -> Mapping[str, Any]:
    """All that a report says of who made it."""
    return await rows_by_topic(ctx, {"public_reports": _REPORT}, report)


async def erase_reporter(ctx: Context, report: UUID) -> int:
    """Remove name and phone; how many rows that changed."""
    return await changed_by(ctx, (REMOVE_ONE,), report, ctx.now())


RIGHTS = (DataRights("PublicReport", export_reporter, erase_reporter, (PublicReport,)),)
