"""A city and its neighbour on a database of these tests' own, and a server on a free port."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from litestar import Litestar

from jingwei_api.app import create_app
from jingwei_api.http.protocol import WholeAnswers
from jingwei_api.settings import ApiSettings
from jingwei_core.database import open_database
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import PluginHost
from jingwei_core.settings import Settings
from tests.api.client import Client
from tests.api.world import World, build_world, installed
from tests.servers.databases import NewDatabase


@pytest.fixture(scope="session")
async def api_settings(new_database: NewDatabase) -> AsyncIterator[Settings]:
    """A database that commits: more than one process works on it."""
    async with new_database() as settings:
        yield settings


@pytest.fixture(scope="session")
async def platform(api_settings: Settings) -> AsyncIterator[Platform]:
    """The platform with a plugin of these tests beside the installed ones."""
    async with open_database(api_settings) as database:
        opened = assemble(database)
        opened.host = PluginHost(opened.host.core, installed())
        yield opened


@pytest.fixture(scope="session")
async def world(platform: Platform) -> World:
    """Two small cities with the same logins, the plugin enabled in one of them."""
    return await build_world(platform)


@pytest.fixture(scope="module")
async def organisations_as_before(world: World) -> AsyncIterator[None]:
    """What a module registers is gone after it: others count what the world began with."""
    known = "SELECT array_agg(id) FROM core.organisation"
    before = await world.yichang.value(known)
    yield
    await world.yichang.value("DELETE FROM core.organisation WHERE id <> ALL($1::uuid[])", before)


@pytest.fixture(scope="session")
async def base_url(platform: Platform, world: World) -> AsyncIterator[str]:
    """A server over real HTTP, in this process."""
    settings = ApiSettings(subscription_check_s=1, cors_origins=("https://grid.example",))
    async with serving(create_app(platform, settings)) as url:
        yield url


@pytest.fixture(scope="session")
async def worker(base_url: str, world: World) -> AsyncIterator[Client]:
    """The grid worker of 宜昌, signed in; sees one grid."""
    async with Client(base_url, "yichang") as client:
        await client.sign_in("worker")
        yield client


@pytest.fixture(scope="session")
async def chief(base_url: str, world: World) -> AsyncIterator[Client]:
    """The centre of 宜昌, signed in; sees the whole city."""
    async with Client(base_url, "yichang") as client:
        await client.sign_in("chief")
        yield client


@asynccontextmanager
async def serving(app: Litestar, http: Any = WholeAnswers) -> AsyncIterator[str]:
    """The address of a server that runs the application while the block lasts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(
            app, http=http, log_level="warning", ws="websockets-sansio", lifespan="on"
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            while not server.started:
                if task.done():
                    task.result()
                await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True
            await task
