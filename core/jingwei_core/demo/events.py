"""Demo events (演示事件): reported and led to their state by the demo accounts, with real commands.

Each step is a transaction of its own, dated back. Its audit row carries the request id
``seed:<code>``: a start that broke off goes on where the audit log ends. Several commands in one
transaction would hold the end of the audit chain while they wait for rows that others have locked.
"""

import copy
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.forms import filled
from jingwei_core.demo.people import Cast, Member
from jingwei_core.demo.photos import Photographer
from jingwei_core.demo.pictures import railing
from jingwei_core.demo.scene import Scene, fields_asked
from jingwei_core.demo.story import FROM_GRID, instants, path_to, turn_of
from jingwei_core.events.commands import act, report
from jingwei_core.events.workflow import Action, Requirement, WorkflowDefinition, leads_on
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
from jingwei_sdk.errors import Conflict

SEEDED = "seed:"
PICTURES = 4
NOBODY = "EVENT_NOBODY_TO_ASSIGN"
"""Where an area of the demo has no staff, a story ends before the step that needs them."""

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

    async def tell(self, row: DemoEvent, cast: Cast, source: str = FROM_GRID) -> int:
        """Play an event, or the rest of it; how many steps that took.

        It ends early where nobody of the cast may take the next step."""
        told = self._told.get(row.code, Told())
        path = path_to(self._workflows[self._kinds[row.kind].workflow], row.state, source) or ()
        times = instants(row.code, row.days_ago, len(path), self._local_now)
        request = Request(request_id=SEEDED + row.code)
        event_id, taken = told.event_id, 0
        if event_id is None:
            self._clock.instant = times[0]
            event_id = await self._report(row, cast, source, request)
            if event_id is None:
                return 0
            taken = 1
        scene = Scene(self._platform, self._tenant, cast, (event_id, request))
        for action, instant in list(zip(path, times[1:], strict=True))[max(told.steps - 1, 0) :]:
            self._clock.instant = instant
            if not await self._act(row, action, scene, (event_id, request)):
                break
            taken += 1
        return taken

    async def _report(
        self, row: DemoEvent, cast: Cast, source: str, request: Request
    ) -> uuid.UUID | None:
        """The id of the event, registered by the nearest who may; ``None`` where nobody may."""
        reporter = cast.who_may("event.report", self._paths[row.place])
        if reporter is None:
            return None
        kind = self._kinds[row.kind]
        phases = (PhotoPhase.BEFORE,) if kind.photo_required else ()
        given = {
            "kind": row.kind,
            "title": row.title,
            "description": row.description,
            "form": filled(self._forms.get(kind.form), self._clock.instant, turn_of(row.code)),
            "place_id": self._ids[row.place],
            "position": {"lon": row.longitude, "lat": row.latitude, "crs": "EPSG:4490"},
            "evidence": await self._photos(row, reporter, phases, request),
            "source": source,
        }
        call = Call(declaration(report), given)
        answer = await execute(self._platform, self._tenant, reporter.identity, call, request)
        return answer.row_id

    async def _act(
        self, row: DemoEvent, action: Action, scene: Scene, told: tuple[uuid.UUID, Request]
    ) -> bool:
        """Take the action, whatever it asks for; false where nobody may take it."""
        event_id, request = told
        standing = await scene.standing()
        await scene.prepare(action, standing)
        member = await scene.actor(action, standing)
        if member is None:
            return False
        phases = Counter(_PHOTOS[need] for need in action.requires if need in _PHOTOS)
        phases |= Counter(await scene.photos(action))
        if leads_on(action, standing.state):
            phases |= Counter(standing.demands)
        given = self._given(row, action, member)
        given["evidence"] = await self._photos(row, member, list(phases.elements()), request)
        if Requirement.DEPARTMENT in action.requires:
            named = self._departments[self._kinds[row.kind].department]
            given["department"] = await scene.department(named, row.kind, standing.desk.place_path)
        call = Call(declaration(act), given, event_id)
        try:
            await execute(self._platform, self._tenant, member.identity, call, request)
        except Conflict as refusal:
            if refusal.code != NOBODY:
                raise
            return False
        return True

    async def _photos(
        self, row: DemoEvent, member: Member, phases: Sequence[PhotoPhase], request: Request
    ) -> list[dict[str, object]]:
        attached: list[dict[str, object]] = []
        for phase in phases:
            picture = _picture(phase is not PhotoPhase.AFTER, turn_of(row.code) % PICTURES)
            found = await self._photographer.upload(member, picture, request)
            attached.append({"id": found, "phase": phase.value})
        return attached

    def _given(self, row: DemoEvent, action: Action, member: Member) -> dict[str, object]:
        needs, name = action.requires, action.name_zh
        kind = self._kinds[row.kind]
        form = self._forms.get(kind.form)
        asked = fields_asked(action)
        return {
            "action": action.code,
            "note": f"{name}：与现场情况一致。" if Requirement.NOTE in needs else "",
            "reason": f"{name}：经研判办理。" if Requirement.REASON in needs else "",
            "assignee": member.identity.account_id if Requirement.ASSIGNEE in needs else None,
            "form": filled(form, self._clock.instant, turn_of(row.code), asked),
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
