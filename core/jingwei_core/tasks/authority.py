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
    TaskAction.EXTEND: OPEN,
    TaskAction.CANCEL: OPEN,
}
NEEDS = ("place_path", "state", "department", "assignee", "certificate_kind")
"""The columns of a task that decide what may be done with it."""

_ASKS_CERTIFICATE = (TaskAction.ACCEPT, TaskAction.COMPLETE)
_HANDLING = Action("task", "", "", (), "", HANDLE, by=By.ASSIGNED)


def unmet(
    ctx: Context, action: TaskAction, task: Mapping[str, Any], held: Collection[str]
) -> JingweiError | None:
    """Why the actor cannot do it, whatever comes with it; ``None`` when nothing stands in the way.

    ``held`` are the kinds of certificates that the actor holds today. ``TASK_STATE``,
    ``TASK_NOT_YOURS``, ``TASK_CERTIFICATE``.
    """
    state = TaskState(task["state"])
    if state not in FROM[action]:
        return Conflict("TASK_STATE", action=action.value, state=state.value)
    if PERMISSIONS[action] == HANDLE and not _is_on_desk(ctx, action, task):
        return Denied("TASK_NOT_YOURS", action=action.value)
    kind = task["certificate_kind"]
    if kind and action in _ASKS_CERTIFICATE and kind not in held:
        return Denied("TASK_CERTIFICATE", action=action.value, kind=kind)
    return None


def _is_on_desk(ctx: Context, action: TaskAction, task: Mapping[str, Any]) -> bool:
    """Whether the task is the actor's to handle: as the person it is for, or for one on leave whom
    the actor covers, or as a member of its department. What somebody has accepted, nobody else
    completes; but any member of the department may return it or hand it over."""
    if task["assignee"] is not None and task["assignee"] in ctx.actor.desks:
        return True
    is_persons = task["assignee"] is not None and action in _ASKS_CERTIFICATE
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
