"""Trying a draft out (流程预演): closed events run through it again, from their timelines.

The same planning, guards and deadlines decide as in a real step, at the time of each entry and as
the account that took it, with the posts and roles it held then. Nothing is written. Tasks and
acknowledgements count as they are now.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import msgspec

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.commands.shapes import shape_of
from jingwei_core.events.authority import Desk, require_taking
from jingwei_core.events.configuration import Configuration, Kind, StoredWorkflow
from jingwei_core.events.deadlines import Deadlines
from jingwei_core.events.guarding import require_brought, require_guards
from jingwei_core.events.planning import Standing, StepInput, plan_step
from jingwei_core.events.step_changes import step_columns
from jingwei_core.events.stepping import case_of
from jingwei_core.events.tables import Event, EventStep
from jingwei_core.events.workflow import (
    REGISTER,
    Action,
    Assigns,
    WorkflowDefinition,
    moves_nothing,
)
from jingwei_core.events.workflow_effects import AssignEffect
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Actor
from jingwei_sdk.errors import JingweiError

_POSTS = """
SELECT p.place_path, p.department, r.permissions
  FROM core.post p JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
 WHERE p.account = $1 AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
"""
_PHOTOS = """
SELECT s.step, s.phase
  FROM core.step_evidence s
  JOIN core.evidence e ON e.tenant_id = s.tenant_id AND e.id = s.evidence
 WHERE s.event = $1 AND e.content_type LIKE 'image/%'
"""


class Refused(msgspec.Struct, frozen=True):
    """A step that was taken, and that the draft would have refused."""

    sequence: int
    action: str
    code: str
    params: dict[str, Any]


class Moved(msgspec.Struct, frozen=True):
    """A limit that would have been another one; ``sequence`` is of the step that begins it, 0 for
    the whole loop."""

    sequence: int
    state: str
    before: datetime | None
    after: datetime | None


class Replay(msgspec.Struct, frozen=True):
    """How an event would have run under the draft."""

    number: str
    refused: tuple[Refused, ...]
    moved: tuple[Moved, ...]
    late_before: int
    """How many states it left late."""
    late_after: int
    unfinished: bool
    """Whether the draft does not end where the timeline does, or does not know a state of it."""

    @property
    def is_same(self) -> bool:
        """Whether nothing would have been different."""
        return not (self.refused or self.moved or self.unfinished)


class Past:
    """The clock of an entry of a timeline."""

    def __init__(self, instant: datetime) -> None:
        self._instant = instant

    def now(self) -> datetime:
        """When the entry was made."""
        return self._instant


class Replaying:
    """Runs closed events through a draft, in a context of the platform itself."""

    def __init__(
        self, ctx: CoreContext, configuration: Configuration, draft: WorkflowDefinition
    ) -> None:
        self._ctx = ctx
        self._configuration = configuration
        self._draft = draft
        definition = msgspec.Raw(msgspec.json.encode(draft.document()))
        self._stored = StoredWorkflow(uuid.uuid4(), draft.code, 0, True, definition)

    async def run(self, event: Event) -> Replay:
        """The event's steps one after the other, as far as the draft knows their states."""
        steps = await self._ctx.data.find(EventStep, event=event.id)
        photos: dict[uuid.UUID, list[PhotoPhase]] = {}
        for row in await self._ctx.data.fetch(_PHOTOS, event.id):
            photos.setdefault(row["step"], []).append(PhotoPhase(row["phase"]))
        kind = self._configuration.kind(event.kind)
        deadlines = self._configuration.deadlines(
            kind.deadline_profile, self._stored, self._ctx.tenant.timezone
        )
        one = _One(self._ctx, self._draft, kind, deadlines, event)
        for step in sorted(steps, key=lambda each: each.sequence):
            await one.take(step, photos.get(step.id, []))
        return one.told()


class _One:
    """One event on its way through the draft."""

    def __init__(
        self,
        ctx: CoreContext,
        draft: WorkflowDefinition,
        kind: Kind,
        deadlines: Deadlines,
        closed: Event,
    ) -> None:
        self._ctx, self._draft, self._kind, self._deadlines = ctx, draft, kind, deadlines
        self._closed = closed
        self._event = _as_new(closed)
        self._refused: list[Refused] = []
        self._moved: list[Moved] = []
        self._late = [0, 0]
        self._taken: list[str] = []
        """What intake has taken already and the timeline is still to tell."""
        self._entered: dict[str, str] = {}
        self._is_lost = False

    async def take(self, step: EventStep, photos: Sequence[PhotoPhase]) -> None:
        """The next entry of the timeline."""
        if self._is_lost or moves_nothing(step.action):
            return
        self._late[0] += step.was_late
        if step.action == REGISTER:
            await self._register(step)
            return
        if self._taken and self._taken[0] == step.action:
            self._taken.pop(0)
            if not self._taken:
                self._compare(step)
            return
        event = self._event
        try:
            action = self._draft.action(step.action)
            changes = await self._planned(step, action, photos)
        except JingweiError as error:
            params = {**error.params, **({"field": error.field} if error.field else {})}
            self._refused.append(Refused(step.sequence, step.action, error.code, params))
            changes = self._followed(step)
        if not self._is_lost:
            due: datetime | None = event.state_due_at
            restarts = "state_since" in changes
            self._late[1] += restarts and due is not None and step.at > due
            self._put(changes)
            self._compare(step)

    def told(self) -> Replay:
        """What came out."""
        if not self._is_lost and self._closed.due_at != self._event.due_at:
            self._moved.append(Moved(0, "*", self._closed.due_at, self._event.due_at))
        return Replay(
            self._closed.number,
            tuple(self._refused),
            tuple(self._moved),
            self._late[0],
            self._late[1],
            self._is_lost or not self._event.is_final,
        )

    async def _register(self, step: EventStep) -> None:
        now = self._local(step.at)
        limit = self._deadlines.entering(self._draft.start, now)
        # A plugin's own limit stays; only what a rule gave is worked out anew.
        whole = self._deadlines.whole_loop(now)
        self._put(
            {
                "state": self._draft.start,
                "state_since": now,
                "state_due_at": limit.due_at if limit else None,
                "warn_at": limit.warn_at if limit else None,
                "due_at": self._closed.due_at if self._closed.source == "plugin" else whole,
            }
        )
        self._compare(step)
        for code in self._draft.intake_of(self._closed.source):
            action = self._draft.action(code)
            department = self._kind.department
            standing = Standing(
                self._event.state,
                self._event.assigned_department,
                self._event.assigned_account,
                department,
                target=(department, None) if _assigns_by_rule(action) else None,
            )
            try:
                plan = plan_step(self._draft, standing, code, StepInput())
            except JingweiError as error:
                self._refused.append(Refused(step.sequence, code, error.code, dict(error.params)))
                return
            told = (step.actor, now)
            self._put(step_columns(self._event, self._draft, plan, self._deadlines, told))
            self._taken.append(code)

    async def _planned(
        self, step: EventStep, action: Action, photos: Sequence[PhotoPhase]
    ) -> Mapping[str, object]:
        """What the draft makes of the step; raises what it refuses it with."""
        event, past = self._event, await self._past(step)
        past.require(action.permission, event.place_path)
        self._draft.allowed(event.state, action.code)
        desk = Desk(event.place_path, event.assigned_department, event.assigned_account)
        require_taking(past, action, desk)
        if action.guards or action.sources:
            await require_guards(past, action, case_of(event))
            await require_brought(past, action, event.id, photos, cast(Any, event.form))
        standing = Standing(
            state=event.state,
            department=desk.department,
            account=desk.account,
            default_department=self._kind.department,
            previous=self._entered.get(event.state),
            target=(step.department, step.assignee) if _assigns_by_rule(action) else None,
            demands=tuple(event.demands),
        )
        takes_department = action.assigns is Assigns.DEPARTMENT
        takes_person = takes_department or action.assigns is Assigns.ASSIGNEE
        brought = StepInput(
            step.note,
            step.reason,
            step.department if takes_department else None,
            step.assignee if takes_person else None,
            frozenset(photos),
        )
        plan = plan_step(self._draft, standing, action.code, brought)
        told = (step.actor, self._local(step.at))
        return step_columns(event, self._draft, plan, self._deadlines, told)

    def _followed(self, step: EventStep) -> Mapping[str, object]:
        """What really happened, where the draft would have refused it; lost when the draft does
        not know the state that came of it."""
        known = {state.code for state in self._draft.states}
        if step.to_state not in known:
            self._is_lost = True
            return {}
        now = self._local(step.at)
        is_final = self._draft.is_final(step.to_state)
        limit = None if is_final else self._deadlines.entering(step.to_state, now)
        changes: dict[str, object] = {
            "state": step.to_state,
            "is_final": is_final,
            "closed_at": now if is_final else None,
        }
        if step.department is not None or step.assignee is not None:
            changes["assigned_department"] = step.department
            changes["assigned_account"] = step.assignee
        if step.to_state != self._event.state:
            changes["state_since"] = now
            changes["state_due_at"] = limit.due_at if limit else None
            changes["warn_at"] = limit.warn_at if limit else None
        return changes

    async def _past(self, step: EventStep) -> CoreContext:
        """The context as it was for who took the step, at that time."""
        clock = Past(step.at)
        if step.actor is None:
            return replace(self._ctx, clock=clock)
        rows = await self._ctx.data.fetch(_POSTS, step.actor, step.at)
        departments = frozenset(row["department"] for row in rows if row["department"])
        grants = [Grant(row["place_path"], tuple(row["permissions"])) for row in rows]
        actor = Actor("account", step.actor_name, step.actor, departments)
        return replace(self._ctx, clock=clock, actor=actor, permissions=PermissionSet(grants))

    def _put(self, changes: Mapping[str, object]) -> None:
        before = self._event.state
        for name, value in changes.items():
            setattr(self._event, name, value)
        if self._event.state != before:
            self._entered[self._event.state] = before

    def _compare(self, step: EventStep) -> None:
        """Note the limit that the step begins, if it is another one."""
        after: datetime | None = self._event.state_due_at
        if step.due_at != after:
            self._moved.append(Moved(step.sequence, self._event.state, step.due_at, after))

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(self._ctx.tenant.timezone)


def _assigns_by_rule(action: Action) -> bool:
    return any(isinstance(effect, AssignEffect) for effect in action.effects)


def _as_new(closed: Event) -> Event:
    """The event as it was before its first step."""
    shape = shape_of(Event)
    row: Event = shape.row([getattr(closed, name) for name in shape.names])
    fresh: dict[str, object] = {
        "is_final": False,
        "closed_at": None,
        "suspended": None,
        "due_at": None,
        "state_due_at": None,
        "warn_at": None,
        "returns": 0,
        "demands": [],
        "assigned_department": None,
        "assigned_account": None,
        "owned_by": None,
        "owned_department": None,
        "solved_by": None,
        "checked_by": None,
    }
    for name, value in fresh.items():
        setattr(row, name, value)
    return row
