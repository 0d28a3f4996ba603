"""What a step makes of an event's columns (事件变更)."""

import uuid
from collections.abc import Mapping
from datetime import datetime

from jingwei_core.events.deadlines import Deadlines
from jingwei_core.events.guarding import DUTY_COLUMNS
from jingwei_core.events.planning import StepPlan, brings_owed
from jingwei_core.events.suspension import Suspended, resumed, suspended_of
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow import Action, WorkflowDefinition
from jingwei_core.events.workflow_effects import AskEvidenceEffect, ClockDoes, ClockEffect
from jingwei_core.events.workflow_guards import Duty


def step_columns(
    event: Event,
    definition: WorkflowDefinition,
    plan: StepPlan,
    deadlines: Deadlines,
    told: tuple[uuid.UUID | None, datetime],
) -> dict[str, object]:
    """What a planned step makes of the event's columns; ``told`` is who takes it, and when."""
    actor, now = told
    changes = moved_columns(event, plan, deadlines, now)
    if not plan.action.is_plain or event.demands:
        changes |= marked_columns(event, plan, actor)
    if event.first_receiver is None and definition.names_first_receiver:
        # Whoever first takes it up answers for it from then on, whoever it goes to (首问负责).
        changes["first_receiver"] = actor
    does = clock_does(definition, plan, is_suspended=event.suspended is not None)
    if does is not None:
        changes |= clock_columns(does, event, plan, deadlines, now)
    return changes


def moved_columns(
    event: Event, plan: StepPlan, deadlines: Deadlines, now: datetime
) -> dict[str, object]:
    """The columns that every step sets: state, assignment, closing, and the state's limit."""
    closed_at: datetime | None = event.closed_at
    changes: dict[str, object] = {
        "state": plan.to_state,
        "is_final": plan.is_final,
        "assigned_department": plan.department,
        "assigned_account": plan.account,
        "closed_at": (closed_at or now) if plan.is_final else None,
    }
    if plan.restarts_clock:
        limit = None if plan.is_final else deadlines.entering(plan.to_state, now)
        changes["state_since"] = now
        changes["state_due_at"] = limit.due_at if limit else None
        changes["warn_at"] = limit.warn_at if limit else None
    return changes


def marked_columns(event: Event, plan: StepPlan, actor: uuid.UUID | None) -> Mapping[str, object]:
    """What an action leaves on the event besides: the actors of the five duties (五有), how often
    it was returned, and which photos are owed."""
    action = plan.action
    changes: dict[str, object] = {}
    for duty in action.marks:
        if duty is Duty.OWNED:
            changes["owned_by"] = plan.account or (actor if plan.department is None else None)
            changes["owned_department"] = plan.department
        elif duty is not Duty.REPORTED or event.reporter is None:
            changes[DUTY_COLUMNS[duty]] = actor
    if action.is_return:
        changes["returns"] = event.returns + 1
    owed = demanded(event, action, plan.from_state)
    if owed != list(event.demands):
        changes["demands"] = owed
    return changes


def demanded(event: Event, action: Action, state: str) -> list[str]:
    """The phases that the next step which leads on must bring: what was owed is brought by now if
    this one led on."""
    owed: list[str] = [] if brings_owed(action, state) else list(event.demands)
    for effect in action.effects:
        if isinstance(effect, AskEvidenceEffect) and effect.phase.value not in owed:
            owed.append(effect.phase.value)
    return owed


def clock_does(
    definition: WorkflowDefinition, plan: StepPlan, *, is_suspended: bool
) -> ClockDoes | None:
    """What a step does to the clock of the whole loop: by the state it leads to, or by an effect of
    its action; ``None`` for nothing."""
    told = next((one.does for one in plan.action.effects if isinstance(one, ClockEffect)), None)
    if told is ClockDoes.RESTART:
        return told
    if plan.is_final:
        return ClockDoes.RESUME if is_suspended else None
    if definition.state(plan.to_state).pauses or told is ClockDoes.PAUSE:
        return None if is_suspended else ClockDoes.PAUSE
    left_pause = definition.state(plan.from_state).pauses
    if is_suspended and (left_pause or told is ClockDoes.RESUME):
        return ClockDoes.RESUME
    return None


def clock_columns(
    does: ClockDoes, event: Event, plan: StepPlan, deadlines: Deadlines, now: datetime
) -> Mapping[str, object]:
    """The limits after the clock was stopped, let go on or begun anew."""
    if does is ClockDoes.RESTART:
        limit = None if plan.is_final else deadlines.entering(plan.to_state, now)
        return {
            "suspended": None,
            "due_at": deadlines.whole_loop(now),
            "state_since": now,
            "state_due_at": limit.due_at if limit else None,
            "warn_at": limit.warn_at if limit else None,
        }
    if does is ClockDoes.PAUSE:
        stopped = paused_columns(event, plan.from_state, now)
        if plan.restarts_clock:
            # The state that it waits in has a limit of its own.
            del stopped["state_due_at"], stopped["warn_at"]
        return stopped
    held = suspended_of(event.suspended)
    assert held is not None
    gone_on = resumed_columns(held, deadlines, now)
    if plan.to_state != held.state or plan.is_final:
        del gone_on["state_due_at"], gone_on["warn_at"]
    return gone_on


def paused_columns(event: Event, state: str, now: datetime) -> dict[str, object]:
    """All limits put aside from ``now`` on; ``state`` is the one they go on in."""
    held = Suspended(state, now, event.state_due_at, event.warn_at, event.due_at)
    return {
        "suspended": held.stored(),
        "due_at": None,
        "state_due_at": None,
        "warn_at": None,
    }


def resumed_columns(held: Suspended, deadlines: Deadlines, now: datetime) -> dict[str, object]:
    """The limits that were put aside, moved by the time that stood still."""
    again = resumed(held, deadlines, now)
    return {
        "suspended": None,
        "due_at": again.whole_due_at,
        "state_due_at": again.due_at,
        "warn_at": again.warn_at,
    }
