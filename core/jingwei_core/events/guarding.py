"""Guarding (守卫判定): whether an action's guards hold for an actor and an event.

One evaluation serves both the step and the list of available actions, so the two cannot disagree.
Nothing is looked up for actions without guards; for many events each thing is looked up once.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from jingwei_core.events.workflow import Action
from jingwei_core.events.workflow_guards import (
    ON_STANDING,
    AcknowledgedGuard,
    CertificateGuard,
    DepartmentGuard,
    Duty,
    EvidenceGuard,
    FieldsGuard,
    Guard,
    Of,
    OtherThanGuard,
    PhotoPhase,
    PostGuard,
    RoleGuard,
    Since,
    TasksDoneGuard,
    WithinGuard,
)
from jingwei_core.events.workflow_walk import ASSIGNED
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Denied, Invalid, JingweiError

DUTY_COLUMNS: Mapping[Duty, str] = {
    Duty.FOUND: "found_by",
    Duty.REPORTED: "reporter",
    Duty.OWNED: "owned_by",
    Duty.SOLVED: "solved_by",
    Duty.CHECKED: "checked_by",
}
"""Where an event keeps its five actors (五有)."""

CASE_COLUMNS = (
    *("id", "place_path", "source", "assigned_department", "created_at", "closed_at"),
    "open_tasks",
    *DUTY_COLUMNS.values(),
)
"""The columns of an event that guards look at."""

_POSTS = """
SELECT r.code AS role, p.place_path AS path, l.rank
  FROM core.post p
  JOIN core.role r ON r.tenant_id = p.tenant_id AND r.id = p.role
  JOIN core.place q ON q.tenant_id = p.tenant_id AND q.id = p.place_id
  JOIN core.place_level l ON l.tenant_id = q.tenant_id AND l.code = q.level
 WHERE p.account = $1 AND p.valid_from <= $2 AND (p.valid_to IS NULL OR p.valid_to > $2)
"""
_PHOTOS = """
SELECT s.phase, count(*) AS photos
  FROM core.step_evidence s
  JOIN core.evidence e ON e.tenant_id = s.tenant_id AND e.id = s.evidence
 WHERE s.event = $1 AND e.content_type LIKE 'image/%' GROUP BY s.phase
"""


@dataclass(frozen=True, slots=True)
class Case:
    """An event as guards see it."""

    id: uuid.UUID
    place_path: str
    source: str
    department: uuid.UUID | None
    created_at: datetime
    closed_at: datetime | None
    open_tasks: int
    duties: Mapping[Duty, uuid.UUID | None]

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "Case":
        """The case of a row that has :data:`CASE_COLUMNS`."""
        return cls(
            values["id"],
            values["place_path"],
            values["source"],
            values["assigned_department"],
            values["created_at"],
            values["closed_at"],
            values["open_tasks"],
            {duty: values[column] for duty, column in DUTY_COLUMNS.items()},
        )


@dataclass(frozen=True, slots=True)
class _Held:
    role: str
    path: str
    rank: int


class GuardBook:
    """What guards ask about one actor and some events; each answer is looked up once."""

    def __init__(self, ctx: Context, events: Sequence[uuid.UUID]) -> None:
        assert isinstance(ctx, CoreContext)
        self._ctx = ctx
        self._events = events
        self._held: list[_Held] | None = None
        self._ranks: dict[str, int] | None = None
        self._departments: dict[uuid.UUID, str] | None = None
        self._certificates: Collection[str] | None = None
        self._busy: Collection[uuid.UUID] | None = None
        self._waiting: Collection[uuid.UUID] | None = None

    async def unmet(self, action: Action, case: Case) -> JingweiError | None:
        """Why the actor cannot take the action whatever comes with it; ``None`` when nothing
        stands in the way. The platform itself passes every guard about persons."""
        if not action.serves(case.source):
            return Conflict(
                "EVENT_GUARD_SOURCE", field="action", action=action.code, source=case.source
            )
        for guard in action.guards:
            if isinstance(guard, ON_STANDING) and not await self._holds(guard, case):
                return await self._refusal(guard, action, case)
        return None

    async def _holds(self, guard: Guard, case: Case) -> bool:
        match guard:
            case TasksDoneGuard():
                return case.id not in await self._tasks()
            case AcknowledgedGuard():
                return case.id not in await self._reports()
            case WithinGuard():
                until = await self._until(guard, case)
                return until is not None and self._ctx.now() <= until
        return self._ctx.actor.kind == "system" or await self._is_fit(guard, case)

    async def _is_fit(self, guard: Guard, case: Case) -> bool:
        """Whether the actor is who a guard asks for."""
        actor = self._ctx.actor
        match guard:
            case RoleGuard():
                held = await self._posts()
                return any(
                    post.role in guard.roles and case.place_path.startswith(post.path)
                    for post in held
                )
            case PostGuard():
                rank = await self._rank(guard.level)
                return rank is not None and any(
                    post.role in guard.roles
                    and post.rank <= rank
                    and case.place_path.startswith(post.path)
                    for post in await self._posts()
                )
            case DepartmentGuard(department=department) if department == ASSIGNED:
                return case.department in actor.department_ids
            case DepartmentGuard():
                return guard.department in (await self._own_departments()).values()
            case CertificateGuard():
                return guard.kind in await self._held_certificates()
            case OtherThanGuard():
                return case.duties[guard.duty] != actor.account_id
        raise AssertionError(guard)

    async def _refusal(self, guard: Guard, action: Action, case: Case) -> JingweiError:
        code = action.code
        match guard:
            case RoleGuard():
                told = ", ".join(guard.roles)
                return Denied("EVENT_GUARD_ROLE", field="action", action=code, roles=told)
            case PostGuard():
                told = ", ".join(guard.roles)
                return Denied(
                    "EVENT_GUARD_POST", field="action", action=code, roles=told, level=guard.level
                )
            case DepartmentGuard(department=name):
                return Denied(
                    "EVENT_GUARD_DEPARTMENT", field="action", action=code, department=name
                )
            case CertificateGuard(kind=kind):
                return Denied("EVENT_GUARD_CERTIFICATE", field="action", action=code, kind=kind)
            case OtherThanGuard(duty=duty):
                return Denied(
                    "EVENT_GUARD_OTHER_THAN", field="action", action=code, duty=duty.value
                )
            case TasksDoneGuard():
                return Conflict("EVENT_GUARD_TASKS", field="action", action=code)
            case AcknowledgedGuard():
                return Conflict("EVENT_GUARD_ACKNOWLEDGED", field="action", action=code)
            case WithinGuard():
                until = await self._until(guard, case)
                told = until.isoformat() if until is not None else ""
                return Conflict("EVENT_GUARD_WITHIN", field="action", action=code, until=told)
        raise AssertionError(guard)

    async def until(self, action: Action, case: Case) -> datetime | None:
        """Until when the action can be taken by its guards ``within``; ``None`` where it has
        none, or before their window has begun."""
        windows = [guard for guard in action.guards if isinstance(guard, WithinGuard)]
        ends = [await self._until(guard, case) for guard in windows]
        begun = [end for end in ends if end is not None]
        return min(begun) if begun and len(begun) == len(ends) else None

    async def _until(self, guard: WithinGuard, case: Case) -> datetime | None:
        """When the window ends; ``None`` while it has not begun."""
        begun = case.closed_at if guard.since is Since.CLOSED else case.created_at
        if begun is None:
            return None
        clock = (await self._ctx.configuration.get()).work_clock(self._ctx.tenant.timezone)
        return clock.add(begun, Decimal(str(guard.amount)), guard.unit)

    async def _posts(self) -> list[_Held]:
        if self._held is None:
            rows = await self._ctx.data.fetch(
                _POSTS, self._ctx.actor.account_id, self._ctx.clock.now()
            )
            self._held = [_Held(row["role"], row["path"], row["rank"]) for row in rows]
        return self._held

    async def _rank(self, level: str) -> int | None:
        if self._ranks is None:
            rows = await self._ctx.data.fetch("SELECT code, rank FROM core.place_level")
            self._ranks = {row["code"]: row["rank"] for row in rows}
        return self._ranks.get(level)

    async def _own_departments(self) -> dict[uuid.UUID, str]:
        if self._departments is None:
            rows = await self._ctx.data.fetch(
                "SELECT id, code FROM core.department WHERE id = ANY($1::uuid[])",
                list(self._ctx.actor.department_ids),
            )
            self._departments = {row["id"]: row["code"] for row in rows}
        return self._departments

    async def _held_certificates(self) -> Collection[str]:
        if self._certificates is None:
            account = self._ctx.actor.account_id
            assert account is not None
            port = self._ctx.platform.event_ports.certificates
            self._certificates = await port.held(self._ctx, account, self._ctx.today())
        return self._certificates

    async def _tasks(self) -> Collection[uuid.UUID]:
        if self._busy is None:
            port = self._ctx.platform.event_ports.tasks
            self._busy = await port.open_ones(self._ctx, self._events)
        return self._busy

    async def _reports(self) -> Collection[uuid.UUID]:
        if self._waiting is None:
            port = self._ctx.platform.event_ports.upward_reports
            self._waiting = await port.waiting(self._ctx, self._events)
        return self._waiting


async def require_guards(ctx: Context, action: Action, case: Case) -> None:
    """Raise what :meth:`GuardBook.unmet` answers, if anything."""
    refusal = await GuardBook(ctx, (case.id,)).unmet(action, case)
    if refusal is not None:
        raise refusal


async def require_brought(
    ctx: Context,
    action: Action,
    event: uuid.UUID,
    photos: Sequence[PhotoPhase],
    form: Mapping[str, Any],
) -> None:
    """Raise ``Invalid`` unless the step brings what the guards ask for: ``EVENT_GUARD_EVIDENCE``
    (``phase``, ``at_least``, ``found``), ``EVENT_GUARD_FIELDS`` (``fields``).

    ``photos`` are the phases of the step's pictures, one each; ``form`` is as the step leaves it.
    """
    for guard in action.guards:
        if isinstance(guard, FieldsGuard):
            missing = [name for name in guard.fields if is_empty(form.get(name))]
            if missing:
                field, told = f"form.{missing[0]}", ", ".join(missing)
                raise Invalid("EVENT_GUARD_FIELDS", field=field, action=action.code, fields=told)
        elif isinstance(guard, EvidenceGuard):
            found = sum(phase is guard.phase for phase in photos)
            if guard.of is Of.EVENT:
                rows = await ctx.data.fetch(_PHOTOS, event)
                found += sum(row["photos"] for row in rows if row["phase"] == guard.phase.value)
            if found < guard.at_least:
                raise Invalid(
                    "EVENT_GUARD_EVIDENCE",
                    field="evidence",
                    action=action.code,
                    phase=guard.phase.value,
                    at_least=guard.at_least,
                    found=found,
                )


def is_empty(value: Any) -> bool:
    """Whether a field of a form says nothing; no and zero are answers."""
    return value is None or value in ("", [], {})
