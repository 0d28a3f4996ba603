"""Places of five levels with gaps: above one grid no community, below one street no grid."""

import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from jingwei_core.events.whom import read_whom
from jingwei_core.platform import Platform
from jingwei_core.recipients.resolving import Matter, resolve_whom
from jingwei_core.session import Request, system_context
from jingwei_sdk.context import Tenant
from tests.core.events.frozen_clock import MONDAY, FrozenClock
from tests.tenants.listing import list_tenant

# path: level. "/1/2/3/" has the look-alike sibling "/1/2/31/", and grids lie right under "/1/2/4/".
PLACES = {
    "/1/": "city",
    "/1/2/": "district",
    "/1/2/3/": "street",
    "/1/2/31/": "street",
    "/1/2/4/": "street",
    "/1/2/3/5/": "community",
    "/1/2/31/6/": "community",
    "/1/2/3/5/7/": "grid",
    "/1/2/4/8/": "grid",
}
# login: (role, path, department)
PEOPLE = {
    "mayor": ("chief", "/1/", None),
    "district": ("chief", "/1/2/", None),
    "street": ("chief", "/1/2/3/", None),
    "second": ("chief", "/1/2/3/", None),
    "alike": ("chief", "/1/2/31/", None),
    "community": ("chief", "/1/2/3/5/", None),
    "worker": ("worker", "/1/2/3/5/7/", None),
    "eighth": ("worker", "/1/2/4/8/", None),
    "mender": ("officer", "/1/", "roads"),
    "plumber": ("officer", "/1/", "water"),
    "watch": ("watcher", "/1/2/", None),
    "idle": (None, "/1/", None),
}
ROLES = {
    "chief": ["event.read"],
    "worker": ["event.report"],
    "officer": ["event.handle"],
    "watcher": ["event.supervise"],
    "admin": ["*"],
}
DEEPEST, UNDER_FOURTH = "/1/2/3/5/7/", "/1/2/4/8/"


def at(days: float) -> datetime:
    """So many days after the instant at which the clock stands."""
    return MONDAY + timedelta(days=days)


@dataclass
class Tree:
    """A tenant; things by path, login or code."""

    platform: Platform
    tenant: Tenant
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    people: dict[str, uuid.UUID] = field(default_factory=dict)
    roles: dict[str, uuid.UUID] = field(default_factory=dict)
    departments: dict[str, uuid.UUID] = field(default_factory=dict)

    async def insert(self, table: str, **values: object) -> uuid.UUID:
        names, marks = ", ".join(values), ", ".join(f"${n}" for n in range(1, len(values) + 1))
        async with self.platform.database.unit(self.tenant.id) as unit:
            found: uuid.UUID = await unit.fetchval(
                f"INSERT INTO core.{table} ({names}) VALUES ({marks}) RETURNING id",
                *values.values(),
            )
        return found

    async def execute(self, sql: str, *args: object) -> None:
        async with self.platform.database.unit(self.tenant.id) as unit:
            await unit.execute(sql, *args)

    async def meant(self, whom: str, path: str = DEEPEST, **matter: uuid.UUID) -> Sequence[str]:
        """The logins of those meant, sorted."""
        logins = {account: login for login, account in self.people.items()}
        async with system_context(self.platform, self.tenant, "test", Request("zh", "t")) as ctx:
            found = await resolve_whom(ctx, read_whom(whom), Matter(path, **matter))
        assert list(found) == sorted(set(found))
        return sorted(logins[account] for account in found)

    async def post(self, login: str, role: str, path: str, **values: object) -> uuid.UUID:
        given = {"account": self.people[login], "role": self.roles[role]}
        place = {"place_id": self.places[path]}
        return await self.insert("post", **given, **place, **{"valid_from": at(-9)} | values)

    async def leave(
        self, login: str, substitute: str, begin: float, end: float, state: str = "approved"
    ) -> uuid.UUID:
        pair = {"account": self.people[login], "substitute": self.people[substitute]}
        span = {"begins_at": at(begin), "ends_at": at(end), "asked_until": at(end)}
        where = {"place_id": self.places["/1/"], "kind": "sick", "state": state}
        return await self.insert("leave", **pair, **span, **where)

    def move_clock(self, days: float) -> None:
        clock = self.platform.clock
        assert isinstance(clock, FrozenClock)
        clock.instant = at(days)


async def build_tree(platform: Platform) -> Tree:
    slug = f"tree-{secrets.token_hex(4)}"
    async with platform.database.owner() as unit:
        tenant = await list_tenant(unit, slug)
    tree = Tree(platform, tenant)
    for number, (path, level) in enumerate(PLACES.items(), 1):
        above = path[: path.rstrip("/").rindex("/") + 1]
        tree.places[path] = await tree.insert(
            "place",
            parent=tree.places.get(above),
            level=level,
            ordinal=number,
            path=path,
            depth=path.count("/") - 2,
            name=path,
            valid_from=date(2026, 1, 1),
        )
    for code in ("roads", "water"):
        tree.departments[code] = await tree.insert("department", code=code, name=code)
    for code, permissions in ROLES.items():
        tree.roles[code] = await tree.insert("role", code=code, name=code, permissions=permissions)
    for login, (role, path, department) in PEOPLE.items():
        tree.people[login] = await tree.insert("account", login=login, name=login)
        if role:
            member = tree.departments.get(department or "")
            await tree.post(login, role, path, department=member)
    return tree
