"""A scene (演示场次): an event as it stands, who of the cast may take a step, and what has to come
before it: reports upward are acknowledged by who got them, sub-tasks done by whose they are."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.people import ACTOR, Cast, Member
from jingwei_core.events.authority import Desk, may_take
from jingwei_core.events.guarding import GuardBook
from jingwei_core.events.stepping import case_of
from jingwei_core.events.tables import Event
from jingwei_core.events.workflow import Action, By
from jingwei_core.events.workflow_guards import (
    AcknowledgedGuard,
    EvidenceGuard,
    FieldsGuard,
    Of,
    PhotoPhase,
)
from jingwei_core.platform import Platform
from jingwei_core.routing.commands import acknowledge_report
from jingwei_core.routing.reports_up import SUPERVISE
from jingwei_core.routing.router import decide
from jingwei_core.session import Request, account_context, system_context
from jingwei_core.tasks.authority import HANDLE
from jingwei_core.tasks.commands import accept, complete
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

_STANDING = """
SELECT state, place_path, assigned_department, assigned_account, open_tasks, demands
  FROM core.event WHERE id = $1
"""
_REPORTS = """
SELECT id, account FROM core.event_report_up
 WHERE event = $1 AND acknowledged_at IS NULL ORDER BY id
"""
_TASKS = """
SELECT id, state, department, assignee, certificate_kind FROM core.event_task
 WHERE event = $1 AND state IN ('open', 'accepted') ORDER BY id
"""
_PHOTOS = "SELECT count(*) FROM core.step_evidence WHERE event = $1 AND phase = $2"
_DONE = "已按要求完成。"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an event stands before a step."""

    state: str
    desk: Desk
    has_tasks: bool
    demands: tuple[PhotoPhase, ...]


class Scene:
    """One event of a tenant and the people who may do something about it."""

    def __init__(
        self, platform: Platform, tenant: Tenant, cast: Cast, told: tuple[uuid.UUID, Request]
    ) -> None:
        """``told`` are the event's id and the request in whose name things happen."""
        self._platform = platform
        self._tenant = tenant
        self._cast = cast
        self._event, self._request = told

    async def standing(self) -> Standing:
        """How the event stands now."""
        async with self._platform.database.unit(self._tenant.id) as unit:
            (row,) = await unit.fetch(_STANDING, self._event)
        desk = Desk(row["place_path"], row["assigned_department"], row["assigned_account"])
        demands = tuple(PhotoPhase(phase) for phase in row["demands"])
        return Standing(row["state"], desk, row["open_tasks"] > 0, demands)

    async def prepare(self, action: Action, now: Standing) -> None:
        """Let happen what the action waits for, as far as somebody is there who may."""
        if any(isinstance(guard, AcknowledgedGuard) for guard in action.guards):
            await self._acknowledge(now.desk.place_path)
        if now.has_tasks:
            await self._do_tasks(now.desk.place_path)

    async def actor(self, action: Action, now: Standing) -> Member | None:
        """Who takes the action: the nearest who holds its permission and passes its guards."""
        for member in self._able(action.permission, now.desk.place_path):
            if not action.guards and not action.sources and action.by is By.ANYONE:
                return member
            if await self._passes(member, action, now.desk):
                return member
        return None

    async def department(self, named: uuid.UUID, kind: str, path: str) -> uuid.UUID | None:
        """Which department an event of the kind is given to: that of the kind if somebody of the
        cast is of it, else the one that the routes tell."""
        if self._cast.staffs(named):
            return named
        async with system_context(self._platform, self._tenant, ACTOR, self._request) as ctx:
            decided = await decide(ctx, kind, path)
        return named if decided is None else decided.department

    async def photos(self, action: Action) -> tuple[PhotoPhase, ...]:
        """The phases of the pictures that the action's guards still ask for."""
        found: list[PhotoPhase] = []
        for guard in action.guards:
            if isinstance(guard, EvidenceGuard):
                there = await self._count(guard.phase) if guard.of is Of.EVENT else 0
                found += [guard.phase] * (guard.at_least - there)
        return tuple(found)

    async def _count(self, phase: PhotoPhase) -> int:
        async with self._platform.database.unit(self._tenant.id) as unit:
            found: int = await unit.fetchval(_PHOTOS, self._event, phase.value)
        return found

    async def _passes(self, member: Member, action: Action, desk: Desk) -> bool:
        context = account_context(self._platform, self._tenant, member.identity, self._request)
        async with context as ctx:
            if not may_take(ctx, action, desk):
                return False
            case = case_of(await ctx.data.get(Event, self._event))
            return await GuardBook(ctx, (self._event,)).unmet(action, case) is None

    async def _acknowledge(self, path: str) -> None:
        async with self._platform.database.unit(self._tenant.id) as unit:
            rows = await unit.fetch(_REPORTS, self._event)
        for row in rows:
            member = self._one(row["account"]) if row["account"] else None
            member = member or next(iter(self._able(SUPERVISE, path)), None)
            if member is not None:
                await self._run(member, Call(declaration(acknowledge_report), {}, row["id"]))

    async def _do_tasks(self, path: str) -> None:
        async with self._platform.database.unit(self._tenant.id) as unit:
            rows = await unit.fetch(_TASKS, self._event)
        for row in rows:
            able = self._able(HANDLE, path)
            if row["assignee"] is not None:
                able = [one for one in able if one.identity.account_id == row["assignee"]]
            else:
                able = [one for one in able if row["department"] in one.department_ids]
            member = next(iter(able), None)
            if member is None:
                continue
            if row["state"] == "open":
                await self._run(member, Call(declaration(accept), {}, row["id"]))
            given = {"result": _DONE}
            await self._run(member, Call(declaration(complete), given, row["id"]))

    async def _run(self, member: Member, call: Call) -> None:
        await execute(self._platform, self._tenant, member.identity, call, self._request)

    def _one(self, account: uuid.UUID) -> Member | None:
        members = self._cast.members
        return next((one for one in members if one.identity.account_id == account), None)

    def _able(self, permission: str, path: str) -> list[Member]:
        return self._cast.able(permission, path)


def fields_asked(action: Action) -> Iterable[str]:
    """The fields of the form that the action's guards ask for."""
    return [
        name for guard in action.guards if isinstance(guard, FieldsGuard) for name in guard.fields
    ]
