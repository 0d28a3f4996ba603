"""Telling people of a task (任务通知): whoever it waits for hears of it."""

import uuid

from jingwei_core.events.ports import Message
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import Who, Whom
from jingwei_core.recipients.resolving import Matter, resolve_whom
from jingwei_core.recipients.telling import tell_others
from jingwei_core.session import CoreContext
from jingwei_core.tasks.tables import EventTask, JointOperation
from jingwei_sdk.context import Context

TOLD_OPENED = "TASK_OPENED"
"""The message about a new task."""

TOLD_RETURNED, TOLD_ASKED = "TASK_RETURNED", "TASK_TIME_ASKED"
TOLD_EXTENDED, TOLD_REFUSED = "TASK_EXTENDED", "TASK_TIME_REFUSED"
TOLD_DONE = "EVENT_TASKS_DONE"

_MEMBERS = """
SELECT DISTINCT p.account FROM core.post p
  JOIN core.account a ON a.tenant_id = p.tenant_id AND a.id = p.account
 WHERE p.department = $1 AND a.status = 'active'
   AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
 ORDER BY p.account
"""


async def tell_deciding(ctx: Context, event: Event, task: EventTask, code: str) -> None:
    """Tell who decides on a task what has become of it: who opened its operation and who leads
    that, or else who opened it before it was handed over; or who stands in for them."""
    if task.operation is not None:
        operation = await ctx.data.get(JointOperation, task.operation)
        await _tell(ctx, event, task, code, {operation.opened_by, operation.lead})
        return
    first = task
    while first.handed_from is not None:
        first = await ctx.data.get(EventTask, first.handed_from)
    await _tell(ctx, event, task, code, {first.opened_by})


async def tell_working(ctx: Context, event: Event, task: EventTask, code: str) -> None:
    """Tell who asked for something about a task how that was decided."""
    await _tell(ctx, event, task, code, {task.asked_by})


async def tell_if_done(ctx: Context, event: Event) -> None:
    """Tell who an event is assigned to, and who led its operations, that it waits for no task any
    more."""
    assert isinstance(ctx, CoreContext)
    if event.open_tasks or event.is_final:
        return
    recipients = ctx.platform.event_ports.recipients
    told = {*await recipients.resolve(ctx, Whom(Who.ASSIGNED), event)}
    for operation in await ctx.data.find(JointOperation, event=event.id):
        told |= await _present(ctx, event, operation.lead)
    params, about = {"number": event.number}, ("Event", event.id)
    message = Message(TOLD_DONE, params, about, event.place_path)
    await tell_others(ctx, told, message)


async def _tell(
    ctx: Context, event: Event, task: EventTask, code: str, wanted: set[uuid.UUID | None]
) -> None:
    told: set[uuid.UUID] = set()
    for account in wanted:
        told |= await _present(ctx, event, account)
    await tell_others(ctx, told, _message(event, task, code))


def _message(event: Event, task: EventTask, code: str) -> Message:
    return Message(code, {"number": event.number}, ("EventTask", task.id), task.place_path)


async def _present(ctx: Context, event: Event, account: uuid.UUID | None) -> set[uuid.UUID]:
    """The account, or its substitute while it is on leave; nobody for ``None``."""
    if account is None:
        return set()
    return {*await resolve_whom(ctx, Whom(Who.ASSIGNED), Matter(event.place_path, account=account))}


async def tell_of_opened(ctx: Context, event: Event, task: EventTask) -> None:
    """Tell the person that the task is for, or the members of its department, substitutes among
    them: a substitute holds the posts of the one who is away."""
    if task.assignee is not None:
        accounts = [task.assignee]
    else:
        rows = await ctx.data.fetch(_MEMBERS, task.department, ctx.clock.now())
        accounts = [row["account"] for row in rows]
    await tell_others(ctx, accounts, _message(event, task, TOLD_OPENED))
