"""How tasks end (任务了结), and what their joint operation and their event make of it.

The event is locked before any of its tasks. So of two departments that end the last two tasks at
one moment the second sees what the first did, and ends the operation.
"""

import uuid

from jingwei_core.events.step_evidence import NO_EVIDENCE, Claimed
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.tasks.moving import NOT_ASKED
from jingwei_core.tasks.opening import count_waiting
from jingwei_core.tasks.states import OperationState, TaskState
from jingwei_core.tasks.tables import EventTask, JointOperation
from jingwei_sdk.context import Context

CANCELLED = "task.cancelled"
"""The action of the timeline's entry about a task that was cancelled."""

JOINT_DONE, JOINT_CANCELLED = "joint.done", "joint.cancelled"
"""The actions of the entries about a joint operation that has ended."""

_LEFT = """
SELECT count(*) FILTER (WHERE NOT is_final) AS waiting,
       count(*) FILTER (WHERE state = 'done') AS done
  FROM core.event_task WHERE operation = $1
"""


def entry_about(
    event: Event, task: EventTask, action: str, note: str = "", reason: str = ""
) -> Entry:
    """An entry of the timeline about a task; it moves nothing."""
    return Entry(
        action,
        event.state,
        note=note,
        reason=reason,
        department=task.department,
        assignee=task.assignee,
    )


async def cancel_one(ctx: Context, event: Event, task: EventTask, reason: str) -> EventTask:
    """Cancel a task of a locked event, which waits for one less."""
    cancelled = await _cancel(ctx, event, task, reason)
    await count_waiting(ctx, event, -1)
    return cancelled


async def cancel_all(
    ctx: Context, event: Event, reason: str, operation: uuid.UUID | None = None
) -> Event:
    """Cancel what a locked event waits for, or of that what belongs to one operation; the event as
    it stands then."""
    waiting: dict[str, object] = {"event": event.id, "is_final": False}
    if operation is not None:
        waiting["operation"] = operation
    tasks = await ctx.data.find(EventTask, **waiting)
    for task in tasks:
        await _cancel(ctx, event, task, reason)
    return await count_waiting(ctx, event, -len(tasks))


async def _cancel(ctx: Context, event: Event, task: EventTask, reason: str) -> EventTask:
    entry = entry_about(event, task, CANCELLED, note=task.title, reason=reason)
    return await end_task(ctx, event, task, (entry, NO_EVIDENCE), state=TaskState.CANCELLED.value)


async def end_task(
    ctx: Context,
    event: Event,
    task: EventTask,
    told: tuple[Entry, Claimed],
    **changes: object,
) -> EventTask:
    """End a task of a locked event for good with an entry and what is attached to it, and its joint
    operation if it was the last one; counting what the event waits for is the caller's."""
    entry, claimed = told
    step = await append_entry(ctx, event, entry, claimed)
    is_done = changes["state"] == TaskState.DONE.value
    changes["done_step"] = step.id if is_done else None
    changes |= {"reason": entry.reason, **NOT_ASKED}
    ended = await ctx.data.update(task, is_final=True, ended_at=ctx.now(), **changes)
    await ctx.signals.changed("EventTask", task.id, task.place_path)
    is_handed = changes["state"] == TaskState.HANDED_OVER.value
    if task.operation is not None and not is_handed:
        await _follow(ctx, event, task.operation)
    return ended


async def _follow(ctx: Context, event: Event, operation_id: uuid.UUID) -> None:
    """End the operation with its last task: done if any of them was done."""
    (left,) = await ctx.data.fetch(_LEFT, operation_id)
    if left["waiting"]:
        return
    operation = await ctx.data.get(JointOperation, operation_id)
    state = OperationState.DONE if left["done"] else OperationState.CANCELLED
    action = JOINT_DONE if left["done"] else JOINT_CANCELLED
    entry = Entry(
        action,
        event.state,
        note=operation.title,
        department=operation.lead_department,
        assignee=operation.lead,
    )
    await append_entry(ctx, event, entry, NO_EVIDENCE)
    await ctx.data.update(operation, state=state.value, ended_at=ctx.now())
    await ctx.signals.changed("JointOperation", operation.id, operation.place_path)
