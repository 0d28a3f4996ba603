"""A shipped package brought to life: applied to a database, with the demo accounts of the package,
who hold its own roles and nothing else, and a storyteller who leads events through its workflows.
"""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from jingwei_core.database import open_database
from jingwei_core.demo.events import Storyteller
from jingwei_core.demo.forms import filled
from jingwei_core.demo.people import Cast, Member, load_cast
from jingwei_core.demo.scene import Scene
from jingwei_core.demo.story import FROM_GRID, path_to
from jingwei_core.demo.workforce import seed_workforce
from jingwei_core.events.deadlines import Rule, limit_of
from jingwei_core.events.work_clock import Shift, WorkClock
from jingwei_core.events.workflow import Action, StateKind, WorkflowDefinition, leads_on
from jingwei_core.events.workflow_guards import PhotoPhase
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.platform import Platform, assemble
from jingwei_core.session import CoreContext, Request, account_context, system_context
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.package_model import DemoEvent, KindRow, TenantPackage
from tests.servers.databases import NewDatabase
from tests.tenants.small_world import SmallCity, build_city

TENANTS = Path(__file__).resolve().parents[2] / "tenants"
SLUGS = sorted(path.parent.name for path in TENANTS.glob("*/tenant.toml"))
DAYS_AGO = 30
_EVENT = "SELECT * FROM core.event WHERE id = $1"


@dataclass
class Walked:
    """An event that was led to the end of its workflow."""

    kind: str
    source: str
    id: uuid.UUID
    seen: list[Mapping[str, Any]] = field(default_factory=list)
    """The event's row after the report and after each step."""
    actors: list[str] = field(default_factory=list)
    """The logins of who took the steps, tasks left out."""

    @property
    def states(self) -> list[str]:
        """The states that people brought it to."""
        return [str(row["state"]) for row in self.seen]


class Guide(Storyteller):
    """Leads events, and keeps every state they come to with its limits.

    Its photos are rows: the three steps of an upload have tests of their own.
    """

    seen: list[Mapping[str, Any]]
    city: SmallCity

    def path(self, place: str) -> str:
        return self._paths[place]

    def place(self, place: str) -> uuid.UUID:
        return self._ids[place]

    async def _photos(
        self, row: DemoEvent, member: Member, phases: Sequence[PhotoPhase], request: Request
    ) -> list[dict[str, object]]:
        return [
            {"id": await photo(self.city, member.identity.account_id), "phase": phase.value}
            for phase in phases
        ]

    async def _report(
        self, row: DemoEvent, cast: Cast, source: str, request: Request
    ) -> uuid.UUID | None:
        event = await super()._report(row, cast, source, request)
        self.seen += await self.city.fetch(_EVENT, event)
        return event

    async def _act(
        self, row: DemoEvent, action: Action, scene: Scene, told: tuple[uuid.UUID, Request]
    ) -> bool:
        was_taken = await super()._act(row, action, scene, told)
        self.seen += await self.city.fetch(_EVENT, told[0])
        return was_taken


async def photo(city: SmallCity, owner: uuid.UUID) -> uuid.UUID:
    """A committed picture of the account."""
    rows = await city.fetch(
        "INSERT INTO core.evidence (owner, store_key, status, content_type, size_bytes, sha256,"
        " expires_at) VALUES ($1, $2, 'committed', 'image/jpeg', 1000, $3, now()) RETURNING id",
        owner,
        secrets.token_hex(16),
        "0" * 64,
    )
    return cast(uuid.UUID, rows[0]["id"])


@dataclass(frozen=True)
class LivingCity:
    """A package in a database of its own.

    ``stage`` is the code of a capture unit where the package has staff.
    """

    city: SmallCity
    cast: Cast
    guide: Guide
    stage: str

    @property
    def package(self) -> TenantPackage:
        return self.city.package

    @property
    def kinds(self) -> list[KindRow]:
        """The kinds that are reported."""
        return [kind for kind in self.package.kinds if kind.is_leaf]

    def workflow(self, code: str) -> WorkflowDefinition:
        return next(row for row in self.package.workflows if row.code == code)

    async def walk(self, kind: str, source: str = FROM_GRID, state: str = "") -> Walked:
        """Report an event of the kind on the stage and lead it to its end, or to ``state``."""
        row = next(one for one in self.kinds if one.code == kind)
        workflow = self.workflow(row.workflow)
        west, south = self._middle()
        event = DemoEvent(
            code=f"{kind}-{source}-{secrets.token_hex(4)}",
            kind=kind,
            place=self.stage,
            title=row.name_zh,
            description="",
            longitude=west,
            latitude=south,
            days_ago=DAYS_AGO,
            state=state or expected_end(workflow, source),
        )
        self.guide.seen = []
        await self.guide.tell(event, self.cast, source)
        seen = self.guide.seen
        steps = await self.city.fetch(
            "SELECT a.login FROM core.event_step s JOIN core.account a ON a.id = s.actor"
            " WHERE s.event = $1 AND s.action NOT LIKE 'task.%' ORDER BY s.sequence",
            seen[0]["id"],
        )
        return Walked(
            kind,
            source,
            cast(uuid.UUID, seen[0]["id"]),
            seen,
            [str(step["login"]) for step in steps],
        )

    async def report(self, kind: str, source: str, handling: str = "") -> None:
        """Report an event of the kind on the stage, and nothing more."""
        row = next(one for one in self.kinds if one.code == kind)
        reporter = self.cast.who_may("event.report", self.guide.path(self.stage))
        assert reporter is not None
        owner = reporter.identity.account_id
        photos = [await photo(self.city, owner)] if row.photo_required else []
        forms = {form.code: form.schema for form in self.package.forms}
        await self.city.run(
            reporter.login,
            "event.report",
            kind=kind,
            title=row.name_zh,
            source=source,
            handling=handling,
            place_id=self.guide.place(self.stage),
            form=filled(forms.get(row.form), self.city.platform.clock.now(), 1),
            evidence=[{"id": one, "phase": "before"} for one in photos],
        )

    async def event(self, walked: Walked) -> dict[str, Any]:
        (row,) = await self.city.fetch(_EVENT, walked.id)
        return row

    @asynccontextmanager
    async def as_(self, login: str) -> AsyncIterator[CoreContext]:
        """A context of a demo account."""
        async with self.city.context(login) as ctx:
            yield ctx

    @asynccontextmanager
    async def as_member(self, member: Member) -> AsyncIterator[CoreContext]:
        """A context of one of the cast."""
        where = (self.city.platform, self.city.tenant)
        async with account_context(*where, member.identity, Request()) as ctx:
            yield ctx

    @asynccontextmanager
    async def as_system(self) -> AsyncIterator[CoreContext]:
        """A context of the platform itself."""
        async with system_context(self.city.platform, self.city.tenant, "test", Request()) as ctx:
            yield ctx

    def _middle(self) -> tuple[float, float]:
        shape = next(one for one in self.package.shapes if one.place == self.stage)
        ring = shape.rings[0]
        return (
            round(sum(x for x, _ in ring[:-1]) / (len(ring) - 1), 6),
            round(sum(y for _, y in ring[:-1]) / (len(ring) - 1), 6),
        )


def expected_end(workflow: WorkflowDefinition, source: str) -> str:
    """The final state that an event is meant to come to, not by an exception."""
    for state in workflow.states:
        path = path_to(workflow, state.code, source)
        if state.kind is StateKind.FINAL and path and leads_on(path[-1], path[-1].from_[0]):
            return state.code
    raise AssertionError(f"{workflow.code}: no end")


def clock_of(package: TenantPackage) -> WorkClock:
    """The work clock of the package's calendar, made of the file and not of the database."""
    calendar = package.calendar
    shifts = tuple(Shift(hours.begin, hours.end) for hours in calendar.working_hours)
    week = tuple(() if day in calendar.weekend else shifts for day in range(1, 8))
    days = {row.day: row.is_working for row in calendar.days}
    return WorkClock(ZoneInfo(package.tenant.timezone), week, shifts, days)


def limits_of(package: TenantPackage, kind: KindRow) -> dict[str, Rule]:
    """The limits of a kind by the package: those of its profile before those of its workflow."""
    workflow = next(row for row in package.workflows if row.code == kind.workflow)
    own = {
        row.state: Rule(Decimal(str(row.amount)), row.unit, row.warn_at_percent)
        for row in package.deadlines
        if row.profile == kind.deadline
    }
    return {**workflow.rules(), **own}


def due(clock: WorkClock, rule: Rule | None, at: datetime) -> datetime | None:
    """When a limit that begins then ends."""
    return None if rule is None else limit_of(clock, rule, at).due_at


@asynccontextmanager
async def living_city(
    new_database: NewDatabase, slug: str, folder: Path
) -> AsyncIterator[LivingCity]:
    """The package applied to a new database, with its demo accounts."""
    package = await asyncio.to_thread(load_package, TENANTS / slug)
    async with new_database() as settings, open_database(settings) as database:
        platform: Platform = await asyncio.to_thread(assemble, database)
        await platform.store.ensure_ready()
        city = await build_city(platform, package, folder / f"{slug}.json")
        await seed_workforce(platform, city.tenant, package)
        cast_ = await load_cast(platform, city.tenant, package)
        guide = Guide(platform, city.tenant, package, cast(ImageWorkers, None))
        guide.city, guide.seen = city, []
        await guide.open()
        units = {level.code for level in package.levels if level.is_capture_unit}
        staffed = {row.place for row in package.demo.accounts}
        places = (place for place in package.places if place.level in units)
        stage = min(place.code for place in places if place.code in staffed)
        yield LivingCity(city, cast_, guide, stage)
