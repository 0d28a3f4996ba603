"""A street with two communities below it that meets every Friday, and an officer seconded to it."""

import json
import uuid
from typing import Any

import pytest

from jingwei_core.commands.staging import CoreStage, run_staged
from jingwei_core.meetings.planning import plan_next
from jingwei_core.platform import Platform
from jingwei_core.session import Request
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import ROOT
from tests.core.workforce.street import Street, build_street

SERIES = "weekly"
RULES: dict[str, Any] = {
    "series": [
        {
            "code": SERIES,
            "name_zh": "周例会",
            "name_en": "Weekly meeting",
            "level": "street",
            "weekday": 5,
            "time": "14:30:00",
            "chair": "street_chief",
            "expected": ["grid_chief"],
            "seconded": True,
            "carry_at_most": 1,
            "limit": {"amount": 5, "unit": "work_day"},
            "agenda": {"states": ["verified"], "overdue": True},
        }
    ]
}
LEDGERS: dict[str, Any] = {
    "ledgers": [
        {
            "code": "problems",
            "title_zh": "问题台账",
            "title_en": "Problems: [all]",
            "source": "event",
            "struck_off": ["closed"],
            "columns": [
                *("number", "title", "state", "reported_by", "solved_by", "owned_department"),
                *("evidence_before", "evidence_after", "links_after"),
                *("closed_at", "struck_off_at", "struck_off_by"),
            ],
        },
        {
            "code": "open",
            "title_zh": "未结",
            "title_en": "Open",
            "source": "event",
            "open_only": True,
            "kinds": ["city.road"],
            "columns": ["title", "place", "due_at"],
        },
        {
            "code": "units",
            "title_zh": "驻区单位台账",
            "title_en": "Units",
            "source": "organisation",
            "columns": ["name", "kind", "place"],
        },
        {
            "code": "staff",
            "title_zh": "网格长台账",
            "title_en": "Chiefs",
            "source": "staff",
            "roles": ["grid_chief"],
            "columns": ["name", "role", "place"],
        },
    ]
}
GRANTED = {
    "street_chief": [
        *("event.read", "event.file", "event.dispatch", "event.close", "event.check"),
        *("meeting.read", "meeting.prepare", "meeting.chair", "ledger.read", "ledger.export"),
        *("department.read", "organisation.read", "organisation.write", "event.return"),
    ],
    "grid_chief": ["meeting.read", "ledger.read", "ledger.export"],
    "officer": ["meeting.read"],
    "handler": ["meeting.read"],
    "worker": ["meeting.read"],
    "clerk": ["meeting.prepare", "ledger.read"],
}
MEETING_TABLES = ("meeting", "meeting_attendance", "meeting_item", "ledger_sheet", "evidence")


class Hall(Street):
    """A tenant of the test; things by name, path or code."""

    async def plan(self) -> None:
        async with self.context(None) as ctx:
            await plan_next(ctx, {})

    async def meetings(self) -> list[Any]:
        return await self.fetch("SELECT * FROM core.meeting ORDER BY planned_at, place_path")

    async def next_meeting(self) -> uuid.UUID:
        """The planned meeting, with its agenda, at its time and open."""
        await self.plan()
        meeting = (await self.meetings())[-1]
        self.clock.instant = meeting["planned_at"]
        await self.run("street-chief", "meeting.draw", meeting["id"])
        await self.run("street-chief", "meeting.hold", meeting["id"])
        found: uuid.UUID = meeting["id"]
        return found

    async def items(self, meeting: uuid.UUID) -> list[Any]:
        return await self.fetch(
            "SELECT * FROM core.meeting_item WHERE meeting = $1 ORDER BY number", meeting
        )

    async def staged(self, login: str, name: str, row: uuid.UUID, locale: str = "zh") -> uuid.UUID:
        """Run a staged command as the account of that login."""
        state = await self.platform.tenant_by_id(self.tenant.id)
        command = self.platform.host.registry(state.enabled).commands[name]
        stage = CoreStage(self.platform, self.tenant, None)  # type: ignore[arg-type]
        request = Request(locale, "test")
        return await run_staged(stage, command, self.identity(login), row, request)

    async def verified(self, **given: Any) -> uuid.UUID:
        """An event that its chief has verified: the series' rule puts it on the agenda."""
        event = await self.report("worker", **given)
        await self.act("chief", event, "file")
        await self.act("chief", event, "verify", note="属实")
        return event

    async def close(self, meeting: uuid.UUID) -> uuid.UUID:
        return await self.staged("street-chief", "meeting.close", meeting)

    async def kept(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        more = await self.rows(MEETING_TABLES)
        return {**await super().kept(), **await self.state(), **more}


async def refused(hall: Hall, code: str, login: str, name: str, *target: Any, **given: Any) -> None:
    """The command is refused with this code, and nothing changed."""
    before = await hall.kept()
    with pytest.raises(JingweiError) as refusal:
        await hall.run(login, name, *target, **given)
    assert refusal.value.code == code
    assert await hall.kept() == before


async def _ask_for_proof(hall: Hall) -> None:
    """Handling asks for no photo here; striking off asks for one of afterwards."""
    stored = await hall.value("SELECT definition::text FROM core.workflow")
    definition = json.loads(stored)
    actions = {action["code"]: action for action in definition["actions"]}
    actions["handle"]["requires"] = ["note"]
    proof = {"guard": "evidence", "phase": "after", "at_least": 1, "of": "event"}
    actions["close"]["guards"] = [proof]
    await hall.fetch("UPDATE core.workflow SET definition = $1", json.dumps(definition))


async def build_hall(platform: Platform) -> Hall:
    street = await build_street(platform)
    hall = Hall(
        platform, street.tenant, street.places, street.departments, street.people, street.kinds
    )
    hall.roles = street.roles
    await hall.fetch("UPDATE core.place SET level = 'street' WHERE path = $1", ROOT)
    for code, permissions in GRANTED.items():
        await hall.fetch(
            "UPDATE core.role SET permissions = permissions || $2::text[] WHERE code = $1",
            code,
            permissions,
        )
    for table, rules in (("meeting_rules", RULES), ("ledger_rules", LEDGERS)):
        await hall.fetch(f"INSERT INTO core.{table} (definition) VALUES ($1)", json.dumps(rules))
    await _ask_for_proof(hall)
    # One chief chairs, the other is no more expected at the street than anybody else.
    await hall.fetch(
        "UPDATE core.post SET role = (SELECT id FROM core.role WHERE code = 'clerk')"
        " WHERE account = $1",
        hall.people["other-street-chief"],
    )
    return hall
