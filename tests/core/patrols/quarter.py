"""A city with a planner over two grids and a walker in each."""

import json
import uuid
from datetime import timedelta
from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import GRID, ROOT, SIBLING, City, build_city
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.tenants.staff import add_role, employ

WALK = ["patrol.read", "patrol.log", "visit.read", "visit.log", "event.report", "place.read"]
PLAN = ["patrol.read", "patrol.plan", "visit.read", "visit.plan", "patrol.log", "place.read"]
PEOPLE = {
    "west": ("walker", GRID),
    "east": ("walker", SIBLING),
    "planner": ("planner", ROOT),
    "west-planner": ("planner", GRID),
}
VISITS = {
    "remind_days": 1,
    "topics": [{"code": "water", "name_zh": "用水", "name_en": "Water"}],
    "levels": [
        {
            "code": "high",
            "name_zh": "高风险",
            "name_en": "High",
            "per": "week",
            "rule": "探访办法第五条",
            "first_days": 1,
        },
        {"code": "key", "name_zh": "重点", "name_en": "Key", "per": "month", "rule": "第五条"},
    ],
}
KEPT = (
    *("patrol_plan", "check_point", "patrol", "patrol_evidence", "visit", "visit_need", "event"),
    *("event_step", "event_number", "audit_entry", "command_key", "outbox_message"),
)


class Quarter(City):
    """A tenant of the test; things by name, path or code."""

    @property
    def clock(self) -> FrozenClock:
        clock = self.platform.clock
        assert isinstance(clock, FrozenClock)
        return clock

    def pass_days(self, days: float) -> None:
        self.clock.instant += timedelta(days=days)

    async def made(self, who: str, name: str, /, **given: Any) -> uuid.UUID:
        """Run a command that makes a row; its id."""
        answer = await self.run(who, name, **given)
        assert answer.row_id is not None
        return answer.row_id

    def plan_of(self, **given: Any) -> dict[str, Any]:
        return {
            "place_id": self.places[ROOT],
            "code": "daily",
            "name": "日巡查",
            "role": "walker",
            "level": "grid",
            "check_points": [
                {"code": "gate", "name": "大门", "place_id": self.places[GRID]},
                {"code": "east-gate", "name": "东门", "place_id": self.places[SIBLING]},
            ],
            **given,
        }

    async def plan(self, **given: Any) -> uuid.UUID:
        return await self.made("planner", "patrol.plan.save", **self.plan_of(**given))

    async def point(self, code: str) -> uuid.UUID:
        found: uuid.UUID = await self.value("SELECT id FROM core.check_point WHERE code = $1", code)
        return found

    async def kept(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        return await self.rows(KEPT)


async def build_quarter(platform: Platform) -> Quarter:
    city = await build_city(platform)
    quarter = Quarter(platform, city.tenant, city.places, city.departments, city.people, city.kinds)
    permissions = {"walker": WALK, "planner": PLAN}
    roles = {code: await add_role(quarter, code, may) for code, may in permissions.items()}
    begun = MONDAY - timedelta(days=1)
    for login, (role, path) in PEOPLE.items():
        await employ(quarter, login, roles[role], quarter.places[path], valid_from=begun)
    if not await quarter.fetch("SELECT 1 FROM core.place_level WHERE code = 'grid'"):
        await quarter.fetch("INSERT INTO core.place_level (code, rank) VALUES ('grid', 1)")
    await quarter.fetch(
        "INSERT INTO core.patrol_rules (definition) VALUES ($1)", json.dumps(VISITS)
    )
    return quarter
