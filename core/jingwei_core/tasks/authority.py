"""Who may do what with a task (任务权限).

One evaluation serves both the commands and the list of available actions, so the two cannot
disagree. The permission at the task's place is asked for besides.
"""

import uuid
from collections.abc import Collection, Mapping
from typing import Any

from jingwei_core.events.authority import Desk
from jingwei_core.events.covering import acts_for
from jingwei_core.events.workflow import Action, By
from jingwei_core.session import CoreContext
from jingwei_core.tasks.states import FROM, TaskAction, TaskState
from jingwei_core.tasks.tables import EventTask
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, JingweiError

OPEN, HANDLE = "event.task.open", "event.task.handle"
"""Opening tasks and deciding what becomes of them; doing what they ask for."""

PERMISSIONS: Mapping[TaskAction, str] = {
    TaskAction.ACCEPT: HANDLE,
    TaskAction.HAND_OVER: HANDLE,
    TaskAction.COMPLETE: HANDLE,
    TaskAction.RETURN: HANDLE,
    TaskAction.REOPEN: OPEN,
    TaskAction.ASK_TIME: HANDLE,
    TaskAction.EXTEND: OPEN,
    TaskAction.REFUSE_TIME: OPEN,
    TaskAction.CANCEL: OPEN,
}
NEEDS = (
    *("place_path", "state", "department", "assignee"),
    *("certificate_kind", "due_at", "asked_by"),
)
"""The columns of a task that decide what may be done with it."""

_ASKS_CERTIFICATE = (TaskAction.ACCEPT, TaskAction.COMPLETE)
_OF_ONE = (*_ASKS_CERTIFICATE, TaskAction.ASK_TIME)
"""What nobody does but the person that a task is for, once there is one."""

_HANDLING = Action("task", "", "", (), "", HANDLE, by=By.ASSIGNED)


def unmet(
    ctx: Context, action: TaskAction, task: Mapping[str, Any], held: Collection[str]
) -> JingweiError | None:
    """Why the actor cannot do it, whatever comes with it; ``None`` when nothing stands in the way.

    ``held`` are the kinds of certificates that the actor holds today. ``TASK_STATE``,
    ``TASK_NOT_YOURS``, ``TASK_CERTIFICATE``, and what :func:`_unmet_of_time` answers.
    """
    state = TaskState(task["state"])
    if state not in FROM[action]:
        return Conflict("TASK_STATE", action=action.value, state=state.value)
    if PERMISSIONS[action] == HANDLE and not _is_on_desk(ctx, action, task):
        return Denied("TASK_NOT_YOURS", action=action.value)
    kind = task["certificate_kind"]
    if kind and action in _ASKS_CERTIFICATE and kind not in held:
        return Denied("TASK_CERTIFICATE", action=action.value, kind=kind)
    return _unmet_of_time(ctx, action, task)


def _unmet_of_time(
    ctx: Context, action: TaskAction, task: Mapping[str, Any]
) -> JingweiError | None:
    """What stands in the way of asking for more time and of deciding on it: ``TASK_NO_LIMIT``,
    ``TASK_TIME_LATE`` (the limit has passed), ``TASK_TIME_WAITS``, ``TASK_TIME_NOT_ASKED``,
    ``TASK_TIME_OWN`` (nobody grants what they asked for)."""
    asked_by = task["asked_by"]
    if action is TaskAction.ASK_TIME:
        if asked_by is not None:
            return Conflict("TASK_TIME_WAITS", action=action.value)
        if task["due_at"] is None:
            return Conflict("TASK_NO_LIMIT", action=action.value)
        return Conflict("TASK_TIME_LATE") if task["due_at"] < ctx.now() else None
    if action is TaskAction.REFUSE_TIME and asked_by is None:
        return Conflict("TASK_TIME_NOT_ASKED", action=action.value)
    is_decided = action in (TaskAction.EXTEND, TaskAction.REFUSE_TIME) and asked_by is not None
    return Denied("TASK_TIME_OWN") if is_decided and asked_by in ctx.actor.desks else None


def _is_on_desk(ctx: Context, action: TaskAction, task: Mapping[str, Any]) -> bool:
    """Whether the task is the actor's to handle: as the person it is for, or for one on leave whom
    the actor covers, or as a member of its department. What somebody has accepted, nobody else
    completes; but any member of the department may return it or hand it over."""
    if task["assignee"] is not None and task["assignee"] in ctx.actor.desks:
        return True
    is_persons = task["assignee"] is not None and action in _OF_ONE
    return not is_persons and task["department"] in ctx.actor.department_ids


async def held_certificates(ctx: Context) -> Collection[str]:
    """The kinds of certificates that the actor in person holds on the tenant's day."""
    assert isinstance(ctx, CoreContext)
    account = ctx.actor.account_id
    if account is None:
        return ()
    return await ctx.platform.event_ports.certificates.held(ctx, account, ctx.today())


async def require(ctx: Context, action: TaskAction, task: EventTask) -> None:
    """Raise what :func:`unmet` answers, if anything."""
    values = {name: getattr(task, name) for name in NEEDS}
    held = await held_certificates(ctx) if task.certificate_kind else ()
    refusal = unmet(ctx, action, values, held)
    if refusal is not None:
        raise refusal


async def covered_one(ctx: Context, task: EventTask) -> uuid.UUID | None:
    """The account on leave for which the actor handles the task, if the actor stands in for one."""
    return await acts_for(ctx, _HANDLING, Desk(task.place_path, task.department, task.assignee))
