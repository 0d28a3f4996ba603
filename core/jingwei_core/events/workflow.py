"""Workflows (流程): a state machine as data, and the pure decision what one step does.

A definition reads as the package's ``events/workflows/*.toml`` and is stored as JSON in
``core.workflow.definition``. The step that registers an event (登记) is not among its actions.
"""

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec

from jingwei_sdk.errors import Conflict, Invalid
from jingwei_sdk.records import PERMISSION

REGISTER = "report"
"""The action code of the first step of every event."""

COMMENT = "comment"
"""The action code of a timeline entry that moves nothing."""


class StateKind(StrEnum):
    """Where a state stands in the loop."""

    START = "start"
    WORKING = "working"
    FINAL = "final"


class Requirement(StrEnum):
    """What an action demands of the step that takes it."""

    PHOTO_BEFORE = "photo:before"
    PHOTO_AFTER = "photo:after"
    REASON = "reason"
    NOTE = "note"
    DEPARTMENT = "department"
    ASSIGNEE = "assignee"


class Assigns(StrEnum):
    """What an action does to the assignment of the event (派遣)."""

    KEEP = "keep"
    DEPARTMENT = "department"
    ASSIGNEE = "assignee"
    CLEAR = "clear"


class By(StrEnum):
    """Who may take an action, besides holding its permission at the event's place."""

    ANYONE = "anyone"
    ASSIGNED = "assigned"
    """Only the assigned person, or members of the assigned department (承办单位)."""


class PhotoPhase(StrEnum):
    """When a photo was taken, seen from the handling (处置前, 处置后)."""

    BEFORE = "before"
    AFTER = "after"
    OTHER = "other"


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state (环节)."""

    code: str
    name_zh: str
    name_en: str
    kind: StateKind


class Action(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """An action (动作): who may move an event from where to where, and what it takes."""

    code: str
    name_zh: str
    name_en: str
    from_: tuple[str, ...]
    to: str
    permission: str
    requires: tuple[Requirement, ...] = ()
    assigns: Assigns = Assigns.KEEP
    by: By = By.ANYONE


class WorkflowDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A checked workflow; made by :func:`read_workflow` only."""

    code: str
    name_zh: str
    name_en: str
    states: tuple[State, ...]
    actions: tuple[Action, ...]
    version: int = 1
    source: str = ""

    @property
    def start(self) -> str:
        """The state in which an event begins."""
        return next(state.code for state in self.states if state.kind is StateKind.START)

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, independent of key order: equal digests mean equal loops."""
        return hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def state(self, code: str) -> State:
        """The state called ``code``; raises ``Invalid`` (``WORKFLOW_STATE_UNKNOWN``)."""
        for state in self.states:
            if state.code == code:
                return state
        raise Invalid("WORKFLOW_STATE_UNKNOWN", field="state", state=code, workflow=self.code)

    def is_final(self, code: str) -> bool:
        """Whether an event in this state is finished (结案)."""
        return self.state(code).kind is StateKind.FINAL

    def action(self, code: str) -> Action:
        """The action called ``code``; raises ``Invalid`` (``EVENT_ACTION_UNKNOWN``)."""
        for action in self.actions:
            if action.code == code:
                return action
        raise Invalid("EVENT_ACTION_UNKNOWN", field="action", action=code, workflow=self.code)

    def actions_from(self, state: str) -> tuple[Action, ...]:
        """The actions that lead on from ``state``, in the order of the definition."""
        return tuple(action for action in self.actions if state in action.from_)

    def allowed(self, state: str, code: str) -> Action:
        """The action called ``code`` if it leads on from ``state``.

        Raises ``Invalid`` (``EVENT_ACTION_UNKNOWN``), ``Conflict`` (``EVENT_ACTION_NOT_ALLOWED``)
        when the state has moved on.
        """
        action = self.action(code)
        if state not in action.from_:
            raise Conflict("EVENT_ACTION_NOT_ALLOWED", field="action", action=code, state=state)
        return action

    def document(self) -> dict[str, Any]:
        """The definition as JSON values; :func:`read_workflow` reads it back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built


@lru_cache(maxsize=512)
def stored_workflow(text: bytes) -> WorkflowDefinition:
    """The checked workflow in JSON; raises what :func:`read_workflow` raises.

    Tenants mostly have the workflows of a package or a plugin in common: each is kept once.
    """
    return read_workflow(msgspec.json.decode(text))


def read_workflow(document: Mapping[str, Any]) -> WorkflowDefinition:
    """The checked workflow in a TOML or JSON document.

    Raises ``Invalid`` (``WORKFLOW_INVALID``) with the field and ``reason``: a missing or unknown
    key, an unknown requirement, a state named twice, no or two starts, no final state, an action
    from or to nowhere, a state that cannot be reached or that leads to no final state.
    """
    try:
        definition = msgspec.convert(dict(document), WorkflowDefinition)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at ")
        field = path.strip("`").removeprefix("$").lstrip(".") or None
        raise Invalid("WORKFLOW_INVALID", field=field, reason=reason) from error
    _check_codes(definition)
    _check_actions(definition)
    _check_graph(definition)
    return definition


class Standing(msgspec.Struct, frozen=True):
    """Where an event stands before a step, as far as a step depends on it."""

    state: str
    department: UUID | None = None
    account: UUID | None = None
    default_department: UUID | None = None
    """Where the event's kind is routed to when a dispatch names no department (扁平化分流)."""


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
    ``EVENT_INPUT_UNUSED``, each with its field.
    """
    action = definition.allowed(standing.state, action_code)
    _require(action, brought)
    department, account = _assignment(action, standing, brought)
    moves = action.to != standing.state or department != standing.department
    return StepPlan(
        action=action,
        from_state=standing.state,
        to_state=action.to,
        is_final=definition.is_final(action.to),
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


def _refuse(field: str, reason: str) -> Invalid:
    return Invalid("WORKFLOW_INVALID", field=field, reason=reason)


def _check_codes(definition: WorkflowDefinition) -> None:
    for name, codes in (
        ("states", [state.code for state in definition.states]),
        ("actions", [action.code for action in definition.actions]),
    ):
        twice = sorted({code for code in codes if codes.count(code) > 1})
        if twice:
            raise _refuse(name, f"named twice: {', '.join(twice)}")
    starts = [state.code for state in definition.states if state.kind is StateKind.START]
    if len(starts) != 1:
        raise _refuse("states", f"{len(starts)} start states")
    if not any(state.kind is StateKind.FINAL for state in definition.states):
        raise _refuse("states", "no final state")


def _check_actions(definition: WorkflowDefinition) -> None:
    known = {state.code for state in definition.states}
    for action in definition.actions:
        field = f"actions.{action.code}"
        if action.code in (REGISTER, COMMENT):
            raise _refuse(field, "this code is the platform's own")
        if not action.from_:
            raise _refuse(f"{field}.from", "leads from nowhere")
        unknown = sorted({*action.from_, action.to} - known)
        if unknown:
            raise _refuse(field, f"unknown state: {', '.join(unknown)}")
        if not PERMISSION.match(action.permission):
            raise _refuse(f"{field}.permission", "not a permission")


def _check_graph(definition: WorkflowDefinition) -> None:
    onward: dict[str, set[str]] = {state.code: set() for state in definition.states}
    back: dict[str, set[str]] = {state.code: set() for state in definition.states}
    for action in definition.actions:
        for origin in action.from_:
            onward[origin].add(action.to)
            back[action.to].add(origin)
    reached = _reach([definition.start], onward)
    finals = [state.code for state in definition.states if state.kind is StateKind.FINAL]
    ending = _reach(finals, back)
    for state in definition.states:
        if state.code not in reached:
            raise _refuse(f"states.{state.code}", "cannot be reached")
        if state.code not in ending:
            raise _refuse(f"states.{state.code}", "leads to no final state")


def _reach(begin: Iterable[str], edges: Mapping[str, set[str]]) -> set[str]:
    waiting = list(begin)
    found = set(waiting)
    while waiting:
        fresh = edges[waiting.pop()] - found
        found |= fresh
        waiting.extend(fresh)
    return found
