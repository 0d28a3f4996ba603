"""Moving a task on (子任务流转): what its commands share."""

from collections.abc import Mapping

from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.tasks.tables import EventTask
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

NOT_ASKED: Mapping[str, object] = {"asked_by": None, "asked_limit": None, "asked_reason": ""}
"""The columns of a task for which nobody waits for more time."""


async def open_event(ctx: Context, task: EventTask) -> Event:
    """The task's event, which the bus has locked."""
    event = await ctx.data.get(Event, task.event)
    if event.is_final:
        raise Conflict("TASK_EVENT_ENDED", number=event.number)
    return event


async def move_on(ctx: Context, task: EventTask, entry: Entry, **changes: object) -> EventTask:
    """Change a task that goes on, with its entry."""
    event = await ctx.data.get(Event, task.event)
    await append_entry(ctx, event, entry, NO_EVIDENCE)
    moved = await ctx.data.update(task, **changes)
    await ctx.signals.changed("EventTask", task.id, task.place_path)
    return moved
