"""Two tenants of the same shape: places with look-alike siblings, and accounts of every kind."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from argon2 import PasswordHasher
from piccolo.columns import Array

from jingwei_core.database.unit import Unit
from jingwei_core.platform import Platform
from jingwei_core.plugins.switching import switch_plugin
from jingwei_core.session import system_context
from jingwei_sdk.tables import TenantTable

PASSWORD = "correct horse battery"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
PLUGIN = "safety-production"
SUSPENDED_TENANT = "suspended"

# Ordinal 109 is "31" in base 36: the path of far begins like that of near without its last slash.
PLACES: Mapping[str, tuple[str | None, int, str, str]] = {
    # name: (parent, ordinal, code, zone)
    "city": (None, 1, "42", "city"),
    "street": ("city", 2, "420502", "city"),
    "near": ("street", 3, "4205020101", "near"),
    "far": ("street", 109, "42050201011", "far"),
    "near_house": ("near", 4, "420502010101", "near"),
    "far_house": ("far", 5, "4205020101101", "far"),
    "aside": ("city", 6, "420503", "aside"),
}
PATHS = {
    "city": "/1/",
    "street": "/1/2/",
    "near": "/1/2/3/",
    "far": "/1/2/31/",
    "near_house": "/1/2/3/4/",
    "far_house": "/1/2/31/5/",
    "aside": "/1/6/",
}
READS = [
    *("place.read", "organisation.read", "event.read", "event.report", "staff.read", "kind.read"),
    *("department.read", "evidence.read", "evidence.upload", "safety.enterprise.read"),
    *("leave.read", "leave.request", "certificate.read"),
    *("patrol.read", "patrol.log", "visit.read", "visit.log"),
    *("public-report.read", "public-report.answer"),
    *("person.read", "person.write"),
    *("meeting.read", "ledger.read", "ledger.export"),
    *("safety.checklist.read", "safety.inspection.read", "safety.hazard.read", "reminder.read"),
    "notification.read",
]
ROLES = {
    "all": ["*"],
    "worker": READS,
    "handler": ["place.read", "event.read", "event.handle", "department.read", "kind.read"],
}
NOW = datetime.now(UTC)
LONG_AGO, YESTERDAY, TOMORROW = (NOW + timedelta(days=days) for days in (-300, -1, 1))

# login: (role, place, department, from, to); None for no post
STAFF: Mapping[str, tuple[str, str, bool, datetime, datetime | None] | None] = {
    "chief": ("all", "city", False, LONG_AGO, None),
    "near_all": ("all", "near", False, LONG_AGO, None),
    "near_worker": ("worker", "near", False, LONG_AGO, None),
    "far_worker": ("worker", "far", False, LONG_AGO, None),
    "handler": ("handler", "aside", True, LONG_AGO, None),
    "suspended": ("all", "city", False, LONG_AGO, None),
    "leaving": ("worker", "near", False, LONG_AGO, None),
    "expired": ("all", "city", False, LONG_AGO, YESTERDAY),
    "future": ("all", "city", False, TOMORROW, None),
    "elsewhere": None,
    "covering": None,
    "relieved": None,
    "standby": None,
}
NOBODY = ("expired", "future", "elsewhere", "relieved", "standby")
"""Who holds nothing today."""
HOME_OF_STAFF = {
    "near_all": "near",
    "near_worker": "near",
    "leaving": "near",
    "far_worker": "far",
    "handler": "aside",
    # Whoever manages accounts anywhere may manage those that hold nothing.
    "expired": "anywhere",
    "elsewhere": "anywhere",
    "covering": "near",
    "relieved": "anywhere",
}


@dataclass(frozen=True, slots=True)
class Planted:
    """A row: ``zone`` says who may see it, ``home`` where it lies."""

    record: str
    id: uuid.UUID
    tenant: str
    zone: str
    home: str
    values: Mapping[str, Any]


@dataclass
class City:
    """A tenant of the matrix; ``name`` is a or b."""

    name: str
    id: uuid.UUID
    rows: list[Planted] = field(default_factory=list)
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    accounts: dict[str, uuid.UUID] = field(default_factory=dict)

    @property
    def slug(self) -> str:
        """What its callers name it in the header."""
        return f"leak-{self.name}"

    def zone_of(self, login: str) -> str:
        """The zone of an account's name; who holds nothing today knows nobody else's."""
        return login if login in NOBODY else "wide"

    def canary(self, zone: str, what: str) -> str:
        """A text that stands nowhere else."""
        return f"CANARY.{self.name}.{zone}.{what}"

    async def plant(
        self, unit: Unit, table: type[TenantTable], zone: str, home: str = "", /, **values: Any
    ) -> uuid.UUID:
        """Insert a row and remember it under the table's record."""
        arrays = {each._meta.name for each in table._meta.columns if isinstance(each, Array)}
        stored = {
            name: json.dumps(value)
            if isinstance(value, (dict, list)) and name not in arrays
            else value
            for name, value in values.items()
        }
        names = ", ".join(f'"{name}"' for name in stored)
        marks = ", ".join(f"${number}" for number in range(1, len(stored) + 1))
        where = f'"{table._meta.schema}"."{table._meta.tablename}"'
        row_id: uuid.UUID = await unit.fetchval(
            f"INSERT INTO {where} ({names}) VALUES ({marks}) RETURNING id", *stored.values()
        )
        self.remember(table.__name__, row_id, zone, home, values)
        return row_id

    def remember(
        self, record: str, row_id: uuid.UUID, zone: str, home: str, values: Mapping[str, Any]
    ) -> None:
        """Keep what was planted."""
        known = {"id": row_id, **values}
        self.rows.append(Planted(record, row_id, self.name, zone, home or zone, known))


@dataclass
class World:
    """Both tenants on one platform, and a third that is suspended."""

    platform: Platform
    a: City
    b: City

    @property
    def rows(self) -> list[Planted]:
        """Everything that was planted."""
        return [*self.a.rows, *self.b.rows]

    def city(self, name: str) -> City:
        """The tenant called a or b."""
        return self.a if name == "a" else self.b

    def of(self, record: str, tenant: str, zone: str | None = None) -> list[Planted]:
        """The planted rows of a record."""
        return [
            row
            for row in self.city(tenant).rows
            if row.record == record and zone in (None, row.zone)
        ]


_BROUGHT = {
    "EventKind": "event_kind",
    "Role": "role",
    "Workflow": "workflow",
    "DeadlineRule": "deadline_rule",
}
"""Records of which a plugin brings rows when it is switched on."""


async def build_world(platform: Platform) -> World:
    """Both tenants; the plugin stays enabled in a only, though b has rows in its tables."""
    from tests.leak.planting import plant_everything
    from tests.leak.planting_meetings import plant_meetings
    from tests.leak.planting_people import plant_people

    cities = []
    for name in ("a", "b"):
        city = City(name, uuid.uuid4())
        await _tenant(platform, city.id, city.slug, "active")
        async with platform.database.unit(city.id) as unit:
            await plant_everything(city, unit)
            await plant_meetings(city, unit)
            await plant_people(city, unit, platform.person_secret)
        cities.append(city)
    await _tenant(platform, uuid.uuid4(), SUSPENDED_TENANT, "suspended")
    tenant = (await platform.state(cities[0].slug)).tenant
    async with system_context(platform, tenant, "test") as ctx:
        await switch_plugin(ctx, PLUGIN, enabled=True)
        for record, table in _BROUGHT.items():
            for row in await ctx.unit.fetch(f"SELECT * FROM core.{table} WHERE owner_plugin <> ''"):
                cities[0].remember(record, row["id"], "wide", "", dict(row))
    platform.forget()
    return World(platform, *cities)


async def _tenant(platform: Platform, tenant_id: uuid.UUID, slug: str, status: str) -> None:
    async with platform.database.owner() as unit:
        await unit.execute(
            "INSERT INTO platform.tenant (id, slug, name, timezone, status)"
            " VALUES ($1, $2, $2, 'Asia/Shanghai', $3)",
            tenant_id,
            slug,
            status,
        )
