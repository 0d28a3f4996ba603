"""Demo events (演示事件): reported and led to their state by the demo accounts, with real commands.

Each step is a transaction of its own, dated back. Its audit row carries the request id
``seed:<code>``: a start that broke off goes on where the audit log ends. Several commands in one
transaction would hold the end of the audit chain while they wait for rows that others have locked.
"""

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.forms import filled
from jingwei_core.demo.people import Cast, Member
from jingwei_core.demo.photos import Photographer
from jingwei_core.demo.pictures import railing
from jingwei_core.demo.story import instants, path_to, turn_of
from jingwei_core.events.commands import act, report
from jingwei_core.events.workflow import Action, Assigns, By, Requirement, WorkflowDefinition
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_core.tenants.package_model import (
    DemoEvent,
    KindRow,
    TenantPackage,
)
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

SEEDED = "seed:"
PICTURES = 4
_TOLD = """
SELECT request_id, count(*) AS steps, (array_agg(target_id ORDER BY sequence))[1] AS event_id
  FROM core.audit_entry
 WHERE command IN ('event.report', 'event.act') AND request_id LIKE 'seed:%'
 GROUP BY request_id
"""
_PHOTOS = {Requirement.PHOTO_BEFORE: PhotoPhase.BEFORE, Requirement.PHOTO_AFTER: PhotoPhase.AFTER}


class StoryClock:
    """The time at which a step of a story happens."""

    def __init__(self) -> None:
        self.instant = datetime.now(UTC)

    def now(self) -> datetime:
        """The step's time, in UTC."""
        return self.instant.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Told:
    """A demo event as far as it was played: its id, and how many steps were taken."""

    event_id: uuid.UUID | None = None
    steps: int = 0


@dataclass(frozen=True, slots=True)
class Turn:
    """One command of a story: by whom, when, with which photos; ``None`` for the report."""

    member: Member
    at: datetime
    action: Action | None
    phases: tuple[PhotoPhase, ...]
    department: uuid.UUID | None = None
    assignee: uuid.UUID | None = None


class Storyteller:
    """Plays the demo events of one tenant; ``workers`` look at the pictures."""

    def __init__(
        self, platform: Platform, tenant: Tenant, package: TenantPackage, workers: ImageWorkers
    ) -> None:
        self._clock = StoryClock()
        # The same platform with another clock: contexts take the time from their platform.
        self._platform = copy.copy(platform)
        self._platform.clock = self._clock
        self._now = platform.clock.now()
        self._tenant = tenant
        self._package = package
        self._photographer = Photographer(self._platform, tenant, workers)
        self._told: dict[str, Told] = {}
        self._paths: dict[str, str] = {}
        self._ids: dict[str, uuid.UUID] = {}
        self._departments: dict[str, uuid.UUID] = {}

    async def open(self) -> None:
        """Look up what the tenant holds, and how far each demo event is."""
        async with self._platform.database.unit(self._tenant.id) as unit:
            for row in await unit.fetch(_TOLD):
                code = row["request_id"].removeprefix(SEEDED)
                self._told[code] = Told(row["event_id"], row["steps"])
            for row in await unit.fetch("SELECT code, id, path FROM core.place"):
                self._ids[row["code"]], self._paths[row["code"]] = row["id"], row["path"]
            for row in await unit.fetch("SELECT code, id FROM core.department"):
                self._departments[row["code"]] = row["id"]

    async def tell(self, row: DemoEvent, cast: Cast) -> int:
        """Play an event, or the rest of it; how many steps that took."""
        told = self._told.get(row.code, Told())
        event_id = told.event_id
        left = self._turns(row, cast)[told.steps :]
        request = Request(request_id=SEEDED + row.code)
        for turn in left:
            self._clock.instant = turn.at
            given = self._given(row, turn, await self._photos(row, turn, request))
            call = Call(declaration(report if turn.action is None else act), given, event_id)
            answer = await execute(
                self._platform, self._tenant, turn.member.identity, call, request
            )
            event_id = answer.row_id
        return len(left)

    def _turns(self, row: DemoEvent, cast: Cast) -> list[Turn]:
        kind = self._kinds[row.kind]
        path = path_to(self._workflows[kind.workflow], row.state) or ()
        times = instants(row.code, row.days_ago, len(path), self._local_now)
        at = self._paths[row.place]
        reporter = cast.who_may("event.report", at)
        if reporter is None:
            return []
        phases = (PhotoPhase.BEFORE,) if kind.photo_required else ()
        turns = [Turn(reporter, times[0], None, phases)]
        assigned: uuid.UUID | None = None
        for action, instant in zip(path, times[1:], strict=True):
            named = self._departments[kind.department]
            if action.assigns is not Assigns.KEEP:
                assigned = named if action.assigns is Assigns.DEPARTMENT else None
            of = assigned if action.by is By.ASSIGNED else None
            member = cast.who_may(action.permission, at, of)
            if member is None:
                break
            turns.append(
                Turn(
                    member,
                    instant,
                    action,
                    tuple(_PHOTOS[need] for need in action.requires if need in _PHOTOS),
                    named if Requirement.DEPARTMENT in action.requires else None,
                    member.identity.account_id if Requirement.ASSIGNEE in action.requires else None,
                )
            )
        return turns

    async def _photos(
        self, row: DemoEvent, turn: Turn, request: Request
    ) -> list[dict[str, object]]:
        attached: list[dict[str, object]] = []
        for phase in turn.phases:
            picture = _picture(phase is not PhotoPhase.AFTER, turn_of(row.code) % PICTURES)
            found = await self._photographer.upload(turn.member, picture, request)
            attached.append({"id": found, "phase": phase.value})
        return attached

    def _given(
        self, row: DemoEvent, turn: Turn, attached: list[dict[str, object]]
    ) -> dict[str, object]:
        if turn.action is None:
            kind = self._kinds[row.kind]
            position = {"lon": row.longitude, "lat": row.latitude, "crs": "EPSG:4490"}
            return {
                "kind": row.kind,
                "title": row.title,
                "description": row.description,
                "form": filled(self._forms.get(kind.form), turn.at, turn_of(row.code)),
                "place_id": self._ids[row.place],
                "position": position,
                "evidence": attached,
            }
        needs = turn.action.requires
        name = turn.action.name_zh
        return {
            "action": turn.action.code,
            "note": f"{name}：与现场情况一致。" if Requirement.NOTE in needs else "",
            "reason": f"{name}：经研判办理。" if Requirement.REASON in needs else "",
            "department": turn.department,
            "assignee": turn.assignee,
            "evidence": attached,
        }

    @property
    def _local_now(self) -> datetime:
        return self._now.astimezone(self._tenant.timezone)

    @cached_property
    def _kinds(self) -> Mapping[str, KindRow]:
        return {row.code: row for row in self._package.kinds}

    @cached_property
    def _workflows(self) -> Mapping[str, WorkflowDefinition]:
        return {row.code: row for row in self._package.workflows}

    @cached_property
    def _forms(self) -> Mapping[str, Mapping[str, object]]:
        return {row.code: row.schema for row in self._package.forms}


@lru_cache(maxsize=2 * PICTURES)
def _picture(broken: bool, number: int) -> bytes:
    return railing(broken=broken, mark=f"{number + 1}")
