"""Workflows (流程): a state machine as data.

A definition reads as the package's ``events/workflows/*.toml`` and is stored as JSON in
``core.workflow.definition``; :mod:`jingwei_core.events.workflow_reading` makes them. The step that
registers an event (登记) is not among its actions.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property
from typing import Any

import msgspec

from jingwei_core.events.deadlines import Rule, TimeLimit
from jingwei_core.events.workflow_effects import Effect, whom_of
from jingwei_core.events.workflow_guards import Duty, Guard, PhotoPhase
from jingwei_sdk.errors import Conflict, Invalid

REGISTER = "report"
"""The action code of the first step of every event."""

COMMENT = "comment"
"""The action code of a timeline entry that moves nothing."""

MIGRATE = "migrate"
"""The action code of a timeline entry that moved a running event to another version."""

ASIDE = ("event.", "joint.", "meeting.", "task.")
"""How the action codes of entries begin that tell of what rooms do with an event beside its way
through its workflow: joint operations, meetings, tasks."""

MERGE = "merge"
"""The action code by which an event ends in another one (合并)."""

PREVIOUS = "previous"
"""The ``to`` of an action that goes back to where the present state was entered from (恢复)."""


def moves_nothing(code: str) -> bool:
    """Whether timeline entries of this action code stand beside the event's way through its
    workflow."""
    return code in (COMMENT, MIGRATE) or code.startswith(ASIDE)


class StateKind(StrEnum):
    """Where a state stands in the loop."""

    START = "start"
    WORKING = "working"
    FINAL = "final"


class Handling(StrEnum):
    """The four handling types (四种处理机制)."""

    ANY = ""
    GENERAL = "general"
    """一般性: closed on the spot or by the usual loop."""
    COORDINATED = "coordinated"
    """协调性: accepted, discussed, answered by the street's section."""
    EMERGENCY = "emergency"
    """突发性: reported upward at once, followed on scene."""
    APPROVAL = "approval"
    """审批性: collected, defined, reviewed, approved, made public."""


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


class PublicFace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody without an account is told of a state (公众可见): its name in their words, and
    the photos of which phases they are shown while the event is in it."""

    name_zh: str
    name_en: str
    photos: tuple[PhotoPhase, ...] = ()


class State(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A state (环节)."""

    code: str
    name_zh: str
    name_en: str
    kind: StateKind
    limit: TimeLimit | None = None
    """How long an event may stay here, unless the kind's profile says otherwise (时限)."""
    owner: str = ""
    """Who answers for the limit (责任人), as in :mod:`jingwei_core.events.whom`; empty for the
    assigned, or for who may lead on from here."""
    pauses: bool = False
    """Whether the clock of the whole loop stands still here (挂起)."""
    public: PublicFace | None = None
    """What the public is told of it; without it, only whether the event is received, in hand or
    finished."""


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
    guards: tuple[Guard, ...] = ()
    effects: tuple[Effect, ...] = ()
    marks: tuple[Duty, ...] = ()
    """Which of the five actors (五有) the actor becomes."""
    sources: tuple[str, ...] = ()
    """Only events of these intake sources take it; empty for all."""
    is_return: bool = False
    """Whether it sends the event back, which is counted (退回)."""

    @property
    def is_plain(self) -> bool:
        """Whether it only moves and assigns, as most do."""
        return not (
            self.guards
            or self.effects
            or self.marks
            or self.sources
            or self.is_return
            or self.to == PREVIOUS
        )

    def serves(self, source: str) -> bool:
        """Whether events of this intake source take it."""
        return not self.sources or source in self.sources


def leads_on(action: Action, state: str) -> bool:
    """Whether taking the action in ``state`` is the expected next step, not an exception."""
    return action.to != state and Requirement.REASON not in action.requires and not action.is_return


class Intake(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the platform does at once with a report from these sources (受理规则): it takes these
    actions one after the other, in the reporter's name."""

    sources: tuple[str, ...]
    take: tuple[str, ...]


class WorkflowDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """A checked workflow; made by :func:`jingwei_core.events.workflow_reading.read_workflow`."""

    code: str
    name_zh: str
    name_en: str
    states: tuple[State, ...]
    actions: tuple[Action, ...]
    version: int = 1
    source: str = ""
    handling: Handling = Handling.ANY
    """The handling type it is made for; empty for any."""
    intake: tuple[Intake, ...] = ()
    limits: dict[str, TimeLimit] = {}
    """``*``: the limit of the whole loop, unless the kind's profile says otherwise."""

    @property
    def start(self) -> str:
        """The state in which an event begins."""
        return next(state.code for state in self.states if state.kind is StateKind.START)

    @property
    def digest(self) -> str:
        """SHA-256 of what it says, independent of key order: equal digests mean equal loops."""
        # Keys come in the order of the structs, whatever order they were written in.
        return hashlib.sha256(msgspec.json.encode(self.document())).hexdigest()

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

    def rules(self) -> Mapping[str, Rule]:
        """The limits that the definition itself gives, by state and ``*``."""
        states = {state.code: state.limit.rule() for state in self.states if state.limit}
        return states | {name: limit.rule() for name, limit in self.limits.items()}

    def intake_of(self, source: str) -> tuple[str, ...]:
        """The actions that are taken at once with a report from this source."""
        for rule in self.intake:
            if source in rule.sources:
                return rule.take
        return ()

    def leads_into(self, state: str) -> frozenset[str]:
        """The states from which ``state`` may have been entered."""
        found = {
            origin
            for action in self.actions
            for origin in action.from_
            if action.to == state and origin != state
        }
        # Whoever went back to ``state`` came from where ``state`` leads.
        for action in self.actions:
            if action.to == PREVIOUS:
                onward = {one.to for one in self.actions_from(state)}
                found |= {origin for origin in action.from_ if origin in onward}
        return frozenset(found - {state})

    def finishes(self, action: Action, state: str) -> bool:
        """Whether taking the action in ``state`` ends the event as expected: not by an exception
        such as cancelling it."""
        ends = [self.is_final(target) for target in self.targets(action, state)]
        return all(ends) and bool(ends) and leads_on(action, state)

    def targets(self, action: Action, state: str) -> frozenset[str]:
        """Where taking the action in ``state`` may lead."""
        return self.leads_into(state) if action.to == PREVIOUS else frozenset((action.to,))

    @cached_property
    def names_first_receiver(self) -> bool:
        """Whether an action assigns to the first receiver or tells or asks them (首问负责)."""
        first = "first_receiver"
        return any(state.owner == first for state in self.states) or any(
            first in (getattr(effect, "to", ""), *whom_of(effect))
            for action in self.actions
            for effect in action.effects
        )

    def document(self) -> dict[str, Any]:
        """The definition as JSON values, without what it leaves unsaid of the keys that came later:
        so what it said before keeps its digest. ``read_workflow`` reads it back."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        _leave_out(built, _LATER)
        for state in built["states"]:
            _leave_out(state, _LATER_OF_STATES)
        for action in built["actions"]:
            _leave_out(action, _LATER_OF_ACTIONS)
        return built


_LATER = {"handling": "", "intake": (), "limits": {}}
_LATER_OF_STATES = {"limit": None, "owner": "", "pauses": False, "public": None}
_LATER_OF_ACTIONS = {"guards": (), "effects": (), "marks": (), "sources": (), "is_return": False}


def _leave_out(built: dict[str, Any], unsaid: Mapping[str, Any]) -> None:
    for name, nothing in unsaid.items():
        if built[name] == nothing or (nothing == () and not built[name]):
            del built[name]
