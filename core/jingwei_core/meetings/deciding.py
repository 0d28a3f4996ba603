"""Decisions (议定, 交办): an item's event is dispatched in the same transaction with a limit."""

import uuid
from datetime import datetime

import msgspec

from jingwei_core.events.deadlines import Limit, TimeLimit, limit_of
from jingwei_core.events.ports import JointOrder, is_there
from jingwei_core.events.step_evidence import NO_EVIDENCE
from jingwei_core.events.stepping import Step, load_definition, take_step
from jingwei_core.events.suspension import suspended_of
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, append_entry
from jingwei_core.events.work_clock import TimeUnit
from jingwei_core.events.workflow import Assigns
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

LONGEST_TITLE = 200
DECIDED = "meeting.decided"
"""The action of the timeline's entry about a decision; it moves nothing by itself."""


class Order(msgspec.Struct, frozen=True):
    """What was decided about an item, checked as far as it says of itself."""

    item: uuid.UUID
    text: str
    action: str = ""
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None
    limit: Limit | None = None
    joint: "Joint | None" = None


class Joint(msgspec.Struct, frozen=True):
    """A joint operation to open (联合执法): who leads it, which departments go out, and when."""

    lead: uuid.UUID
    departments: tuple[uuid.UUID, ...]
    at: datetime
    limit: TimeLimit
    certificate_kind: str = ""


class Done(msgspec.Struct, frozen=True):
    """What a decision did: whose the item is now, until when, and which operation it opened."""

    department: uuid.UUID | None
    account: uuid.UUID | None
    due_at: datetime | None
    operation: uuid.UUID | None = None


async def limit_for(
    ctx: Context, due_at: datetime | None, work_days: int | None, usual: TimeLimit | None
) -> Limit | None:
    """The limit of a decision by the tenant's work clock: the one given, or the series' own.

    Raises ``Invalid``: ``MEETING_DUE_TWICE``, ``MEETING_DUE_PAST``, ``TIME_WITHOUT_ZONE``,
    ``TIME_AMOUNT``; ``Conflict`` (``CALENDAR_MISSING``).
    """
    assert isinstance(ctx, CoreContext)
    now = ctx.now()
    if due_at is not None:
        if work_days is not None:
            raise Invalid("MEETING_DUE_TWICE", field="workDays")
        if due_at.utcoffset() is None:
            raise Invalid("TIME_WITHOUT_ZONE", field="dueAt", value=due_at.isoformat())
        if due_at <= now:
            raise Invalid("MEETING_DUE_PAST", field="dueAt")
        return Limit(due_at, due_at)
    rule = span_of(work_days, usual)
    if rule is None:
        return None
    clock = (await ctx.configuration.get()).work_clock(ctx.tenant.timezone)
    return limit_of(clock, rule.rule(), now)


def span_of(work_days: int | None, usual: TimeLimit | None) -> TimeLimit | None:
    """How long a decision gives: as many work days, or what the series usually does."""
    return usual if work_days is None else TimeLimit(float(work_days), TimeUnit.WORK_DAY)


async def order_event(ctx: Context, event_id: uuid.UUID, order: Order) -> Done:
    """Take the step that the decision means, set the deadline, tell it on the timeline, and open
    the joint operation if there is to be one.

    Raises what the step raises; ``Conflict``: ``MEETING_EVENT_CLOSED``, ``MEETING_NO_DISPATCH``,
    ``MEETING_JOINT_MISSING``; ``Invalid``: ``MEETING_JOINT_LEAD``.
    """
    event = await ctx.data.lock(Event, event_id)
    if event.is_final:
        raise Conflict("MEETING_EVENT_CLOSED", number=event.number)
    code = await _action(ctx, event, order)
    if code:
        step = Step(
            code,
            note=order.text,
            reason=order.text,
            department=order.department,
            assignee=order.assignee,
        )
        event = await take_step(ctx, event, step)
    event = await _limited(ctx, event, order.limit)
    entry = Entry(DECIDED, event.state, note=order.text)
    await append_entry(ctx, event, entry, NO_EVIDENCE)
    operation = await _open_joint(ctx, event, order)
    due = order.limit.due_at if order.limit else event.state_due_at
    return Done(event.assigned_department, event.assigned_account, due, operation)


async def _action(ctx: Context, event: Event, order: Order) -> str:
    """The action to take: the one that was named, or that by which the event's workflow dispatches
    from where it stands; empty where the decision only sets a new deadline for who has it."""
    if order.action:
        return order.action
    is_assigned = event.assigned_department is not None or event.assigned_account is not None
    if order.department is None and order.assignee is None and is_assigned:
        return ""
    wanted = Assigns.ASSIGNEE if order.department is None and order.assignee else Assigns.DEPARTMENT
    definition = await load_definition(ctx, event)
    for action in definition.actions_from(event.state):
        if action.assigns is wanted and not action.is_return:
            return action.code
    raise Conflict("MEETING_NO_DISPATCH", field="department", number=event.number)


async def _limited(ctx: Context, event: Event, limit: Limit | None) -> Event:
    """The event with the deadline that the meeting set for where it stands now."""
    if limit is None or event.is_final or suspended_of(event.suspended):
        return event
    return await ctx.data.update(event, state_due_at=limit.due_at, warn_at=limit.warn_at)


async def _open_joint(ctx: Context, event: Event, order: Order) -> uuid.UUID | None:
    assert isinstance(ctx, CoreContext)
    joint, lead = order.joint, order.department or event.assigned_department
    if joint is None:
        return None
    port = ctx.platform.event_ports.joint_operations
    if not is_there(port):
        raise Conflict("MEETING_JOINT_MISSING", field="jointDepartments")
    if lead is None:
        raise Invalid("MEETING_JOINT_LEAD", field="department")
    asked = JointOrder(
        title=order.text[:LONGEST_TITLE],
        lead=joint.lead,
        lead_department=lead,
        departments=joint.departments,
        planned_at=joint.at,
        limit=joint.limit,
        decided_by=order.item,
        certificate_kind=joint.certificate_kind,
    )
    operation: uuid.UUID = await port.open(ctx, event, asked)
    return operation
