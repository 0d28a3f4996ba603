"""Taking a step (办理): authority, plan, veto, event, timeline, news, all in one transaction."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from jingwei_core.access.tables import Department
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.steps import Changing
from jingwei_core.commands.unlocked import is_unlocked, needs_lock
from jingwei_core.events.authority import Desk, require_taking
from jingwei_core.events.configuration import Configuration, Kind, StoredWorkflow
from jingwei_core.events.covering import acts_for
from jingwei_core.events.effects import end_tasks, routed, take_effect, target_of
from jingwei_core.events.guarding import CASE_COLUMNS, Case, require_brought, require_guards
from jingwei_core.events.planning import Standing, StepInput, StepPlan, plan_step
from jingwei_core.events.step_changes import step_columns
from jingwei_core.events.step_deferring import defer_move
from jingwei_core.events.step_evidence import (
    NO_EVIDENCE,
    AttachedEvidence,
    Claimed,
    attach,
    claim_evidence,
)
from jingwei_core.events.suspension import suspended_of
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, entry_of, next_entry
from jingwei_core.events.transitions import planned, to_assign
from jingwei_core.events.workflow import MERGE, PREVIOUS, Action, Assigns, WorkflowDefinition
from jingwei_core.events.workflow_effects import AssignEffect
from jingwei_core.notifications.assigned import tell_if_given
from jingwei_core.plugins.hooks import (
    announce,
    decided_department,
    is_heard,
    veto_or_continue,
)
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Invalid

_MEMBER = """
SELECT true FROM core.account a WHERE a.id = $1 AND a.status = 'active'
   AND ($2::uuid IS NULL OR EXISTS (
       SELECT 1 FROM core.post p
        WHERE p.tenant_id = a.tenant_id AND p.account = a.id AND p.department = $2
          AND p.valid_from <= $3 AND (p.valid_to IS NULL OR p.valid_to > $3)))
"""
_ENTERED_FROM = """
SELECT s.from_state FROM core.event_step s
 WHERE s.event = $1 AND s.to_state = $2 AND s.from_state = ANY($3::text[])
 ORDER BY s.sequence DESC LIMIT 1
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
    form: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the event's form, put into what it says already."""


@dataclass(frozen=True, slots=True)
class _Taking:
    """A step with what it is decided by."""

    event: Event
    step: Step
    stored: StoredWorkflow
    action: Action
    kind: Kind
    desk: Desk

    @property
    def definition(self) -> WorkflowDefinition:
        return self.stored.read


async def load_definition(ctx: Context, event: Event) -> WorkflowDefinition:
    """The version of the workflow that the event began with."""
    return (await _configuration(ctx)).workflow(event.workflow).read


async def _configuration(ctx: Context) -> Configuration:
    assert isinstance(ctx, CoreContext)
    return await ctx.configuration.get()


async def take_step(ctx: Context, event: Event, step: Step) -> Event:
    """Move a locked event by one action; the event as it stands afterwards.

    Raises those of :func:`plan_step`, ``require_taking``, ``require_guards``, ``require_brought``
    and ``claim_evidence``, and ``Invalid`` ``EVENT_DEPARTMENT_UNKNOWN``,
    ``EVENT_ASSIGNEE_NOT_MEMBER``, ``EVENT_FORM_INVALID``, ``Conflict``
    ``EVENT_NOBODY_TO_ASSIGN`` or with a plugin's veto.
    """
    taking = await _taking(ctx, event, step)
    action, desk = taking.action, taking.desk
    if action.code == MERGE:
        raise Conflict("EVENT_MERGE_BY_COMMAND", field="action", action=MERGE)
    ctx.require(action.permission, event.place_path)
    taking.definition.allowed(event.state, step.action)
    require_taking(ctx, action, desk)
    if action.guards or action.sources:
        await require_guards(ctx, action, case_of(event))
    claimed = await claim_evidence(ctx, step.evidence)
    before = cast(Mapping[str, Any], event.form)
    form = taking.kind.form.check(merged(before, step.form)) if step.form else None
    if action.guards:
        after = before if form is None else form
        await require_brought(ctx, action, event.id, claimed.pictures, after)
    return await _take(ctx, taking, claimed, form)


async def take_by_platform(ctx: Context, event: Event, code: str, reason: str = "") -> Event:
    """Take an action in the actor's name that no permission is asked for: a rule of the tenant
    takes it. The event must be locked or new; raises what planning and plugins raise."""
    taking = await _taking(ctx, event, Step(code, reason=reason))
    return await _take(ctx, taking, NO_EVIDENCE, None)


async def _taking(ctx: Context, event: Event, step: Step) -> _Taking:
    configuration = await _configuration(ctx)
    stored = configuration.workflow(event.workflow)
    action = stored.read.action(step.action)
    desk = Desk(event.place_path, event.assigned_department, event.assigned_account)
    return _Taking(event, step, stored, action, configuration.kind(event.kind), desk)


async def _take(
    ctx: Context, taking: _Taking, claimed: Claimed, form: Mapping[str, object] | None
) -> Event:
    event, step, action, kind = taking.event, taking.step, taking.action, taking.kind
    if is_unlocked(ctx) and is_heard(ctx, kind.code):
        needs_lock()  # before plugins hear of a step that may be taken anew
    plan = await _plan(ctx, taking, claimed)
    if event.open_tasks and taking.definition.finishes(action, event.state):
        # Whatever the workflow says: an event is not finished before its tasks are.
        raise Conflict("EVENT_GUARD_TASKS", field="action", action=action.code)
    await _check_assignment(ctx, plan, step)
    due_at: datetime | None = event.state_due_at
    was_late = plan.restarts_clock and due_at is not None and ctx.now() > due_at
    change = planned(event, kind, plan)
    await veto_or_continue(ctx, change)
    names_unit = _names_unit(action)
    entry = Entry(
        action=action.code,
        from_state=plan.from_state,
        note=step.note,
        reason=step.reason,
        department=plan.department if names_unit else None,
        assignee=plan.account if names_unit else None,
        was_late=was_late,
        acted_for=await acts_for(ctx, action, taking.desk),
    )
    if plan.is_final and event.open_tasks:
        event = await end_tasks(ctx, event, step.reason)
    changes = await _changes(ctx, taking, plan)
    if form is not None:
        changes["form"] = form
    event = await _move(ctx, event, changes, entry, claimed)
    event = await take_effect(ctx, event, taking.definition, action)
    await tell_if_given(ctx, event, action, taking.desk)
    await announce(ctx, change)
    await ctx.signals.changed("Event", event.id, event.place_path)
    return event


def _names_unit(action: Action) -> bool:
    """Whether the timeline tells of the department and the person that the step leaves it with."""
    if action.assigns in (Assigns.DEPARTMENT, Assigns.ASSIGNEE):
        return True
    return any(isinstance(effect, AssignEffect) for effect in action.effects)


async def _plan(ctx: Context, taking: _Taking, claimed: Claimed) -> StepPlan:
    """What the step will do; looks up only what its action asks for."""
    event, step, action, kind = taking.event, taking.step, taking.action, taking.kind
    department = step.department
    if department is None and action.assigns is Assigns.DEPARTMENT:
        department = await decided_department(ctx, to_assign(event, kind, action.code))
        department = department or await routed(ctx, event)
    brought = StepInput(step.note, step.reason, department, step.assignee, claimed.photos)
    standing = Standing(
        state=event.state,
        department=taking.desk.department,
        account=taking.desk.account,
        default_department=kind.department,
        previous=(
            await _previous(ctx, event, taking.definition) if action.to == PREVIOUS else None
        ),
        target=await target_of(ctx, event, kind, action) if action.effects else None,
        demands=tuple(event.demands),
    )
    return plan_step(taking.definition, standing, action.code, brought)


async def _previous(ctx: Context, event: Event, definition: WorkflowDefinition) -> str | None:
    """The state from which the present one was entered last, of those that lead there. An event
    that was moved from another version has no such entry: then the state it was suspended in, or
    the only one that leads there."""
    ways = sorted(definition.leads_into(event.state))
    found: str | None = await ctx.data.fetchval(_ENTERED_FROM, event.id, event.state, ways)
    held = suspended_of(event.suspended)
    if found is None and held is not None and held.state in ways:
        return held.state
    return ways[0] if found is None and len(ways) == 1 else found


def case_of(event: Event) -> Case:
    """A locked event as guards see it."""
    return Case.of({column: getattr(event, column) for column in CASE_COLUMNS})


def merged(before: Mapping[str, object], given: Mapping[str, object]) -> dict[str, object]:
    """The form with what a step says of it; a field given as null is taken out."""
    together = {**before, **given}
    return {name: value for name, value in together.items() if value is not None}


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
    # Where the event is not locked, the department's key tells as the step is stored.
    is_told = step.department is None or is_unlocked(ctx)
    if not is_told and not await ctx.data.find(Department, id=step.department):
        raise Invalid("EVENT_DEPARTMENT_UNKNOWN", field="department")
    if step.assignee is None:
        return
    now = ctx.clock.now()
    if not await ctx.data.fetchval(_MEMBER, step.assignee, plan.department, now):
        raise Invalid("EVENT_ASSIGNEE_NOT_MEMBER", field="assignee")


async def _changes(ctx: Context, taking: _Taking, plan: StepPlan) -> dict[str, object]:
    """What the step makes of the event's columns."""
    configuration = await _configuration(ctx)
    profile = taking.kind.deadline_profile
    deadlines = configuration.deadlines(profile, taking.stored, ctx.tenant.timezone)
    told = (ctx.actor.account_id, ctx.now())
    return step_columns(taking.event, taking.definition, plan, deadlines, told)


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
    if is_unlocked(ctx):
        return defer_move(ctx, event, changes, told)
    moved, step = await ctx.data.together(Changing(event, changes), next_entry(told))
    await attach(ctx, step, claimed)
    found: Event = moved
    return found
