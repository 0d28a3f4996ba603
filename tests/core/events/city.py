"""A small city with two grids side by side, two departments, and an account for each duty."""

import json
import secrets
import tomllib
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, Identity, Request, account_context, system_context
from jingwei_sdk.context import Tenant
from tests.core.events.frozen_clock import MONDAY
from tests.tenants.listing import list_tenant
from tests.tenants.staff import add_role, employ

ROOT, GRID, SIBLING = "/1/", "/1/2/", "/1/22/"
ORDINALS = {ROOT: 1, GRID: 2, SIBLING: 74}
# Squares of 0.01 degree with a common edge at 111.30.
WEST_OF = {GRID: 111.29, SIBLING: 111.30}
SOUTH, NORTH = 30.69, 30.70
IN_GRID = {"lon": 111.295, "lat": 30.695, "crs": "EPSG:4490"}
IN_SIBLING = {"lon": 111.305, "lat": 30.695, "crs": "EPSG:4490"}
ON_EDGE = {"lon": 111.30, "lat": 30.695, "crs": "EPSG:4490"}
NOWHERE = {"lon": 112.5, "lat": 31.5, "crs": "EPSG:4490"}

ROLES = {
    "worker": ["place.read", "event.read", "event.report"],
    "chief": ["place.read", "event.read", "event.file", "event.verify", "event.assign"],
    "centre": ["place.read", "event.read", "event.dispatch", "event.close", "event.return"],
    "handler": ["place.read", "event.read", "event.handle"],
    "checker": ["place.read", "event.read", "event.check", "event.return"],
    "clerk": ["place.read"],
    "superior": ["place.read", "event.read", "event.escalate"],
}
# login -> role, place, department
PEOPLE = {
    "worker": ("worker", GRID, None),
    "other-worker": ("worker", SIBLING, None),
    "chief": ("chief", ROOT, None),
    "centre": ("centre", ROOT, None),
    "mender": ("handler", ROOT, "roads"),
    "second-mender": ("handler", ROOT, "roads"),
    "plumber": ("handler", ROOT, "water"),
    "checker": ("checker", ROOT, None),
    "clerk": ("clerk", ROOT, None),
    "superior": ("superior", ROOT, None),
}
POTHOLE, LEAK, HAZARD = "city.road.pothole", "city.water.leak", "safety.site.hazard"
FORM = {
    "type": "object",
    "properties": {"width_cm": {"type": "integer", "minimum": 1}},
    "additionalProperties": False,
}
OFFICE = {
    "working_hours": [{"begin": "08:30", "end": "12:00"}, {"begin": "14:00", "end": "17:30"}],
    "weekend": [6, 7],
}
RULES = [
    ("road", "registered", 2, "hour"),
    ("road", "dispatched", 4, "work_hour"),
    ("road", "handled", 1, "work_day"),
    ("road", "*", 7, "work_day"),
]
STANDARD = Path(__file__).resolve().parents[3] / "tenants/yichang/events/workflows/standard.toml"
COUNTED = (
    *("event", "event_step", "step_evidence", "event_number", "audit_entry", "command_key"),
    *("outbox_message",),
)


@dataclass
class City:
    """A tenant of the test; things by name, path or code."""

    platform: Platform
    tenant: Tenant
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    departments: dict[str, uuid.UUID] = field(default_factory=dict)
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    kinds: dict[str, uuid.UUID] = field(default_factory=dict)

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await unit.fetch(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.fetch(sql, *args))[0][0]

    def identity(self, login: str) -> Identity:
        return Identity(self.people[login], 0)

    async def run(
        self, login: str, name: str, target: uuid.UUID | None = None, /, **given: object
    ) -> Answer:
        """Run a command as the account of that login, in a transaction of its own."""
        state = await self.platform.tenant_by_id(self.tenant.id)
        command = self.platform.host.registry(state.enabled).commands[name]
        call = Call(command, given, target)
        return await execute(
            self.platform, self.tenant, self.identity(login), call, Request("zh", "test")
        )

    async def told_late(self, login: str, happened_at: datetime, **given: object) -> uuid.UUID:
        """Report a pothole that a device found at that time, without a network; the event's id."""
        state = await self.platform.tenant_by_id(self.tenant.id)
        command = self.platform.host.registry(state.enabled).commands["event.report"]
        report = {"kind": POTHOLE, "title": "路面坑洞", "position": IN_GRID, **given}
        request = Request("zh", "test", happened_at)
        who = (self.tenant, self.identity(login))
        answer = await execute(self.platform, *who, Call(command, report), request)
        assert answer.row_id is not None
        return answer.row_id

    async def report(self, login: str = "worker", **given: object) -> uuid.UUID:
        """Report a pothole in the grid; the event's id."""
        report = {"kind": POTHOLE, "title": "路面坑洞", "position": IN_GRID, **given}
        answer = await self.run(login, "event.report", **report)
        assert answer.row_id is not None
        return answer.row_id

    async def act(self, login: str, event: uuid.UUID, action: str, **given: object) -> None:
        await self.run(login, "event.act", event, action=action, **given)

    async def photo(self, login: str, **columns: object) -> uuid.UUID:
        """An upload of that account, committed unless told otherwise."""
        values = {"status": "committed", "content_type": "image/jpeg", **columns}
        found: uuid.UUID = await self.value(
            "INSERT INTO core.evidence (owner, store_key, status, content_type, size_bytes, sha256,"
            " expires_at) VALUES ($1, $2, $3, $4, 1000, $5, now()) RETURNING id",
            self.people[login],
            secrets.token_hex(16),
            values["status"],
            values["content_type"],
            "0" * 64,
        )
        return found

    @asynccontextmanager
    async def context(self, login: str | None) -> AsyncIterator[CoreContext]:
        """A context for an account, or for the platform itself."""
        request = Request("zh", "test")
        if login is None:
            async with system_context(self.platform, self.tenant, "test", request) as ctx:
                yield ctx
            return
        identity = self.identity(login)
        async with account_context(self.platform, self.tenant, identity, request) as ctx:
            yield ctx

    async def event(self, event: uuid.UUID) -> Any:
        return (await self.fetch("SELECT * FROM core.event WHERE id = $1", event))[0]

    async def steps(self, event: uuid.UUID) -> list[Any]:
        return await self.fetch(
            "SELECT * FROM core.event_step WHERE event = $1 ORDER BY sequence", event
        )

    async def state(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        return await self.rows(COUNTED)

    async def rows(self, tables: Iterable[str]) -> dict[str, Any]:
        """All rows of these tables of the core, to be compared."""
        return {
            table: await self.fetch(f"SELECT x::text FROM core.{table} x ORDER BY 1")
            for table in tables
        }


async def build_city(platform: Platform, plugins: tuple[str, ...] = ()) -> City:
    slug = f"city-{secrets.token_hex(4)}"
    async with platform.database.owner() as unit:
        tenant = await list_tenant(unit, slug, plugins)
    await platform.state(slug)
    city = City(platform, tenant)
    await _places(city)
    await _people(city)
    await _rules(city)
    return city


async def _places(city: City) -> None:
    for path, ordinal in ORDINALS.items():
        city.places[path] = await city.value(
            "INSERT INTO core.place (parent, level, ordinal, path, depth, name, code, valid_from)"
            " VALUES ($1, 'grid', $2, $3, $4, $3, $5, '2026-01-01') RETURNING id",
            city.places.get(ROOT),
            ordinal,
            path,
            path.count("/") - 2,
            f"4205{ordinal:02}",
        )
    for path, west in WEST_OF.items():
        east = west + 0.01
        ring = [[west, SOUTH], [east, SOUTH], [east, NORTH], [west, NORTH], [west, SOUTH]]
        box = [round(value * 10_000_000) for value in (west, east, SOUTH, NORTH)]
        await city.fetch(
            "INSERT INTO core.place_shape (place, geometry, min_lon_e7, max_lon_e7, min_lat_e7,"
            " max_lat_e7) VALUES ($1, $2, $3, $4, $5, $6)",
            city.places[path],
            json.dumps({"type": "Polygon", "coordinates": [ring]}),
            *box,
        )


async def _people(city: City) -> None:
    for code in ("roads", "water"):
        city.departments[code] = await city.value(
            "INSERT INTO core.department (code, name) VALUES ($1, $1) RETURNING id", code
        )
    roles = {code: await add_role(city, code, may) for code, may in ROLES.items()}
    begun = MONDAY - timedelta(days=1)
    for login, (role, path, department) in PEOPLE.items():
        member = city.departments.get(department or "")
        post = {"department": member, "valid_from": begun}
        await employ(city, login, roles[role], city.places[path], **post)


async def _rules(city: City) -> None:
    definition = tomllib.loads(STANDARD.read_text(encoding="utf-8"))
    await city.fetch(
        "INSERT INTO core.workflow (code, number, digest, definition) VALUES ($1, 1, $2, $3)",
        "standard",
        "first",
        json.dumps(definition),
    )
    await city.fetch(
        "INSERT INTO core.work_calendar (code, definition) VALUES ('default', $1)",
        json.dumps(OFFICE),
    )
    for rule in RULES:
        await city.fetch(
            "INSERT INTO core.deadline_rule (profile, state, amount, unit) VALUES ($1, $2, $3, $4)",
            *rule,
        )
    await _kind(city, "city", workflow="")
    await _kind(city, POTHOLE, department="roads", form=FORM)
    await _kind(city, LEAK, department="water", photo=True)
    await _kind(city, HAZARD, plugin="safety-production", profile="")


async def _kind(city: City, code: str, **row: Any) -> None:
    city.kinds[code] = await city.value(
        "INSERT INTO core.event_kind (code, name, department, workflow, deadline_profile,"
        " form_schema, photo_required, owner_plugin)"
        " VALUES ($1, $1, $2, $3, $4, $5, $6, $7) RETURNING id",
        code,
        city.departments.get(row.get("department", "")),
        row.get("workflow", "standard"),
        row.get("profile", "road"),
        json.dumps(row["form"]) if "form" in row else None,
        row.get("photo", False),
        row.get("plugin", ""),
    )
