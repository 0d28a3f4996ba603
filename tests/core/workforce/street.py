"""A street with two communities, their chiefs, and officers of two departments."""

import json
import uuid
from datetime import datetime, timedelta
from typing import Any

from jingwei_core.commands.bus import Answer
from jingwei_core.platform import Platform
from tests.core.events.city import GRID, ROOT, SIBLING, City, build_city
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.tenants.staff import add_post, add_role, employ

STAFF = ["leave.request", "leave.read"]
ROLES = {
    "street_chief": ["place.read", "staff.read", "leave.*", "secondment.manage", "duty.manage"],
    "grid_chief": ["place.read", "event.read", "event.report", "event.file", *STAFF],
    "officer": ["place.read", "event.read", "event.handle", *STAFF],
    "admin": ["*"],
}
PEOPLE = {
    "street-chief": ("street_chief", ROOT, None),
    "other-street-chief": ("street_chief", ROOT, None),
    "west": ("grid_chief", GRID, None),
    "east": ("grid_chief", SIBLING, None),
    "deputy": ("grid_chief", SIBLING, None),
    "roads-officer": ("officer", ROOT, "roads"),
    "admin": ("admin", ROOT, None),
}
RULES = {
    "source": "zhengzhou-street",
    "leave": {
        "kinds": [
            {"code": "annual", "name_zh": "年休假", "name_en": "Annual", "ahead_hours": 24},
            {"code": "sick", "name_zh": "病假", "name_en": "Sick leave", "longest_days": 30},
        ],
        "approvals": [
            {"roles": ["grid_chief", "officer"], "approver": "role:street_chief"},
            {"roles": ["street_chief"], "level": "grid", "approver": "role:street_chief"},
        ],
    },
    "certificates": [{"code": "enforcement", "name_zh": "行政执法证", "name_en": "Enforcement"}],
    "duties": [{"code": "window", "name_zh": "窗口值班", "name_en": "Window"}],
}
KEPT = ("leave", "post", "secondment", "certificate", "duty_shift", "audit_entry", "command_key")


def at(days: float = 0, **parts: float) -> datetime:
    """So long after the instant at which the clock stands when a test begins."""
    return MONDAY + timedelta(days=days, **parts)


class Street(City):
    """A tenant of the test; things by name, path or code."""

    roles: dict[str, uuid.UUID]

    @property
    def clock(self) -> FrozenClock:
        clock = self.platform.clock
        assert isinstance(clock, FrozenClock)
        return clock

    async def leave(self, who: str, substitute: str, begin: float, end: float) -> uuid.UUID:
        """Ask for leave of so many days from and to; the leave's id."""
        answer = await self.run(
            who,
            "leave.request",
            kind="sick",
            begins_at=at(begin),
            ends_at=at(end),
            substitute_id=self.people[substitute],
        )
        assert answer.row_id is not None
        return answer.row_id

    async def approved(self, who: str, substitute: str, begin: float, end: float) -> uuid.UUID:
        """The same, approved by the street's chief."""
        leave = await self.leave(who, substitute, begin, end)
        await self.run("street-chief", "leave.approve", leave)
        return leave

    async def declare(self, who: str, **given: Any) -> Answer:
        """Second an officer of the roads department to the western community."""
        values = {
            "account_id": self.people["roads-officer"],
            "department_id": self.departments["roads"],
            "place_id": self.places[GRID],
            "weekdays": [1, 2, 3, 4],
            **given,
        }
        return await self.run(who, "secondment.declare", **values)

    async def post(
        self, who: str, role: str, path: str, begin: float = -1, end: float | None = None
    ) -> uuid.UUID:
        held = {"valid_from": at(begin), "valid_to": None if end is None else at(end)}
        return await add_post(self, who, self.roles[role], self.places[path], **held)

    async def kept(self) -> dict[str, Any]:
        """Everything that a refusal must leave alone."""
        return await self.rows(KEPT)


async def build_street(platform: Platform) -> Street:
    city = await build_city(platform)
    street = Street(platform, city.tenant, city.places, city.departments, city.people, city.kinds)
    street.roles = {code: await add_role(street, code, may) for code, may in ROLES.items()}
    for login, (role, path, department) in PEOPLE.items():
        post = {"department": street.departments.get(department or ""), "valid_from": at(-1)}
        await employ(street, login, street.roles[role], street.places[path], **post)
    await street.fetch(
        "INSERT INTO core.workforce_rules (definition) VALUES ($1)", json.dumps(RULES)
    )
    return street
