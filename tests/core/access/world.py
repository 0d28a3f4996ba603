"""A small world for access: two tenants with a root, a subtree and its look-alike sibling."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher

from jingwei_core.access import commands, records
from jingwei_core.access.cache import AccessCache
from jingwei_core.access.loading import Access, CompiledSets, load_access
from jingwei_core.access.tokens import AccessTokens
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.database.engine import Database
from jingwei_core.events.configuration import KnownConfigurations
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.places.known import KnownPlaces
from jingwei_core.places.tables import Place
from jingwei_core.platform import TenantState
from jingwei_core.registry import Registry, build_registry
from jingwei_core.session import Identity, Request
from jingwei_sdk.context import Tenant
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import AtPlace, Record

PASSWORD = "correct horse battery"
# Cheap on purpose: an outdated hash, so that every first sign-in also proves the renewal.
PASSWORD_HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
NOON = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ROOT, GRID, SIBLING = "/1/", "/1/2/", "/1/22/"
ORDINALS = {ROOT: 1, GRID: 2, SIBLING: 74}
PLACE = Record(Place, read="place.read", scope=(AtPlace("path"),))
ADMIN = ["place.read", "staff.read", "account.manage", "role.manage", "post.manage", "role.bind"]
ROLES = {
    "admin": ADMIN,
    "staffer": ["place.read", "staff.read", "account.manage", "post.manage", "event.read"],
    "worker": ["event.read", "place.read"],
    "centre": ["event.*"],
}


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.instant = NOON

    def now(self) -> datetime:
        return self.instant

    def forward(self, **parts: float) -> None:
        self.instant += timedelta(**parts)


class SmallPlatform:
    """What sessions and the command bus need of a platform, over a real database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.settings = database.settings
        self.clock = Clock()
        self.queue = JobQueue()
        self.events = None
        self.records = None
        self.tokens = AccessTokens(b"s" * 32, timedelta(seconds=self.settings.access_token_s))
        self.permission_sets = CompiledSets()
        self.access_cache = AccessCache(database, self.permission_sets)
        self.configurations = KnownConfigurations(database)
        self.places = KnownPlaces()
        self.command_secret = b"k" * 32
        self.tenants: dict[uuid.UUID, Tenant] = {}
        self.host = self
        self._registry = build_registry(
            [
                Plugin(
                    id="core",
                    package="jingwei_core",
                    records=(*records.RECORDS, PLACE),
                    commands=commands.COMMANDS,
                )
            ]
        )

    async def tenant_by_id(self, tenant_id: uuid.UUID) -> TenantState:
        return TenantState(self.tenants[tenant_id], "active")

    def registry(self, enabled: frozenset[str]) -> Registry:
        return self._registry


@dataclass
class City:
    """A tenant of the test with its places and roles."""

    platform: Any
    tenant: Tenant
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    roles: dict[str, uuid.UUID] = field(default_factory=dict)

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await unit.fetch(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.fetch(sql, *args))[0][0]

    async def account(self, login: str, role: str = "", path: str = ROOT) -> uuid.UUID:
        account_id: uuid.UUID = await self.value(
            "INSERT INTO core.account (login, name, password_hash)"
            " VALUES ($1, $1, $2) RETURNING id",
            login,
            PASSWORD_HASH,
        )
        if role:
            await self.post(account_id, role, path)
        return account_id

    async def post(
        self,
        account_id: uuid.UUID,
        role: str,
        path: str,
        valid_from: datetime = NOON - timedelta(days=1),
        valid_to: datetime | None = None,
    ) -> uuid.UUID:
        post_id: uuid.UUID = await self.value(
            "INSERT INTO core.post (account, role, place_id, valid_from, valid_to)"
            " VALUES ($1, $2, $3, $4, $5) RETURNING id",
            account_id,
            self.roles[role],
            self.places[path],
            valid_from,
            valid_to,
        )
        return post_id

    async def access(self, account_id: uuid.UUID) -> Access | None:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await load_access(
                unit, account_id, self.platform.clock.now(), self.platform.permission_sets
            )

    async def identity(self, account_id: uuid.UUID) -> Identity:
        epoch = await self.value("SELECT session_epoch FROM core.account WHERE id = $1", account_id)
        return Identity(account_id, epoch)

    async def run(
        self,
        actor: uuid.UUID,
        name: str,
        target: uuid.UUID | None = None,
        /,
        **given: object,
    ) -> Answer:
        command = self.platform.registry(frozenset()).commands[name]
        call = Call(command, given, target)
        who = await self.identity(actor)
        return await execute(self.platform, self.tenant, who, call, Request("zh", "test"))

    async def state(self) -> list[Any]:
        """Everything that a refusal must leave alone."""
        found = []
        for table in ("account", "post", "role", "refresh_token", "policy_version"):
            found += await self.fetch(
                f"SELECT '{table}' AS t, x::text FROM core.{table} x ORDER BY 2"
            )
        return found + await self.fetch("SELECT count(*) FROM core.audit_entry")

    async def audited(self) -> list[str]:
        rows = await self.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
        return [row[0] for row in rows]


async def build_city(platform: Any, slug: str) -> City:
    city = City(platform, Tenant(uuid.uuid4(), slug, slug, ZoneInfo("Asia/Shanghai")))
    platform.tenants[city.tenant.id] = city.tenant
    parent = None
    for path, ordinal in ORDINALS.items():
        city.places[path] = await city.value(
            "INSERT INTO core.place (parent, level, ordinal, path, depth, name, code, valid_from)"
            " VALUES ($1, 'grid', $2, $3, 1, $3, $4, '2026-01-01') RETURNING id",
            parent,
            ordinal,
            path,
            f"4205{ordinal:02}",
        )
        parent = city.places[ROOT]
    for code, permissions in ROLES.items():
        city.roles[code] = await city.value(
            "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id",
            code,
            permissions,
        )
    return city
