"""Taking a step (办理): authority, plan, veto, event, timeline, news, all in one transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import msgspec

from jingwei_core.access.tables import Department
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.steps import Changing
from jingwei_core.events.authority import Desk, require_taking
from jingwei_core.events.configuration import Configuration, Kind
from jingwei_core.events.covering import acts_for
from jingwei_core.events.planning import Standing, StepInput, StepPlan, plan_step
from jingwei_core.events.registration import transition
from jingwei_core.events.step_evidence import AttachedEvidence, Claimed, attach, claim_evidence
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, entry_of, next_entry
from jingwei_core.events.workflow import Assigns, WorkflowDefinition
from jingwei_core.plugins.hooks import announce, decided_department, veto_or_continue
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid
from jingwei_sdk.payloads import EventToAssign, EventTransition

_MEMBER = """
SELECT true FROM core.account a WHERE a.id = $1 AND a.status = 'active'
   AND ($2::uuid IS NULL OR EXISTS (
       SELECT 1 FROM core.post p
        WHERE p.tenant_id = a.tenant_id AND p.account = a.id AND p.department = $2
          AND p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)))
"""


@dataclass(frozen=True, slots=True)
class Step:
    """A step that an actor asks for."""

    action: str
    note: str = ""
    reason: str = ""
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None
    evidence: tuple[AttachedEvidence, ...] = ()


async def load_definition(ctx: Context, event: Event) -> WorkflowDefinition:
    """The version of the workflow that the event began with."""
    return (await _configuration(ctx)).workflow(event.workflow).read


async def _configuration(ctx: Context) -> Configuration:
    assert isinstance(ctx, CoreContext)
    return await ctx.configuration.get()


async def take_step(ctx: Context, event: Event, step: Step) -> Event:
    """Move a locked event by one action; the event as it stands afterwards.

    Raises those of :func:`plan_step`, ``require_taking`` and ``claim_evidence``, and ``Invalid``
    ``EVENT_DEPARTMENT_UNKNOWN``, ``EVENT_ASSIGNEE_NOT_MEMBER``, ``Conflict`` with a plugin's veto.
    """
    definition = await load_definition(ctx, event)
    action = definition.action(step.action)
    ctx.require(action.permission, event.place_path)
    definition.allowed(event.state, step.action)
    desk = Desk(event.place_path, event.assigned_department, event.assigned_account)
    require_taking(ctx, action, desk)
    kind = (await _configuration(ctx)).kind(event.kind)
    claimed = await claim_evidence(ctx, step.evidence)
    department = step.department
    if department is None and action.assigns is Assigns.DEPARTMENT:
        department = await decided_department(ctx, _to_assign(event, kind, action.code))
    brought = StepInput(step.note, step.reason, department, step.assignee, claimed.photos)
    standing = Standing(event.state, desk.department, desk.account, kind.department)
    plan = plan_step(definition, standing, step.action, brought)
    await _check_assignment(ctx, plan, step)
    due_at: datetime | None = event.state_due_at
    was_late = plan.restarts_clock and due_at is not None and ctx.now() > due_at
    change = _change(event, kind, plan)
    await veto_or_continue(ctx, change)
    names_unit = action.assigns in (Assigns.DEPARTMENT, Assigns.ASSIGNEE)
    entry = Entry(
        action=action.code,
        from_state=plan.from_state,
        note=step.note,
        reason=step.reason,
        department=plan.department if names_unit else None,
        assignee=plan.account if names_unit else None,
        was_late=was_late,
        acted_for=await acts_for(ctx, action, desk),
    )
    event = await _move(ctx, event, await _changes(ctx, event, kind, plan), entry, claimed)
    await announce(ctx, change)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return event


async def find_department(
    ctx: Context, department_id: uuid.UUID | None, code: str | None
) -> uuid.UUID | None:
    """The department that an id or a code names; ``None`` when neither is given.

    Raises ``Invalid``: ``EVENT_DEPARTMENT_UNKNOWN``, ``EVENT_DEPARTMENT_AMBIGUOUS`` when both are
    given and differ.
    """
    if code is None:
        return department_id
    found = await ctx.data.find(Department, code=code)
    if not found:
        raise Invalid("EVENT_DEPARTMENT_UNKNOWN", field="departmentCode", department=code)
    if department_id is not None and department_id != found[0].id:
        raise Invalid("EVENT_DEPARTMENT_AMBIGUOUS", field="departmentCode", department=code)
    return found[0].id


async def _check_assignment(ctx: Context, plan: StepPlan, step: Step) -> None:
    """The department exists; the person is an active member of it now."""
    if step.department is not None and not await ctx.data.find(Department, id=step.department):
        raise Invalid("EVENT_DEPARTMENT_UNKNOWN", field="department")
    if step.assignee is None:
        return
    now = ctx.clock.now()
    if not await ctx.data.fetchval(_MEMBER, step.assignee, plan.department, now):
        raise Invalid("EVENT_ASSIGNEE_NOT_MEMBER", field="assignee")


async def _changes(ctx: Context, event: Event, kind: Kind, plan: StepPlan) -> Mapping[str, object]:
    """What the step makes of the event's columns."""
    now = ctx.now()
    closed_at: datetime | None = event.closed_at
    changes: dict[str, object] = {
        "state": plan.to_state,
        "is_final": plan.is_final,
        "assigned_department": plan.department,
        "assigned_account": plan.account,
        "closed_at": (closed_at or now) if plan.is_final else None,
    }
    if plan.restarts_clock:
        configuration = await _configuration(ctx)
        deadlines = configuration.deadlines(kind.deadline_profile, ctx.tenant.timezone)
        limit = None if plan.is_final else deadlines.entering(plan.to_state, now)
        changes["state_since"] = now
        changes["state_due_at"] = limit.due_at if limit else None
        changes["warn_at"] = limit.warn_at if limit else None
    return changes


async def _move(
    ctx: Context,
    event: Event,
    changes: Mapping[str, object],
    entry: Entry,
    claimed: Claimed,
) -> Event:
    """Change the event and append the entry about it, which tells how the step leaves it."""
    assert isinstance(ctx.data, UnitData)
    told = entry_of(ctx, event, entry)
    told.to_state = cast(str, changes["state"])
    told.due_at = cast(datetime | None, changes.get("state_due_at", event.state_due_at))
    moved, step = await ctx.data.together(Changing(event, changes), next_entry(told))
    await attach(ctx, step, claimed)
    found: Event = moved
    return found


def _change(event: Event, kind: Kind, plan: StepPlan) -> EventTransition:
    standing = transition(event, kind.code, plan.action.code, plan.from_state)
    return msgspec.structs.replace(standing, to_state=plan.to_state, is_final=plan.is_final)


def _to_assign(event: Event, kind: Kind, action: str) -> EventToAssign:
    return EventToAssign(
        event_id=event.id,
        number=event.number,
        kind=kind.code,
        action=action,
        place_id=event.place_id,
        subject_type=event.subject_type,
        subject_id=event.subject_id,
    )
