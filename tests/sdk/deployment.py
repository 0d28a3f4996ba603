"""A deployment (部署) made of wheels alone: two small cities, the command line, and a server.

async with deployed(environment, settings, folder) as deployment:
    deployment.jingwei("plugin", "enable", "first", "road-lamp").succeeded()
    await deployment.ask("first", "{ roadLamp { lamps { edges { node { code } } } } }")
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from jingwei_api.demo.frontend import answers
from jingwei_core.database.engine import connect
from jingwei_core.platform import open_platform
from jingwei_core.session import Identity
from jingwei_core.settings import Settings
from jingwei_core.tenants.package import load_package
from tests.sdk.fresh_environment import FreshEnvironment, Ran
from tests.servers.databases import environment as settings_as_environment
from tests.servers.processes import Daemons, free_port
from tests.tenants.small_city import GRID, write_city
from tests.tenants.small_world import build_city

CITIES = ("first", "second")
VISIBLE_WITHIN_S = 2.0
"""How long a switch may take to be seen by a running server."""


@dataclass(frozen=True)
class Deployment:
    """Two cities behind a server that runs out of an environment of its own."""

    environment: FreshEnvironment
    settings: Settings
    url: str
    tokens: Mapping[str, str]
    places: Mapping[str, uuid.UUID]

    def jingwei(self, *words: str) -> Ran:
        """Run the environment's ``jingwei`` against this deployment."""
        return self.environment.run("jingwei", *words, **_variables(self.settings))

    async def ask(self, city: str, query: str, **variables: object) -> dict[str, Any]:
        """The answer of the server to somebody of the city."""
        headers = {"X-Jingwei-Tenant": city, "Authorization": f"Bearer {self.tokens[city]}"}
        body = {"query": query, "variables": variables}
        async with httpx.AsyncClient(base_url=self.url, timeout=30) as client:
            answer = await client.post("/graphql", json=body, headers=headers)
        found: dict[str, Any] = answer.json()
        return found

    async def until(
        self, city: str, query: str, holds: Callable[[dict[str, Any]], bool]
    ) -> dict[str, Any]:
        """The first answer for which ``holds``; fails when it takes longer than it may."""
        deadline = time.monotonic() + VISIBLE_WITHIN_S + 3.0  # two cores for everything
        while True:
            answer = await self.ask(city, query)
            if holds(answer):
                return answer
            assert time.monotonic() < deadline, answer
            await asyncio.sleep(0.1)

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        """Rows as the owner of the database sees them."""
        connection = await connect(str(self.settings.database_url))
        try:
            return list(await connection.fetch(sql, *args))
        finally:
            await connection.close()


@asynccontextmanager
async def deployed(
    environment: FreshEnvironment, settings: Settings, folder: Path, permissions: tuple[str, ...]
) -> AsyncIterator[Deployment]:
    """Two cities, in each an account with these permissions, and the environment's server."""
    tokens, places = {}, {}
    async with open_platform(settings) as platform:
        for slug in CITIES:
            package = load_package(write_city(folder / slug, slug, with_plugin=False))
            city = await build_city(platform, package, folder / f"{slug}.csv")
            async with platform.database.unit(city.tenant.id) as unit:
                account = await unit.fetchval(_ACCOUNT, list(permissions))
                place = "SELECT id FROM core.place WHERE code = $1"
                places[slug] = await unit.fetchval(place, GRID)
            now = platform.clock.now()
            tokens[slug] = platform.tokens.issue(city.tenant.id, Identity(account, 0), now)
    port = free_port()
    variables = _variables(settings) | {"JINGWEI_LOG_LEVEL": "WARNING"}
    daemons = Daemons(folder / "server.log", env=variables)
    url = f"http://127.0.0.1:{port}"
    program = str(environment.folder / "bin" / "jingwei")
    daemons.start([program, "serve", "--port", str(port)])
    try:
        daemons.wait_until(lambda: answers(url), timeout_s=90)
        yield Deployment(environment, settings, url, tokens, places)
    finally:
        daemons.stop()


_ACCOUNT = """
WITH role AS (
    INSERT INTO core.role (code, name, permissions) VALUES ('lamps', 'lamps', $1) RETURNING id
), account AS (
    INSERT INTO core.account (login, name) VALUES ('lamps', 'lamps') RETURNING id
), post AS (
    INSERT INTO core.post (account, role, place_id, valid_from)
    SELECT account.id, role.id, place.id, now() - interval '1 day'
    FROM account, role, core.place AS place WHERE place.code = '4205'
)
SELECT id FROM account
"""


def _variables(settings: Settings) -> dict[str, str]:
    kept = settings_as_environment(settings, JINGWEI_LOCALE="en")
    return {name: value for name, value in kept.items() if name.startswith("JINGWEI_")}
