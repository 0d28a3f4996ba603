"""The port :class:`jingwei_core.events.ports.Tasks` of this room."""

import uuid
from collections.abc import Collection, Sequence

from jingwei_core.events.ports import NewTask
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Who
from jingwei_core.session import CoreContext
from jingwei_core.tasks.ending import cancel_all
from jingwei_core.tasks.opening import Opening, open_tasks
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

_WAITING = """
SELECT DISTINCT t.event FROM core.event_task t
 WHERE t.event = ANY($1::uuid[]) AND NOT t.is_final
"""


class EventTasks:
    """Tasks of events; without state, one for all tenants."""

    async def open(self, ctx: Context, event: Event, task: NewTask) -> Event:
        """Open a task for a department, or one for each person that is meant.

        Raises ``Conflict`` (``EVENT_NOBODY_TO_ASSIGN``) when nobody is meant, and what
        :func:`open_tasks` raises.
        """
        openings = [
            Opening(
                title=task.title_zh,
                title_en=task.title_en,
                department=department,
                assignee=account,
                limit=task.limit,
            )
            for department, account in await _meant(ctx, event, task)
        ]
        if not openings:
            raise Conflict("EVENT_NOBODY_TO_ASSIGN", field="action", action=task.title_zh)
        _, changed = await open_tasks(ctx, event, openings)
        return changed

    async def open_ones(self, ctx: Context, events: Sequence[uuid.UUID]) -> Collection[uuid.UUID]:
        """Those of the events that have a task which is open, accepted or returned."""
        return {row["event"] for row in await ctx.data.fetch(_WAITING, list(events))}

    async def end(self, ctx: Context, event: Event, reason: str) -> Event:
        """Cancel what a locked event waits for, with its joint operations."""
        return await cancel_all(ctx, event, reason)


async def _meant(
    ctx: Context, event: Event, task: NewTask
) -> list[tuple[uuid.UUID | None, uuid.UUID | None]]:
    """Department and person of each task: who is meant as members of a department is the
    department, which itself decides who of them does it."""
    assert isinstance(ctx, CoreContext)
    if task.department is not None:
        return [(task.department, None)]
    whom = task.whom
    assert whom is not None
    if whom.department:
        found = await ctx.data.fetchval(
            "SELECT id FROM core.department WHERE code = $1", whom.department
        )
        return [] if found is None else [(found, None)]
    is_unit = whom.who is Who.ASSIGNED and event.assigned_account is None
    if is_unit or whom.who is Who.DEPARTMENT:
        department = event.assigned_department
        return [] if department is None else [(department, None)]
    accounts = await ctx.platform.event_ports.recipients.resolve(ctx, whom, event)
    return [(None, account) for account in accounts]
