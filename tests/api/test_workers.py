"""Several worker processes on one port: each is whole."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from jingwei_api.schema import global_id
from jingwei_core.settings import Settings
from tests.api.client import Client, Socket
from tests.api.test_writing import REGISTER
from tests.api.world import GRID, World
from tests.tenants.small_world import LiveServer

pytestmark = pytest.mark.usefixtures("organisations_as_before")
MOST_SOCKETS = 60
CHANGES = 'subscription { changes(records: ["Organisation"]) { id } }'
LISTENING = """SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'jingwei-listen'"""


async def test_every_worker_answers_and_listens_to_changes_while_it_has_subscribers(
    world: World, api_settings: Settings, tmp_path: Path
) -> None:
    server = LiveServer(api_settings, tmp_path / "server", workers=2)
    connection = await asyncpg.connect(api_settings.database_url)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(connection.close)
        before = await connection.fetchval(LISTENING)
        stack.callback(server.stop)
        await asyncio.to_thread(server.start)
        # Each worker always hears of switches of plugins.
        before += 2
        await _listening(connection, before)
        client = await stack.enter_async_context(Client(server.url, "yichang"))
        await client.sign_in("chief")
        # The kernel deals connections out as it likes: more are made until both workers have some.
        sockets: list[Socket] = []
        while await connection.fetchval(LISTENING) != before + 2:
            assert len(sockets) < MOST_SOCKETS
            socket = await stack.enter_async_context(client.socket())
            await socket.subscribe(CHANGES)
            await socket.send(type="ping")
            assert (await socket.receive())["type"] == "pong"
            sockets.append(socket)
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.5)
        place = global_id.encode("Place", world.yichang.places[GRID])
        given = {"placeId": place, "name": "两个进程"}
        made = await client.data(
            REGISTER.replace("proofBatch", ""), input=given, key=uuid.uuid4().hex
        )
        wanted = made["organisationRegister"]["organisation"]["id"]
        async with asyncio.timeout(10):
            told = await asyncio.gather(*(socket.receive() for socket in sockets))
        assert {one["payload"]["data"]["changes"]["id"] for one in told} == {wanted}


async def _listening(connection: asyncpg.Connection, count: int) -> None:
    """Wait until so many connections listen: a server answers when its first worker does."""
    for _ in range(300):
        if await connection.fetchval(LISTENING) == count:
            return
        await asyncio.sleep(0.1)
    pytest.fail(f"not {count} connections listen")
