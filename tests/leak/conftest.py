"""One world for all tests of the matrix in a worker, with the real application in front."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from graphql import GraphQLSchema
from litestar import Litestar

from jingwei_api.app import create_app
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform, open_platform
from jingwei_core.rollups.cubes import sources_of
from jingwei_core.rollups.keeping import fold
from jingwei_core.settings import Settings
from tests.leak.client import Caller, signed_in
from tests.leak.judge import Ledger
from tests.leak.matrix import ATTACKERS
from tests.leak.surface import introspected
from tests.leak.world import World, build_world
from tests.servers.databases import TestRun, copied_database


@pytest.fixture(scope="session")
async def leak_settings(test_run: TestRun, template: str) -> AsyncIterator[Settings]:
    """A database in which the world really commits."""
    async with copied_database(test_run, template) as settings:
        yield settings


@pytest.fixture(scope="session")
async def leak_platform(leak_settings: Settings) -> AsyncIterator[Platform]:
    """The platform that serves the world."""
    async with open_platform(leak_settings) as platform:
        yield platform


@pytest.fixture(scope="session")
async def world(leak_platform: Platform) -> World:
    """Two tenants full of canaries; the kept counts of one are folded, the other's wait."""
    world = await build_world(leak_platform)
    registry = leak_platform.host.registry(frozenset({"safety-production"}))
    async with leak_platform.database.unit(world.city("a").id) as unit:
        await fold(unit, sources_of(registry.records.values()))
    return world


@pytest.fixture(scope="session")
async def http(leak_platform: Platform, world: World) -> AsyncIterator[httpx.AsyncClient]:
    """The application as it is served, without a socket in between."""
    async with served(leak_platform) as client:
        yield client


@asynccontextmanager
async def served(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """The application of a platform; limits are wide, for they are not what is tested."""
    settings = ApiSettings(
        max_tokens=20_000,
        max_aliases=2000,
        max_rows=10**7,
        max_cost=10**8,
        cost_per_minute=0,
    )
    app = create_app(platform, settings)
    async with living(app):
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://leak.test") as client:
            yield client


@asynccontextmanager
async def served_world(
    settings: Settings,
) -> AsyncIterator[tuple[World, Caller, GraphQLSchema]]:
    """A world of its own, its chief signed in, and its schema."""
    async with open_platform(settings) as platform:
        world = await build_world(platform)
        async with served(platform) as client:
            chief = await signed_in(client, "a", "chief")
            yield world, chief, await introspected(chief)


@asynccontextmanager
async def living(app: Litestar) -> AsyncIterator[None]:
    """The application's lifespan, begun and ended by one task as its task groups demand."""
    begun, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            begun.set()
            await over.wait()

    task = asyncio.create_task(live())
    waiting = asyncio.create_task(begun.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield
    finally:
        over.set()
        await task


@pytest.fixture(scope="session")
async def callers(http: httpx.AsyncClient) -> dict[str, Caller]:
    """Every attacker of the matrix and both chiefs, signed in."""
    names = {(row.tenant, row.login) for row in ATTACKERS} | {("a", "chief"), ("b", "chief")}
    return {f"{tenant}.{login}": await signed_in(http, tenant, login) for tenant, login in names}


@pytest.fixture(scope="session")
async def schema(callers: dict[str, Caller]) -> GraphQLSchema:
    """The schema of tenant a as its clients see it, every plugin included."""
    return await introspected(callers["a.chief"])


@pytest.fixture(scope="session")
async def schemas(schema: GraphQLSchema, callers: dict[str, Caller]) -> dict[str, GraphQLSchema]:
    """The schema of each tenant: without the plugin that b has switched off."""
    return {"a": schema, "b": await introspected(callers["b.chief"])}


@pytest.fixture(scope="session")
async def ledger(leak_settings: Settings) -> AsyncIterator[Ledger]:
    """The book of what is stored, in every tenant table."""
    async with Ledger.open(leak_settings) as ledger:
        yield ledger
