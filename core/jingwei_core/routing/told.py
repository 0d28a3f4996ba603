"""What a report upward tells of its event (报告内容) to whoever it was made to: enough to know the
matter and how it ended, wherever the recipient's own posts are."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jingwei_core.events.computed_fields import work_names
from jingwei_sdk.context import Context

Rows = Sequence[Mapping[str, Any]]

_TOLD = """
SELECT e.id, e.number, e.title, e.closed_at, l.name AS place, l.name_en AS place_en
  FROM core.event e JOIN core.place l ON l.tenant_id = e.tenant_id AND l.id = e.place_id
 WHERE e.id = ANY($1::uuid[])
"""


async def event_numbers(ctx: Context, rows: Rows) -> list[str | None]:
    """The number of each one's event."""
    return await _told(ctx, rows, "number")


async def event_titles(ctx: Context, rows: Rows) -> list[str | None]:
    """What each one's event is called."""
    return await _told(ctx, rows, "title")


async def event_places(ctx: Context, rows: Rows) -> list[str | None]:
    """The name of the place where each one's event lies."""
    return await _told(ctx, rows, "place_en" if ctx.locale == "en" else "place", "place")


async def events_closed_at(ctx: Context, rows: Rows) -> list[datetime | None]:
    """When each one's event came to its end; ``None`` while it is open."""
    return await _told(ctx, rows, "closed_at")


async def account_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of whom each one was made to."""
    return await work_names(ctx, rows, "account")


async def acknowledged_by_names(ctx: Context, rows: Rows) -> list[str | None]:
    """The work name of who has acknowledged each one."""
    return await work_names(ctx, rows, "acknowledged_by")


async def _told(ctx: Context, rows: Rows, *names: str) -> list[Any]:
    """The first of the columns that says anything, for each row."""
    events = sorted({row["event"] for row in rows})
    found = {row["id"]: row for row in await ctx.data.fetch(_TOLD, events)}
    return [
        next((found[row["event"]][name] for name in names if found[row["event"]][name]), None)
        for row in rows
    ]
