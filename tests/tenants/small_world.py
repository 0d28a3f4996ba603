"""Two small tenants as tests use them, and a server process over their database."""

import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from jingwei_api.demo.frontend import answers
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.demo.passwords import DemoLogin, read_logins
from jingwei_core.demo.people import seed_people
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, Identity, Request, account_context
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.context import Tenant
from tests.servers.databases import environment
from tests.servers.processes import Daemons, free_port


@dataclass(frozen=True)
class SmallCity:
    """A tenant with its package, and its people by login."""

    platform: Platform
    tenant: Tenant
    package: TenantPackage
    logins: dict[str, DemoLogin]
    accounts: dict[str, uuid.UUID]

    def identity(self, login: str) -> Identity:
        """What a verified access token of the account says."""
        return Identity(self.accounts[login], 0)

    def token(self, login: str) -> str:
        """An access token of the account."""
        now = self.platform.clock.now()
        return self.platform.tokens.issue(self.tenant.id, self.identity(login), now)

    def headers(self, login: str) -> dict[str, str]:
        """The headers of the account's requests."""
        token = self.token(login)
        return {"X-Jingwei-Tenant": self.tenant.slug, "Authorization": f"Bearer {token}"}

    @asynccontextmanager
    async def context(self, login: str) -> AsyncIterator[CoreContext]:
        """A context of the account, with one unit of work."""
        identity = self.identity(login)
        async with account_context(self.platform, self.tenant, identity, Request()) as ctx:
            yield ctx

    async def run(
        self, login: str, name: str, target: uuid.UUID | None = None, /, **given: object
    ) -> Answer:
        """Run a command as the account, in a transaction of its own."""
        command = (await self.platform.registry(self.tenant.id)).commands[name]
        call = Call(command, given, target)
        return await execute(self.platform, self.tenant, self.identity(login), call, Request())

    async def fetch(self, sql: str, *args: object) -> list[dict[str, object]]:
        """Rows of the tenant's tables."""
        async with self.platform.database.unit(self.tenant.id) as unit:
            return [dict(row) for row in await unit.fetch(sql, *args)]


@dataclass(frozen=True)
class TwoCities:
    """Two tenants of one platform that must not see one another."""

    first: SmallCity
    second: SmallCity


class LiveServer:
    """A server process; ``url`` stays the same when it is started again."""

    def __init__(self, settings: Settings, folder: Path, workers: int = 1) -> None:
        self._workers = str(workers)
        self.url = f"http://127.0.0.1:{free_port()}"
        folder.mkdir(exist_ok=True)
        env = environment(settings, JINGWEI_LOG_LEVEL="WARNING")
        self._daemons = Daemons(folder / "server.log", env=env)

    def start(self) -> None:
        """Start, and wait until requests are answered."""
        port = self.url.rpartition(":")[2]
        command = [sys.executable, "-m", "jingwei_core.cli.main", "serve", "--port", port]
        command += ["--workers", self._workers]
        self._daemons.start(command)
        self._daemons.wait_until(lambda: answers(self.url), timeout_s=60)

    def stop(self) -> None:
        """Stop in order."""
        self._daemons.stop()

    def client(self) -> httpx.AsyncClient:
        """A client of the server."""
        return httpx.AsyncClient(base_url=self.url, timeout=30)


async def build_city(platform: Platform, package: TenantPackage, accounts: Path) -> SmallCity:
    await apply_package(platform, package)
    tenant = await platform.tenant(package.tenant.slug)
    await seed_people(platform, tenant, package, accounts)
    async with platform.database.unit(tenant.id) as unit:
        rows = await unit.fetch("SELECT login, id FROM core.account")
    ids = {row["login"]: row["id"] for row in rows}
    return SmallCity(platform, tenant, package, read_logins(accounts, tenant.slug), ids)
