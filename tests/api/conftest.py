"""A city and its neighbour on a database of these tests' own, and a server on a free port."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn
from litestar import Litestar

from jingwei_api.app import create_app
from jingwei_api.settings import ApiSettings
from jingwei_core.database import open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import connect
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import with_database
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.host import PluginHost
from jingwei_core.settings import Settings
from tests.api.client import Client
from tests.api.world import World, build_world, installed
from tests.servers.processes import memory_folder


@pytest.fixture(scope="session")
def api_server_url() -> Iterator[str]:
    """A server that may be written to: the one the run was given, or one for these tests."""
    given = os.environ.get("JINGWEI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with memory_folder("api") as folder, ExitStack() as stack:
        folder.chmod(0o711)
        server = EmbeddedServer(folder / "postgres")
        stack.callback(server.stop)
        yield server.start().url()


@pytest.fixture(scope="session")
async def api_settings(
    api_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Settings]:
    """A migrated database with a name of its own; gone at the end."""
    name = f"api_{secrets.token_hex(4)}"
    admin = await connect(api_server_url)
    await admin.execute(f"CREATE DATABASE {name}")
    folder: Path = tmp_path_factory.mktemp("api")
    settings = Settings(
        database_url=with_database(api_server_url, name), data_dir=folder, role_prefix=name
    )
    await migrate(settings, installed_apps([]))
    yield settings
    for _ in range(100):
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
        if not await admin.fetchval(busy, name):
            break
        await asyncio.sleep(0.05)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    for role in (settings.app_role, settings.ops_role, settings.owner_role):
        await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await admin.close()


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
async def serving(app: Litestar) -> AsyncIterator[str]:
    """The address of a server that runs the application while the block lasts."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio", lifespan="on")
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
