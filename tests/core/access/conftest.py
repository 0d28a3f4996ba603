"""A database of these tests' own: they commit, and sign in from many connections at once."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from jingwei_core.database import open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import Database, connect
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import with_database
from jingwei_core.settings import Settings
from tests.core.access.world import City, SmallPlatform, build_city
from tests.servers.processes import memory_folder


@pytest.fixture(scope="session")
def access_server_url() -> Iterator[str]:
    given = os.environ.get("JINGWEI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with memory_folder("access") as folder, ExitStack() as stack:
        folder.chmod(0o711)
        server = EmbeddedServer(folder / "postgres")
        stack.callback(server.stop)
        yield server.start().url()


@pytest.fixture(scope="session")
async def access_database(
    access_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    name = f"access_{secrets.token_hex(4)}"
    admin = await connect(access_server_url)
    await admin.execute(f"CREATE DATABASE {name}")
    settings = Settings(
        database_url=with_database(access_server_url, name),
        data_dir=tmp_path_factory.mktemp("access"),
        role_prefix=name,
    )
    await migrate(settings, installed_apps([]))
    async with open_database(settings) as database:
        yield database
    for _ in range(100):
        busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1"
        if not await admin.fetchval(busy, name):
            break
        await asyncio.sleep(0.05)
    await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    for role in (settings.app_role, settings.ops_role, settings.owner_role):
        await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    await admin.close()


@pytest.fixture
def platform(access_database: Database) -> SmallPlatform:
    return SmallPlatform(access_database)


@pytest.fixture
async def city(platform: SmallPlatform) -> City:
    """The tenant under test; each test has its own."""
    return await build_city(platform, "yichang")


@pytest.fixture
async def neighbour(platform: SmallPlatform) -> City:
    """The tenant next door, with places and roles of the same names."""
    return await build_city(platform, "changzhi")
