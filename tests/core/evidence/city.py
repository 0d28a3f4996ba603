"""Two cities with a few accounts, for the three steps of an upload against a real database."""

import asyncio
import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx

from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.database.engine import Database
from jingwei_core.evidence.commands import request_upload
from jingwei_core.evidence.commits import Commits
from jingwei_core.evidence.garbage import collect
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.platform import Platform, assemble
from jingwei_core.session import Identity, Request, account_context, system_context
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant
from tests.tenants.listing import list_tenant

ROLES = {
    "worker": ["evidence.upload", "evidence.read"],
    "worker2": ["evidence.upload", "evidence.read"],
    "reader": ["evidence.read"],
    "keeper": ["evidence.*"],
}


class Hands:
    """A clock that runs with the machine's, set forward by hand."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class City:
    """A tenant as its accounts use it; ``http`` carries the bytes."""

    platform: Platform
    tenant: Tenant
    accounts: dict[str, uuid.UUID]
    commits: Commits
    http: httpx.AsyncClient
    clock: Hands

    def identity(self, who: str) -> Identity:
        return Identity(self.accounts[who], 0)

    async def request(
        self, who: str, data: bytes, *, key: str | None = None, **more: object
    ) -> Answer:
        told = {
            "content_type": "image/jpeg",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            **more,
        }
        call = Call(declaration(request_upload), told, key=key)
        return await execute(self.platform, self.tenant, self.identity(who), call, Request())

    async def send(self, granted: Answer, data: bytes) -> int:
        assert granted.values is not None
        fields = {field["name"]: field["value"] for field in granted.values["fields"]}
        answer = await self.http.post(
            granted.values["url"], data=fields, files={"file": ("photo.jpg", data)}
        )
        return answer.status_code

    async def uploaded(self, who: str, data: bytes, **more: object) -> uuid.UUID:
        granted = await self.request(who, data, **more)
        assert await self.send(granted, data) == 204
        assert granted.values is not None
        return uuid.UUID(str(granted.values["id"]))

    async def commit(self, who: str, evidence_id: uuid.UUID) -> uuid.UUID:
        return await self.commits.commit(
            self.tenant, self.identity(who), evidence_id, Request(request_id="r-1")
        )

    async def row(self, evidence_id: uuid.UUID) -> dict[str, object] | None:
        async with self.platform.database.unit(self.tenant.id) as unit:
            found = await unit.fetchrow("SELECT * FROM core.evidence WHERE id = $1", evidence_id)
        return None if found is None else dict(found)

    async def count(self, sql: str, *args: object) -> int:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return int(await unit.fetchval(sql, *args))

    async def field(self, who: str, record: str, name: str, row: dict[str, object]) -> object:
        """A computed field of a record, as the reader would ask for it."""
        identity = self.identity(who)
        async with account_context(self.platform, self.tenant, identity, Request()) as ctx:
            computed = ctx.registry.computed(ctx.registry.record(record))[name]
            (value,) = await computed.resolve(ctx, [row])
            return value

    async def collect_garbage(self) -> None:
        async with system_context(self.platform, self.tenant, "job:test") as ctx:
            await collect(ctx, {})


async def city_of(
    database: Database,
    slug: str,
    store: ObjectStore,
    workers: ImageWorkers,
    http: httpx.AsyncClient,
) -> City:
    """A new tenant with one account for each role, over a store."""
    clock = Hands()
    platform = await asyncio.to_thread(assemble, database)
    platform.store, platform.clock = store, clock
    async with database.platform() as unit:
        # A new id each time: what one test locks in the S3 server outlives its transaction.
        tenant = await list_tenant(unit, slug)
    accounts = await _accounts(database, tenant.id)
    return City(platform, tenant, accounts, Commits(platform, workers), http, clock)


async def _accounts(database: Database, tenant_id: uuid.UUID) -> dict[str, uuid.UUID]:
    found: dict[str, uuid.UUID] = {}
    async with database.unit(tenant_id) as unit:
        place = await unit.fetchval(
            "INSERT INTO core.place (level, path, name, valid_from, ordinal)"
            " VALUES ('city', '/1/', 'city', '2026-01-01', 1) RETURNING id"
        )
        for code, permissions in ROLES.items():
            role = await unit.fetchval(
                "INSERT INTO core.role (code, name, permissions) VALUES ($1, $1, $2) RETURNING id",
                code,
                permissions,
            )
            account = await unit.fetchval(
                "INSERT INTO core.account (login, name) VALUES ($1, $1) RETURNING id", code
            )
            await unit.execute(
                "INSERT INTO core.post (account, role, place_id, valid_from)"
                " VALUES ($1, $2, $3, now() - interval '1 day')",
                account,
                role,
                place,
            )
            found[code] = account
    return found
