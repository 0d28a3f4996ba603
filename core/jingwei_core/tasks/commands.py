"""The commands of tasks (子任务命令): each one transaction, under the lock of the task's event."""

import uuid
from typing import cast

import msgspec

from jingwei_core.commands.lock_order import locked_after
from jingwei_core.events.deadlines import TimeLimit
from jingwei_core.events.planning import require_photo
from jingwei_core.events.records import EVENT
from jingwei_core.events.step_evidence import NO_EVIDENCE, claim_evidence
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.tasks import operation_commands, time_commands
from jingwei_core.tasks.authority import HANDLE, OPEN, covered_one, require
from jingwei_core.tasks.ending import cancel_one, end_task, entry_about
from jingwei_core.tasks.inputs import (
    CompleteTask,
    HandOverTask,
    OpenTask,
    ReopenTask,
    WithReason,
)
from jingwei_core.tasks.moving import NOT_ASKED, move_on, open_event
from jingwei_core.tasks.opening import Opening, count_waiting, limit_from, open_tasks, store_tasks
from jingwei_core.tasks.operation_commands import joined, lead_if_open
from jingwei_core.tasks.people import named_department, require_member
from jingwei_core.tasks.records import EVENT_TASK
from jingwei_core.tasks.states import TaskAction, TaskState
from jingwei_core.tasks.tables import EventTask
from jingwei_core.tasks.telling import TOLD_RETURNED, tell_deciding, tell_if_done
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid

ACCEPTED, DONE, HANDED_OVER = "task.accepted", "task.done", "task.handed_over"
RETURNED, REOPENED = "task.returned", "task.reopened"


@command("event.task.open", permission=OPEN, on=EVENT, returns=EVENT_TASK)
async def open_one(ctx: Context, event: Event, given: OpenTask) -> EventTask:
    """立子任务: ask a department, or one of its members, to do something about an event."""
    department = await named_department(ctx, given.department, given.department_code, "department")
    if given.assignee is not None:
        await require_member(ctx, given.assignee, department, "assignee")
    operation = await joined(ctx, event, given.operation)
    opening = Opening(
        title=given.title.strip(),
        department=department,
        assignee=given.assignee,
        limit=given.limit.read(),
        certificate_kind=given.certificate_kind
        or (operation.certificate_kind if operation is not None else ""),
        asks_evidence=given.asks_evidence,
        operation=given.operation,
    )
    (task,), _ = await open_tasks(ctx, event, (opening,))
    return task


@locked_after(Event, "event")
@command("event.task.accept", permission=HANDLE, on=EVENT_TASK)
async def accept(ctx: Context, task: EventTask) -> EventTask:
    """接收子任务: take a task of one's department upon oneself; a task that asks for a certificate
    is only for whoever holds it.

    Raises ``Conflict`` ``TASK_STATE``, ``Denied`` ``TASK_NOT_YOURS``, ``TASK_CERTIFICATE``.
    """
    await require(ctx, TaskAction.ACCEPT, task)
    covered = await covered_one(ctx, task)
    assignee = task.assignee or covered or ctx.actor.account_id
    taken = {"state": TaskState.ACCEPTED.value, "assignee": assignee, "accepted_at": ctx.now()}
    entry = msgspec.structs.replace(
        entry_about(await open_event(ctx, task), task, ACCEPTED, note=task.title),
        assignee=assignee,
        acted_for=covered,
    )
    await lead_if_open(ctx, task, assignee)
    return await move_on(ctx, task, entry, **taken)


@locked_after(Event, "event")
@command("event.task.hand-over", permission=HANDLE, on=EVENT_TASK)
async def hand_over(ctx: Context, task: EventTask, given: HandOverTask) -> EventTask:
    """移交: the task is a matter of another department, which gets a task of its own with a new
    limit. The event goes on waiting.

    A subdistrict's rulebook, 联合执法 五: "发现违法行为超出本单位的查处职能范围时，
    应立即与相关区直单位取得联系".
    Raises as :func:`accept` does, and ``Invalid``: ``TASK_DEPARTMENT_UNKNOWN``,
    ``TASK_DEPARTMENT_REQUIRED``, ``TASK_DEPARTMENT_SAME``.
    """
    await require(ctx, TaskAction.HAND_OVER, task)
    department = await named_department(ctx, given.department, given.department_code, "department")
    if department == task.department:
        raise Invalid("TASK_DEPARTMENT_SAME", field="department")
    event = await open_event(ctx, task)
    entry = msgspec.structs.replace(
        entry_about(event, task, HANDED_OVER, task.title, given.reason.strip()),
        department=department,
        assignee=None,
        acted_for=await covered_one(ctx, task),
    )
    told, handed = (entry, NO_EVIDENCE), TaskState.HANDED_OVER.value
    ended = await end_task(ctx, event, task, told, state=handed)
    await store_tasks(ctx, event, (_handed(task, department),))
    return ended


def _handed(task: EventTask, department: uuid.UUID) -> Opening:
    """The same task, of the department that it is handed over to."""
    return Opening(
        title=task.title,
        title_en=task.title_en,
        department=department,
        limit=limit_of_task(task),
        certificate_kind=task.certificate_kind,
        asks_evidence=task.asks_evidence,
        operation=task.operation,
        handed_from=task.id,
    )


@locked_after(Event, "event")
@command("event.task.complete", permission=HANDLE, on=EVENT_TASK)
async def complete(ctx: Context, task: EventTask, given: CompleteTask) -> EventTask:
    """完成子任务: what was done, with pictures of it where the task asks for them.

    Raises as :func:`accept` does, and ``Invalid`` ``EVENT_PHOTO_REQUIRED`` and what
    ``claim_evidence`` raises.
    """
    await require(ctx, TaskAction.COMPLETE, task)
    event = await open_event(ctx, task)
    claimed = await claim_evidence(ctx, given.evidence)
    if task.asks_evidence:
        require_photo(PhotoPhase.AFTER, claimed.photos)
    result = given.result.strip()
    entry = msgspec.structs.replace(
        entry_about(event, task, DONE, note=result), acted_for=await covered_one(ctx, task)
    )
    done = {"state": TaskState.DONE.value, "result": result}
    ended = await end_task(ctx, event, task, (entry, claimed), **done)
    await tell_if_done(ctx, await count_waiting(ctx, event, -1))
    return ended


@locked_after(Event, "event")
@command("event.task.return", permission=HANDLE, on=EVENT_TASK)
async def give_back(ctx: Context, task: EventTask, given: WithReason) -> EventTask:
    """退回子任务: the task cannot be done so; whoever opens tasks decides what becomes of it, and
    the event goes on waiting."""
    await require(ctx, TaskAction.RETURN, task)
    event = await open_event(ctx, task)
    entry = msgspec.structs.replace(
        entry_about(event, task, RETURNED, task.title, given.reason.strip()),
        acted_for=await covered_one(ctx, task),
    )
    changes = {
        "state": TaskState.RETURNED.value,
        "assignee": task.assignee if task.department is None else None,
        "accepted_at": None,
        "reason": entry.reason,
        "returns": task.returns + 1,
        **NOT_ASKED,
    }
    returned = await move_on(ctx, task, entry, **changes)
    await tell_deciding(ctx, event, returned, TOLD_RETURNED)
    return returned


@locked_after(Event, "event")
@command("event.task.reopen", permission=OPEN, on=EVENT_TASK)
async def reopen(ctx: Context, task: EventTask, given: ReopenTask) -> EventTask:
    """重新交办: a returned task is to be done all the same, with a new limit."""
    await require(ctx, TaskAction.REOPEN, task)
    entry = entry_about(
        await open_event(ctx, task), task, REOPENED, task.title, given.reason.strip()
    )
    limit = given.limit.read() if given.limit is not None else limit_of_task(task)
    changes = {"state": TaskState.OPEN.value, **await _limited(ctx, limit)}
    return await move_on(ctx, task, entry, **changes)


@locked_after(Event, "event")
@command("event.task.cancel", permission=OPEN, on=EVENT_TASK)
async def cancel(ctx: Context, task: EventTask, given: WithReason) -> EventTask:
    """取消子任务: nobody has to do it any more, and the event waits for one less."""
    await require(ctx, TaskAction.CANCEL, task)
    cancelled = await cancel_one(ctx, await open_event(ctx, task), task, given.reason.strip())
    await tell_if_done(ctx, await ctx.data.get(Event, task.event))
    return cancelled


def limit_of_task(task: EventTask) -> TimeLimit | None:
    """The limit that the task was opened with."""
    stored = cast(object, task.time_limit)
    return None if stored is None else msgspec.convert(stored, TimeLimit)


async def _limited(ctx: Context, limit: TimeLimit | None) -> dict[str, object]:
    """The columns of a limit that begins now."""
    now = ctx.now()
    if limit is None:
        return {"begun_at": now, "due_at": None, "warn_at": None}
    found = await limit_from(ctx, limit, now)
    told = msgspec.to_builtins(limit)
    times = {"begun_at": now, "due_at": found.due_at, "warn_at": found.warn_at}
    return {**times, "time_limit": told}


COMMANDS = (
    *(open_one, accept, hand_over, complete),
    *(give_back, reopen, cancel),
    *time_commands.COMMANDS,
    *operation_commands.COMMANDS,
)
