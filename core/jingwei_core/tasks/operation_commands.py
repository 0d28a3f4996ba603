"""Joint enforcement (联合执法命令): one operation, several departments, each with its own task."""

import uuid

from jingwei_core.commands.lock_order import locked_after
from jingwei_core.commands.shapes import shape_of
from jingwei_core.events.records import EVENT
from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.tasks.authority import OPEN
from jingwei_core.tasks.ending import cancel_all
from jingwei_core.tasks.inputs import OperationUnit, PlanOperation, WithReason
from jingwei_core.tasks.opening import Opening, check_certificate_kind, open_tasks
from jingwei_core.tasks.people import named_department, require_lead
from jingwei_core.tasks.records import JOINT_OPERATION
from jingwei_core.tasks.states import OperationState
from jingwei_core.tasks.tables import EventTask, JointOperation
from jingwei_core.tasks.telling import tell_if_done
from jingwei_sdk.commands import command
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid, NotFound

PLANNED = "joint.planned"
"""The action of the timeline's entry about a new joint operation."""


@command("event.joint.plan", permission=OPEN, on=EVENT, returns=JOINT_OPERATION)
async def plan(ctx: Context, event: Event, given: PlanOperation) -> JointOperation:
    """组织联合执法: several departments go out about an event, each with a task and a limit."""
    return await plan_operation(ctx, event, given)


async def plan_operation(
    ctx: Context, event: Event, given: PlanOperation, decided_by: uuid.UUID | None = None
) -> JointOperation:
    """The operation of a locked event, with a task for each department; ``decided_by`` is the
    meeting's item that decided on it.

    Raises what ``open_tasks`` raises, and ``Invalid``: ``TASK_LEAD_UNFIT``,
    ``TASK_DEPARTMENT_TWICE``, ``TASK_DEPARTMENT_UNKNOWN``, ``TASK_DEPARTMENT_REQUIRED``,
    ``TIME_WITHOUT_ZONE``, each on its field.
    """
    if given.planned_at.utcoffset() is None:
        raise Invalid("TIME_WITHOUT_ZONE", field="plannedAt", value=given.planned_at.isoformat())
    lead_department = await named_department(
        ctx, given.lead_department, given.lead_department_code, "leadDepartment"
    )
    if given.lead is not None:
        await require_lead(ctx, given.lead, lead_department, event.place_path)
    if given.certificate_kind:
        await check_certificate_kind(ctx, given.certificate_kind)
    departments = await _departments(ctx, given.units)
    row = _planned(event, given, lead_department)
    row.opened_by, row.decided_by = ctx.actor.account_id, decided_by
    operation = await ctx.data.insert(row)
    entry = Entry(
        PLANNED,
        event.state,
        note=operation.title,
        department=lead_department,
        assignee=given.lead,
    )
    await append_entry(ctx, event, entry, NO_EVIDENCE)
    units = zip(given.units, departments, strict=True)
    await open_tasks(ctx, event, [_opening(operation, *unit) for unit in units])
    await ctx.signals.changed("JointOperation", operation.id, operation.place_path)
    return operation


def _planned(event: Event, given: PlanOperation, lead_department: uuid.UUID) -> JointOperation:
    row: JointOperation = shape_of(JointOperation).new(
        place_id=event.place_id,
        place_path=event.place_path,
        event=event.id,
        title=given.title.strip(),
        lead=given.lead,
        lead_department=lead_department,
        planned_at=given.planned_at,
        certificate_kind=given.certificate_kind,
        state=OperationState.PLANNED.value,
    )
    return row


def _opening(operation: JointOperation, unit: OperationUnit, department: uuid.UUID) -> Opening:
    """The task of one of the departments."""
    return Opening(
        title=unit.title.strip() or operation.title,
        department=department,
        limit=unit.limit.read(),
        certificate_kind=operation.certificate_kind,
        asks_evidence=unit.asks_evidence,
        operation=operation.id,
    )


@locked_after(Event, "event")
@command("event.joint.cancel", permission=OPEN, on=JOINT_OPERATION)
async def cancel(ctx: Context, operation: JointOperation, given: WithReason) -> JointOperation:
    """取消联合执法: what its departments have not done yet they need not do. What was done stays,
    and then the operation counts as done."""
    if operation.state != OperationState.PLANNED.value:
        raise Conflict("TASK_OPERATION_ENDED", title=operation.title)
    event = await ctx.data.get(Event, operation.event)
    await tell_if_done(ctx, await cancel_all(ctx, event, given.reason.strip(), operation.id))
    return await ctx.data.get(JointOperation, operation.id)


async def joined(
    ctx: Context, event: Event, operation_id: uuid.UUID | None
) -> JointOperation | None:
    """The operation of a locked event that a new task is to belong to.

    Raises ``Invalid`` (``TASK_OPERATION_UNKNOWN``: absent, or of another event), ``Conflict``
    (``TASK_OPERATION_ENDED``).
    """
    if operation_id is None:
        return None
    try:
        operation = await ctx.data.get(JointOperation, operation_id)
    except NotFound as error:
        raise Invalid("TASK_OPERATION_UNKNOWN", field="operation") from error
    if operation.event != event.id:
        raise Invalid("TASK_OPERATION_UNKNOWN", field="operation")
    if operation.state != OperationState.PLANNED.value:
        raise Conflict("TASK_OPERATION_ENDED", title=operation.title)
    return operation


async def lead_if_open(ctx: Context, task: EventTask, account: uuid.UUID | None) -> None:
    """Let the account lead the task's operation if nobody does and the task is that of the leading
    department; the event is locked."""
    if task.operation is None:
        return
    operation = await ctx.data.get(JointOperation, task.operation)
    if operation.lead is None and operation.lead_department == task.department:
        await ctx.data.update(operation, lead=account)
        await ctx.signals.changed("JointOperation", operation.id, operation.place_path)


async def _departments(ctx: Context, units: tuple[OperationUnit, ...]) -> list[uuid.UUID]:
    found: list[uuid.UUID] = []
    for at, unit in enumerate(units):
        field = f"units.{at}.department"
        one = await named_department(ctx, unit.department, unit.department_code, field)
        if one in found:
            raise Invalid("TASK_DEPARTMENT_TWICE", field=field)
        found.append(one)
    return found


COMMANDS = (plan, cancel)
