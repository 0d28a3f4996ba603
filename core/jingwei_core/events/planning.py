"""What one step does (办理): decided from the definition, where the event stands and what the actor
brings, with nothing read and nothing written."""

from uuid import UUID

import msgspec

from jingwei_core.events.workflow import (
    PREVIOUS,
    Action,
    Assigns,
    Requirement,
    WorkflowDefinition,
    leads_on,
)
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_sdk.errors import Conflict, Invalid


class Standing(msgspec.Struct, frozen=True):
    """Where an event stands before a step, as far as a step depends on it."""

    state: str
    department: UUID | None = None
    account: UUID | None = None
    default_department: UUID | None = None
    """Where the event's kind is routed to when a dispatch names no department (扁平化分流)."""
    previous: str | None = None
    """The state from which the present one was entered, for an action that goes back there."""
    target: tuple[UUID | None, UUID | None] | None = None
    """Department and person that the action's own effect assigns it to."""
    demands: tuple[str, ...] = ()
    """Phases of photos that the next step which leads on must bring."""


class StepInput(msgspec.Struct, frozen=True):
    """What the actor brings to a step; ``photos`` are the phases of the attached pictures."""

    note: str = ""
    reason: str = ""
    department: UUID | None = None
    assignee: UUID | None = None
    photos: frozenset[PhotoPhase] = frozenset()


class StepPlan(msgspec.Struct, frozen=True):
    """What a step will do; nothing has been written yet."""

    action: Action
    from_state: str
    to_state: str
    is_final: bool
    department: UUID | None
    account: UUID | None
    restarts_clock: bool
    """A new state or another department begins a new time limit; another person does not."""


def plan_step(
    definition: WorkflowDefinition, standing: Standing, action_code: str, brought: StepInput
) -> StepPlan:
    """What ``action_code`` does to an event that stands so, with what the actor brought.

    Raises ``Conflict`` ``EVENT_ACTION_NOT_ALLOWED`` (the state has moved on) and ``Invalid``
    ``EVENT_ACTION_UNKNOWN``, ``EVENT_PHOTO_REQUIRED`` (``phase``), ``EVENT_REASON_REQUIRED``,
    ``EVENT_NOTE_REQUIRED``, ``EVENT_DEPARTMENT_REQUIRED``, ``EVENT_ASSIGNEE_REQUIRED``,
    ``EVENT_INPUT_UNUSED``, ``EVENT_EVIDENCE_DEMANDED`` (``phase``), each with its field.
    ``Conflict`` ``EVENT_NO_PREVIOUS`` where there is nothing to go back to.
    """
    action = definition.allowed(standing.state, action_code)
    to_state = action.to if action.to != PREVIOUS else standing.previous
    if to_state is None:
        raise Conflict("EVENT_NO_PREVIOUS", field="action", action=action.code)
    _require(action, brought)
    if standing.demands and brings_owed(action, standing.state):
        _require_demanded(standing.demands, brought)
    department, account = _assignment(action, standing, brought)
    moves = to_state != standing.state or department != standing.department
    return StepPlan(
        action=action,
        from_state=standing.state,
        to_state=to_state,
        is_final=definition.is_final(to_state),
        department=department,
        account=account,
        restarts_clock=moves,
    )


def _require(action: Action, brought: StepInput) -> None:
    for requirement in action.requires:
        match requirement:
            case Requirement.PHOTO_BEFORE:
                require_photo(PhotoPhase.BEFORE, brought.photos)
            case Requirement.PHOTO_AFTER:
                require_photo(PhotoPhase.AFTER, brought.photos)
            case Requirement.REASON if not brought.reason.strip():
                raise Invalid("EVENT_REASON_REQUIRED", field="reason", action=action.code)
            case Requirement.NOTE if not brought.note.strip():
                raise Invalid("EVENT_NOTE_REQUIRED", field="note", action=action.code)
            case Requirement.DEPARTMENT if brought.department is None:
                raise Invalid("EVENT_DEPARTMENT_REQUIRED", field="department", action=action.code)
            case Requirement.ASSIGNEE if brought.assignee is None:
                raise Invalid("EVENT_ASSIGNEE_REQUIRED", field="assignee", action=action.code)


def brings_owed(action: Action, state: str) -> bool:
    """Whether a step is the one that brings the photos that were asked for: it leads on, and is
    more than the end of a wait."""
    return leads_on(action, state) and action.to != PREVIOUS


def _require_demanded(demands: tuple[str, ...], brought: StepInput) -> None:
    for phase in demands:
        if phase not in brought.photos:
            raise Invalid("EVENT_EVIDENCE_DEMANDED", field="evidence", phase=phase)


def require_photo(phase: PhotoPhase, photos: frozenset[PhotoPhase]) -> None:
    """Raise ``EVENT_PHOTO_REQUIRED`` unless a picture of that phase comes with the step itself:
    one of an earlier round proves nothing about this one."""
    if phase not in photos:
        raise Invalid("EVENT_PHOTO_REQUIRED", field="evidence", phase=phase.value)


def _assignment(
    action: Action, standing: Standing, brought: StepInput
) -> tuple[UUID | None, UUID | None]:
    """Department and person after the step; what an action does not take is refused, so that
    nobody believes to have dispatched what was not."""
    takes_department = action.assigns is Assigns.DEPARTMENT
    takes_person = action.assigns in (Assigns.DEPARTMENT, Assigns.ASSIGNEE)
    if brought.department is not None and not takes_department:
        raise Invalid("EVENT_INPUT_UNUSED", field="department", action=action.code)
    if brought.assignee is not None and not takes_person:
        raise Invalid("EVENT_INPUT_UNUSED", field="assignee", action=action.code)
    if standing.target is not None:
        return standing.target
    if action.assigns is Assigns.CLEAR:
        return None, None
    if takes_department:
        department = brought.department or standing.default_department
        if department is None:
            raise Invalid("EVENT_DEPARTMENT_REQUIRED", field="department", action=action.code)
        return department, brought.assignee
    if action.assigns is Assigns.ASSIGNEE:
        if brought.assignee is None:
            raise Invalid("EVENT_ASSIGNEE_REQUIRED", field="assignee", action=action.code)
        return standing.department, brought.assignee
    return standing.department, standing.account
