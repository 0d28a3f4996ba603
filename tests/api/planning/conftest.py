"""An executor over the two cities, without HTTP, and what it sends to the database."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from jingwei_api.app import make_services
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Caller, Document, Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.database import open_database
from jingwei_core.database.lanes import Lanes
from jingwei_core.database.unit import Unit
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import PluginHost
from jingwei_core.session import Identity, Request
from tests.api.world import GRID, City, World, build_world, installed
from tests.servers.databases import NewDatabase


@dataclass
class Asker:
    """Runs documents for one account."""

    executor: Executor
    city: City
    login: str

    async def __call__(self, query: str, **variables: Any) -> dict[str, Any]:
        tenant = await self.city.platform.tenant(self.city.slug)
        identity = Identity(self.city.accounts[self.login], 0)
        caller = Caller(tenant, identity, Request("zh", "planning"))
        answer = await self.executor.run(caller, Document(query, variables))
        return answer.body

    async def data(self, query: str, **variables: Any) -> dict[str, Any]:
        told = await self(query, **variables)
        assert "errors" not in told, told["errors"]
        data: dict[str, Any] = told["data"]
        return data


@pytest.fixture(scope="session")
async def platform(new_database: NewDatabase) -> AsyncIterator[Platform]:
    """A platform of these tests' own: they add rows that others would count."""
    async with new_database() as settings, open_database(settings) as database:
        opened = assemble(database)
        opened.host = PluginHost(opened.host.core, installed())
        yield opened


@pytest.fixture(scope="session")
async def world(platform: Platform) -> World:
    """Two small cities, the plugin enabled in one of them."""
    return await build_world(platform)


@pytest.fixture
def executor(platform: Platform) -> Executor:
    # Changes of other processes and waiting commits have no part in these tests.
    runtime = Runtime(platform, cast(Any, None), cast(Any, None))
    wide = {"max_cost": 10**9, "max_rows": 10**9, "max_aliases": 1000, "max_tokens": 100_000}
    settings = ApiSettings(cost_per_minute=0, **wide)
    return make_services(runtime, settings).executor


@pytest.fixture
def asking(executor: Executor, world: World) -> Callable[[City, str], Asker]:
    return lambda city, login: Asker(executor, city, login)


@pytest.fixture
def staff(asking: Callable[[City, str], Asker], world: World) -> Asker:
    """The grid worker of 宜昌."""
    return asking(world.yichang, "worker")


@pytest.fixture
def centre(asking: Callable[[City, str], Asker], world: World) -> Asker:
    """The centre of 宜昌, which sees the whole city."""
    return asking(world.yichang, "chief")


@dataclass
class Sent:
    """What went to the database: statements of one trip, and statements of units of work."""

    trips: list[str] = field(default_factory=list)
    in_units: list[str] = field(default_factory=list)


@contextmanager
def sent() -> Iterator[Sent]:
    """Note every statement of this process while the block runs."""
    noted, trip, unit = Sent(), Lanes.read, Unit._run

    async def read(self: Lanes, sql: str, args: Any) -> Any:
        # The copy of a tenant's state is read anew each second, whatever is asked for.
        if "platform.plugin_state" not in sql:
            noted.trips.append(sql)
        return await trip(self, sql, args)

    async def run(self: Unit, statement: Any, *rest: Any, **more: Any) -> Any:
        noted.in_units.append(repr(statement))
        return await unit(self, statement, *rest, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lanes, "read", read)
        patch.setattr(Unit, "_run", run)
        yield noted


@pytest.fixture(scope="session")
async def event(world: World) -> AsyncIterator[uuid.UUID]:
    """An event of 宜昌 about its first organisation, of the kind ``proof.hole``."""
    city = world.yichang
    made: uuid.UUID = await city.value(
        "WITH w AS (INSERT INTO core.workflow (code, digest, definition) VALUES ('w', '', $1)"
        " RETURNING id),"
        " k AS (INSERT INTO core.event_kind (code, name, workflow) SELECT 'proof.hole', 'hole', 'w'"
        " RETURNING id)"
        " INSERT INTO core.event (number, kind, workflow, state, title, state_since, place_id,"
        " lon_e7, lat_e7, reporter, subject_type, subject_id)"
        " SELECT '1', k.id, w.id, 'open', 'a hole', now(), $2, 1112950000, 306950000, $3,"
        " 'Organisation', $4 FROM w, k RETURNING id",
        WORKFLOW,
        city.places[GRID],
        city.accounts["chief"],
        city.organisations[0],
    )
    yield made
    await city.value("WITH gone AS (DELETE FROM core.event WHERE id = $1) SELECT 1", made)


WORKFLOW = """{"code": "w", "name_zh": "流程", "name_en": "flow",
 "states": [{"code": "open", "name_zh": "开", "name_en": "open", "kind": "start"},
            {"code": "shut", "name_zh": "关", "name_en": "shut", "kind": "final"}],
 "actions": [{"code": "close", "name_zh": "关", "name_en": "close", "from": ["open"],
              "to": "shut", "permission": "event.close"}]}"""
