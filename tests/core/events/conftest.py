"""A database of these tests' own: they commit, and act from many connections at once."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack

import pytest

from jingwei_core.contribution import core_contribution
from jingwei_core.database import open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import Database, connect
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import with_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.settings import Settings
from jingwei_sdk.plugin import Plugin
from tests.core.events.city import City, build_city
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.listening_plugin import PLUGIN_ID, ListeningHooks
from tests.servers.processes import memory_folder


@pytest.fixture(scope="session")
def events_server_url() -> Iterator[str]:
    given = os.environ.get("JINGWEI_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with memory_folder("events") as folder, ExitStack() as stack:
        folder.chmod(0o711)
        server = EmbeddedServer(folder / "postgres")
        stack.callback(server.stop)
        yield server.start().url()


@pytest.fixture(scope="session")
async def events_database(
    events_server_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Database]:
    name = f"events_{secrets.token_hex(4)}"
    admin = await connect(events_server_url)
    await admin.execute(f"CREATE DATABASE {name}")
    settings = Settings(
        database_url=with_database(events_server_url, name),
        data_dir=tmp_path_factory.mktemp("events"),
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
def hooks() -> ListeningHooks:
    """What the plugin of these tests hears, and what it forbids."""
    return ListeningHooks()


@pytest.fixture
def platform(events_database: Database, hooks: ListeningHooks) -> Platform:
    plugin = Plugin(id=PLUGIN_ID, package="tests", hooks=hooks)
    host = PluginHost(core_contribution(), [Installed(PLUGIN_ID, "available", plugin=plugin)])
    platform = Platform(events_database, host, open_store(events_database.settings))
    platform.clock = FrozenClock()
    return platform


@pytest.fixture
async def city(platform: Platform) -> City:
    """The tenant under test; each test has its own. It has the plugin of these tests."""
    return await build_city(platform, plugins=(PLUGIN_ID,))


@pytest.fixture
async def neighbour(platform: Platform) -> City:
    """The tenant next door, with the same codes, and without the plugin."""
    return await build_city(platform)
