"""Yichang with the plugin and Changzhi without it, from their packages, and some accounts."""

import json
import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.platform import Platform
from jingwei_core.plugins.hooks import REACTION_JOB
from jingwei_core.session import Identity, Request, account_context, system_context
from jingwei_sdk.context import Tenant
from tests.tenants.staff import add_role, employ

PLUGIN = "safety-production"
TENANTS = Path(__file__).resolve().parents[2] / "tenants"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
DISTRICT, NEXT_DISTRICT = "420502", "420503"
GRID, NEXT_GRID = "42050200100101", "42050300200306"
EVENT_STEPS = [
    *("event.report", "event.read", "event.file", "event.verify", "event.dispatch", "event.handle"),
    *("event.check", "event.close", "event.cancel", "event.return", "place.read"),
]
INSPECTOR = [
    *("place.read", "organisation.read", "organisation.write", "event.read"),
    *("safety.enterprise.read", "safety.enterprise.write", "safety.checklist.read"),
    *("safety.inspection.read", "safety.inspection.write"),
    *("safety.hazard.read", "safety.hazard.write", "safety.hazard.rectify"),
]
# login -> permissions, place code, department code
PEOPLE: Mapping[str, tuple[list[str], str, str | None]] = {
    "inspector": (INSPECTOR, DISTRICT, None),
    "next-inspector": (INSPECTOR, NEXT_DISTRICT, None),
    "keeper": (["safety.checklist.read", "safety.checklist.write"], "4205", None),
    "desk": (EVENT_STEPS, "4205", "emergency"),
    "onlooker": (["place.read", "organisation.read", "event.read"], "4205", None),
}


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant


@dataclass
class City:
    """One tenant; people by login."""

    platform: Platform
    tenant: Tenant
    clock: Clock
    people: dict[str, uuid.UUID] = field(default_factory=dict)

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await unit.fetch(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.fetch(sql, *args))[0][0]

    async def run(
        self, login: str, name: str, target: uuid.UUID | None = None, /, **given: object
    ) -> Answer:
        registry = await self.platform.registry(self.tenant.id)
        call = Call(registry.commands[name], given, target)
        identity = Identity(self.people[login], 0)
        return await execute(self.platform, self.tenant, identity, call, Request("zh", "test"))

    async def made(
        self, login: str, name: str, target: uuid.UUID | None = None, /, **given: object
    ) -> uuid.UUID:
        """The id of the row that a command answers."""
        row_id = (await self.run(login, name, target, **given)).row_id
        assert row_id is not None
        return row_id

    def account(self, login: str) -> Any:
        identity = Identity(self.people[login], 0)
        return account_context(self.platform, self.tenant, identity, Request("zh", "test"))

    def system(self) -> Any:
        return system_context(self.platform, self.tenant, "test", Request("zh", "test"))

    async def place(self, code: str) -> uuid.UUID:
        found: uuid.UUID = await self.value("SELECT id FROM core.place WHERE code = $1", code)
        return found

    async def enterprise(self, grid: str = GRID, login: str = "inspector") -> uuid.UUID:
        """An organisation of that grid in the safety ledger; the id of its entry."""
        organisation = await self.made(
            login, "organisation.register", place_id=str(await self.place(grid)), name="示范餐馆01"
        )
        return await self.made(
            login,
            "safety.enterprise.register",
            organisation,
            industry="餐饮业",
            risk_level="yellow",
        )

    async def hazard(self, enterprise: uuid.UUID, **given: object) -> Any:
        found = {"description": "安全出口被杂物堵塞", **given}
        hazard = await self.made("inspector", "safety.hazard.report", enterprise, **found)
        return await self.hazard_row(hazard)

    async def hazard_row(self, hazard: uuid.UUID) -> Any:
        rows = await self.fetch("SELECT * FROM safety_production.hazard WHERE id = $1", hazard)
        return rows[0]

    async def reported(self) -> uuid.UUID:
        """An event of the standard workflow that staff report in the grid."""
        photo = {"id": str(await self._photo("desk")), "phase": "before"}
        return await self.made(
            "desk",
            "event.report",
            kind="governance.road_safety.blocked_lane",
            title="通道被占用",
            place_id=str(await self.place(GRID)),
            evidence=[photo],
        )

    async def act(self, event: uuid.UUID, *actions: str) -> None:
        """Take steps of the standard workflow with what each requires."""
        brought: dict[str, dict[str, object]] = {
            "verify": {"note": "属实"},
            "dispatch": {"department_code": "emergency"},
            "check": {"note": "已整改"},
            "cancel": {"reason": "重复"},
            "reject": {"reason": "不属实"},
            "reopen": {"reason": "复发"},
        }
        for action in actions:
            given = brought.get(action, {})
            if action == "handle":
                photo = {"id": str(await self._photo("desk")), "phase": "after"}
                given = {"note": "已处理", "evidence": [photo]}
            await self.run("desk", "event.act", event, action=action, **given)

    async def react(self) -> int:
        """Run the queued reactions as the worker would; how many there were."""
        rows = await self.fetch(
            "DELETE FROM jobs.pgqueuer WHERE entrypoint = $1 AND tenant_id = $2 RETURNING payload",
            REACTION_JOB,
            self.tenant.id,
        )
        for row in rows:
            await self.react_to(json.loads(row["payload"]))
        return len(rows)

    async def react_to(self, payload: Mapping[str, Any]) -> None:
        registry = await self.platform.registry(self.tenant.id)
        async with self.system() as ctx:
            await registry.jobs[REACTION_JOB].run(ctx, payload)

    async def state(self) -> dict[str, list[str]]:
        """Everything that a refusal must leave alone."""
        tables = (
            *("core.event", "core.event_step", "core.audit_entry", "core.organisation"),
            *("core.evidence", "safety_production.tip"),
            *("safety_production.enterprise", "safety_production.checklist"),
            *("safety_production.inspection", "safety_production.inspection_item"),
            "safety_production.hazard",
        )
        return {
            table: [row[0] for row in await self.fetch(f"SELECT x::text FROM {table} x ORDER BY 1")]
            for table in tables
        }

    async def _photo(self, login: str) -> uuid.UUID:
        found: uuid.UUID = await self.value(
            "INSERT INTO core.evidence (owner, store_key, status, content_type, size_bytes, sha256,"
            " expires_at) VALUES ($1, $2, 'committed', 'image/jpeg', 1000, $3, now()) RETURNING id",
            self.people[login],
            secrets.token_hex(16),
            "0" * 64,
        )
        return found


async def add_people(city: City) -> None:
    """The accounts of ``PEOPLE`` with a role each; departments only where the tenant has them."""
    for login, (permissions, place, department) in PEOPLE.items():
        at = await city.fetch("SELECT id FROM core.place WHERE code = $1", place)
        if not at:
            continue
        role = await add_role(city, f"test-{login}", permissions)
        of = await city.fetch("SELECT id FROM core.department WHERE code = $1", department)
        begun = {"department": of[0][0] if of else None, "valid_from": NOON - timedelta(days=1)}
        await employ(city, login, role, at[0][0], **begun)
