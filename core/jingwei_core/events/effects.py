"""What an action does to others (动作效果): assigning by rule, telling, tasks, reports upward."""

import uuid

from jingwei_core.access.tables import Department
from jingwei_core.events.configuration import Kind
from jingwei_core.events.ports import Message, NewTask, is_there
from jingwei_core.events.tables import Event
from jingwei_core.events.whom import read_whom
from jingwei_core.events.workflow import Action, Handling, WorkflowDefinition
from jingwei_core.events.workflow_effects import (
    AssignEffect,
    AssignTo,
    NotifyEffect,
    ReportUpEffect,
    TaskEffect,
)
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict

Target = tuple[uuid.UUID | None, uuid.UUID | None]
"""A department and a person."""


async def target_of(ctx: Context, event: Event, kind: Kind, action: Action) -> Target | None:
    """Whom the action's own effect assigns the event to; ``None`` when it has none.

    Raises ``Conflict`` (``EVENT_NOBODY_TO_ASSIGN``) when there is nobody.
    """
    effect = next((one for one in action.effects if isinstance(one, AssignEffect)), None)
    if effect is None:
        return None
    if effect.to is AssignTo.CLEAR:
        return None, None
    department: uuid.UUID | None = None
    account: uuid.UUID | None = None
    match effect.to:
        case AssignTo.ROUTE:
            department = await routed(ctx, event) or kind.department
        case AssignTo.KIND:
            department = kind.department
        case AssignTo.FIRST_RECEIVER:
            # Who takes the first action of all becomes the first receiver by it.
            account = event.first_receiver or ctx.actor.account_id
        case AssignTo.REPORTER:
            account = event.reporter
    if department is None and account is None:
        raise Conflict("EVENT_NOBODY_TO_ASSIGN", field="action", action=action.code)
    return department, account


async def routed(ctx: Context, event: Event) -> uuid.UUID | None:
    """The department that the tenant's routes tell; ``None`` when none does."""
    assert isinstance(ctx, CoreContext)
    router = ctx.platform.event_ports.router
    return await router.department(ctx, event) if is_there(router) else None


async def take_effect(
    ctx: Context, event: Event, definition: WorkflowDefinition, action: Action
) -> Event:
    """Do what the action does to others; ``event`` is as the step leaves it, and is answered as
    that leaves it."""
    for effect in action.effects:
        match effect:
            case NotifyEffect():
                await _tell(ctx, event, definition, effect)
            case TaskEffect():
                event = await _open_task(ctx, event, effect)
            case ReportUpEffect():
                await _report_up(ctx, event, effect)
    return event


async def _tell(
    ctx: Context, event: Event, definition: WorkflowDefinition, effect: NotifyEffect
) -> None:
    assert isinstance(ctx, CoreContext)
    ports = ctx.platform.event_ports
    accounts = await ports.recipients.resolve(ctx, read_whom(effect.whom), event)
    if not accounts:
        return
    message = Message(
        code=effect.message,
        params={"number": event.number, "title": event.title},
        about=("Event", event.id),
        place_path=event.place_path,
        urgency="now" if definition.handling is Handling.EMERGENCY else "usual",
    )
    await ports.notifier.tell(ctx, accounts, message)


async def _open_task(ctx: Context, event: Event, effect: TaskEffect) -> Event:
    assert isinstance(ctx, CoreContext)
    department: uuid.UUID | None = None
    if effect.department:
        found = await ctx.data.find(Department, code=effect.department)
        if not found:
            raise Conflict("EVENT_NOBODY_TO_ASSIGN", field="action", action=effect.title_zh)
        department = found[0].id
    task = NewTask(
        title_zh=effect.title_zh,
        title_en=effect.title_en,
        department=department,
        whom=read_whom(effect.whom) if effect.whom else None,
        limit=effect.limit,
    )
    return await ctx.platform.event_ports.tasks.open(ctx, event, task)


async def end_tasks(ctx: Context, event: Event, reason: str) -> Event:
    """Cancel what the event still waits for, since it ends; the event as it stands then."""
    assert isinstance(ctx, CoreContext)
    return await ctx.platform.event_ports.tasks.end(ctx, event, reason)


async def _report_up(ctx: Context, event: Event, effect: ReportUpEffect) -> None:
    assert isinstance(ctx, CoreContext)
    whom = tuple(read_whom(text) for text in effect.whom)
    await ctx.platform.event_ports.upward_reports.send(ctx, event, whom)
