"""More time for a task (子任务延期): whose it is asks, who opens tasks decides."""

from datetime import datetime

import msgspec

from jingwei_core.commands.lock_order import locked_after
from jingwei_core.events.tables import Event
from jingwei_core.tasks.authority import HANDLE, OPEN, covered_one, require
from jingwei_core.tasks.ending import entry_about
from jingwei_core.tasks.inputs import AskTime, ExtendTask, WithReason
from jingwei_core.tasks.moving import NOT_ASKED, move_on, open_event
from jingwei_core.tasks.opening import limit_from
from jingwei_core.tasks.records import EVENT_TASK
from jingwei_core.tasks.states import TaskAction
from jingwei_core.tasks.tables import EventTask
from jingwei_core.tasks.telling import (
    TOLD_ASKED,
    TOLD_EXTENDED,
    TOLD_REFUSED,
    tell_deciding,
    tell_working,
)
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

ASKED, EXTENDED, REFUSED = "task.time_asked", "task.extended", "task.time_refused"


@locked_after(Event, "event")
@command("event.task.ask-time", permission=HANDLE, on=EVENT_TASK)
async def ask_time(ctx: Context, task: EventTask, given: AskTime) -> EventTask:
    """申请延期: ask for more time for a task of one's own before its limit has passed; who opened
    it and who leads are told. The limit that is asked for would run from now.

    Raises ``Conflict``: ``TASK_STATE``, ``TASK_NO_LIMIT``, ``TASK_TIME_LATE``, ``TASK_TIME_WAITS``;
    ``Denied`` ``TASK_NOT_YOURS``; ``Invalid`` ``TASK_EXTENDED_BACKWARDS``.
    """
    await require(ctx, TaskAction.ASK_TIME, task)
    limit = given.limit.read()
    await _later(ctx, task, (await limit_from(ctx, limit, ctx.now())).due_at)
    event = await open_event(ctx, task)
    entry = msgspec.structs.replace(
        entry_about(event, task, ASKED, task.title, given.reason.strip()),
        acted_for=await covered_one(ctx, task),
    )
    asked = {
        "asked_by": ctx.actor.account_id,
        "asked_limit": msgspec.to_builtins(limit),
        "asked_reason": entry.reason,
    }
    waiting = await move_on(ctx, task, entry, **asked)
    await tell_deciding(ctx, event, waiting, TOLD_ASKED)
    return waiting


@locked_after(Event, "event")
@command("event.task.extend", permission=OPEN, on=EVENT_TASK)
async def extend(ctx: Context, task: EventTask, given: ExtendTask) -> EventTask:
    """延期: more time for a task, asked for or not. Raises ``Conflict`` ``TASK_STATE``, ``Denied``
    ``TASK_TIME_OWN``, ``Invalid`` ``TASK_EXTENDED_BACKWARDS``."""
    await require(ctx, TaskAction.EXTEND, task)
    limit = await limit_from(ctx, given.limit.read(), ctx.now())
    await _later(ctx, task, limit.due_at)
    event = await open_event(ctx, task)
    entry = entry_about(event, task, EXTENDED, task.title, given.reason.strip())
    count = task.extended_count + 1
    changes = {"due_at": limit.due_at, "warn_at": limit.warn_at, "extended_count": count}
    await tell_working(ctx, event, task, TOLD_EXTENDED)
    return await move_on(ctx, task, entry, **changes, **NOT_ASKED)


@locked_after(Event, "event")
@command("event.task.refuse-time", permission=OPEN, on=EVENT_TASK)
async def refuse_time(ctx: Context, task: EventTask, given: WithReason) -> EventTask:
    """不予延期: the limit stays, and why is said. Raises ``Conflict`` ``TASK_STATE``,
    ``TASK_TIME_NOT_ASKED``, ``Denied`` ``TASK_TIME_OWN``."""
    await require(ctx, TaskAction.REFUSE_TIME, task)
    event = await open_event(ctx, task)
    entry = entry_about(event, task, REFUSED, task.title, given.reason.strip())
    await tell_working(ctx, event, task, TOLD_REFUSED)
    return await move_on(ctx, task, entry, **NOT_ASKED)


async def _later(ctx: Context, task: EventTask, wanted: datetime) -> None:
    """Raise ``Invalid`` (``TASK_EXTENDED_BACKWARDS``) unless that is later than its limit now."""
    due_at: datetime | None = task.due_at
    if due_at is not None and wanted <= due_at:
        raise Invalid("TASK_EXTENDED_BACKWARDS", field="limit", due_at=due_at.isoformat())


COMMANDS = (ask_time, extend, refuse_time)
