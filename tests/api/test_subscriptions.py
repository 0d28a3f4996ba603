"""Subscriptions over graphql-transport-ws, across server processes."""

import asyncio
import uuid
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin

from jingwei_api.schema import global_id
from jingwei_core.platform import SNAPSHOT_AGE_S
from jingwei_core.settings import Settings
from jingwei_core.signals import CHANGES_PRESENCE
from tests.api.client import PROTOCOL, Client, Socket
from tests.api.test_writing import REGISTER
from tests.api.world import GRID, SIBLING, City, World
from tests.tenants.small_world import LiveServer

pytestmark = pytest.mark.usefixtures("organisations_as_before")
CHANGES = """subscription($under: ID, $records: [String!]) {
  changes(under: $under, records: $records) {
    record id at node { id ... on Organisation { name place { name } } }
  }
}"""
WAIT_S = 5.0
LISTENERS = f"""SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
 AND (classid::bigint << 32) + objid::bigint = {CHANGES_PRESENCE}
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
BREAK = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name = 'jingwei-listen' AND datname = current_database()"""
SWITCH_ON = (
    "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled) VALUES ($1, 'proof', true)"
)
SWITCH_OFF = "DELETE FROM platform.plugin_state WHERE tenant_id = $1 AND plugin_id = 'proof'"


async def _register(chief: Client, city: City, name: str, path: str = GRID) -> str:
    place = global_id.encode("Place", city.places[path])
    told = await chief.data(
        REGISTER.replace("proofBatch", ""),
        input={"placeId": place, "name": name},
        key=uuid.uuid4().hex,
    )
    made: str = told["organisationRegister"]["organisation"]["id"]
    return made


async def _as_owner(city: City, sql: str) -> None:
    async with city.platform.database.owner() as unit:
        await unit.execute(sql, city.id)


async def _next(socket: Socket) -> dict[str, Any]:
    async with asyncio.timeout(WAIT_S):
        return await socket.receive()


async def _until_listening(socket: Socket, city: City) -> None:
    """A ping answered after the subscribe message shows that it was taken up."""
    await socket.send(type="ping")
    assert (await _next(socket))["type"] == "pong"
    for _ in range(200):
        if await _listeners(city):
            break
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.3)


async def _listeners(city: City) -> int:
    async with city.platform.database.platform() as unit:
        return int(await unit.fetchval(LISTENERS))


async def test_a_change_reaches_those_whose_area_covers_it(
    chief: Client, worker: Client, base_url: str, world: World
) -> None:
    city = world.yichang
    async with AsyncExitStack() as stack:
        neighbour = await stack.enter_async_context(Client(base_url, "changzhi"))
        await neighbour.sign_in("chief")
        sockets = [
            await stack.enter_async_context(one.socket()) for one in (chief, worker, neighbour)
        ]
        names = [await one.subscribe(CHANGES, records=["Organisation"]) for one in sockets]
        for one in sockets:
            await _until_listening(one, city)
        sibling = await _register(chief, city, "旁网格", SIBLING)
        mine = await _register(chief, city, "本网格", GRID)

        told = await _next(sockets[0])
        assert told["id"] == names[0]
        assert told["payload"]["data"]["changes"]["id"] == sibling
        assert (await _next(sockets[0]))["payload"]["data"]["changes"]["id"] == mine
        change = (await _next(sockets[1]))["payload"]["data"]["changes"]
        assert change["record"] == "Organisation"
        assert change["node"] == {
            "id": mine,
            "name": "本网格",
            "place": {"name": f"yichang{GRID}"},
        }
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await sockets[2].receive()


async def test_under_narrows_the_area(chief: Client, world: World) -> None:
    city = world.yichang
    async with chief.socket() as socket:
        await socket.subscribe(CHANGES, under=global_id.encode("Place", city.places[SIBLING]))
        await _until_listening(socket, city)
        await _register(chief, city, "不在其下", GRID)
        inside = await _register(chief, city, "在其下", SIBLING)
        assert (await _next(socket))["payload"]["data"]["changes"]["id"] == inside


async def test_the_stream_of_a_suspended_account_ends(
    chief: Client, base_url: str, world: World
) -> None:
    city = world.yichang
    async with Client(base_url, "yichang") as client:
        await client.sign_in("leaving")
        async with client.socket() as socket:
            await socket.subscribe(CHANGES)
            await _until_listening(socket, city)
            await city.value(
                "UPDATE core.account SET status = 'suspended' WHERE login = 'leaving' RETURNING id"
            )
            await _register(chief, city, "停用之后")
            told = await _next(socket)
            codes = [e["extensions"]["code"] for e in told["payload"].get("errors", ())]
            assert codes == ["SESSION_ENDED"]
            assert not (told["payload"].get("data") or {}).get("changes")
            assert (await _next(socket))["type"] == "complete"


async def test_a_stream_without_changes_ends_with_its_session(base_url: str, world: World) -> None:
    async with Client(base_url, "yichang") as client:
        await client.sign_in("quiet")
        async with client.socket() as socket:
            await socket.subscribe(CHANGES)
            await _until_listening(socket, world.yichang)
            answer = await client.post("/auth/sign-out-everywhere", {})
            assert answer.status_code == 204
            told = await _next(socket)
            (error,) = told["payload"]["errors"]
            assert error["extensions"]["code"] == "SESSION_ENDED"
            assert (await _next(socket))["type"] == "complete"


async def test_a_stream_ends_when_a_plugin_is_switched(base_url: str, world: World) -> None:
    """It was made with a schema that the city has no longer."""
    city = world.changzhi
    async with Client(base_url, "changzhi") as client:
        await client.sign_in("chief")
        async with client.socket() as socket:
            await socket.subscribe(CHANGES)
            await _until_listening(socket, city)
            try:
                await _as_owner(city, SWITCH_ON)
                told = await _next(socket)
            finally:
                await _as_owner(city, SWITCH_OFF)
            (error,) = told["payload"]["errors"]
            assert error["extensions"]["code"] == "SUBSCRIPTION_PLUGINS"
            assert (await _next(socket))["type"] == "complete"
    await asyncio.sleep(SNAPSHOT_AGE_S)  # the next test finds the plugin off


async def test_a_lost_connection_is_told_and_who_comes_again_hears_all(
    chief: Client, world: World
) -> None:
    city = world.yichang
    async with chief.socket() as socket:
        await socket.subscribe(CHANGES)
        await _until_listening(socket, city)
        connection = await asyncpg.connect(city.platform.database.settings.database_url)
        assert await connection.fetchval(BREAK) == 1
        await connection.close()
        told = await _next(socket)
        (error,) = told["payload"]["errors"]
        assert error["extensions"]["code"] == "SUBSCRIPTION_INTERRUPTED"
        assert (await _next(socket))["type"] == "complete"
        await socket.subscribe(CHANGES)
        await _until_listening(socket, city)
        assert await _listeners(city) == 1
        made = await _register(chief, city, "断线之后")
        assert (await _next(socket))["payload"]["data"]["changes"]["id"] == made


async def test_queries_and_refusals_over_the_socket(worker: Client) -> None:
    async with worker.socket() as socket:
        await socket.subscribe("{ me { name } }")
        told = await _next(socket)
        assert told["payload"]["data"] == {"me": {"name": "yichang worker"}}
        assert (await _next(socket))["type"] == "complete"
        await socket.subscribe("{ nothing }")
        told = await _next(socket)
        assert told["type"] == "error"
        assert told["payload"][0]["extensions"]["code"] == "GRAPHQL_VALIDATION"
        await socket.subscribe(CHANGES, records=["Nothing"])
        told = await _next(socket)
        assert told["type"] == "error"
        assert told["payload"][0]["extensions"]["code"] == "RECORD_NAME_UNKNOWN"


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (['{"type": "subscribe", "id": "1", "payload": {"query": "{ __typename }"}}'], 4401),
        (['{"type": "connection_init"}'], 4403),
        (['{"type": "connection_init", "payload": {"tenant": "yichang"}}'], 4403),
        (["no json"], 4400),
        (["[]"], 4400),
    ],
)
async def test_a_connection_that_begins_wrongly_is_closed(
    base_url: str, world: World, messages: list[str], code: int
) -> None:
    url = base_url.replace("http", "ws", 1) + "/graphql"
    async with connect(url, subprotocols=[PROTOCOL], proxy=None) as connection:
        for message in messages:
            await connection.send(message)
        with pytest.raises(ConnectionClosed):
            await connection.recv()
        assert connection.close_code == code


@pytest.mark.parametrize("name", ["1", "网格" * 100])
async def test_a_name_that_is_taken_ends_the_connection(worker: Client, name: str) -> None:
    """However long: what a closing frame says has room for 123 bytes (RFC 6455 §5.5)."""
    async with worker.socket() as socket:
        payload = {"query": CHANGES}
        for _ in range(2):
            await socket.send(id=name, type="subscribe", payload=payload)
        with pytest.raises(ConnectionClosed):
            await socket.receive()
        assert socket.connection.close_code == 4409
        assert socket.connection.close_reason
        assert socket.connection.close_reason.startswith(f"Subscriber for {name[:1]}")


async def test_pages_of_other_origins_may_not_connect(base_url: str, world: World) -> None:
    url = base_url.replace("http", "ws", 1) + "/graphql"
    with pytest.raises(InvalidStatus) as refusal:
        async with connect(
            url, subprotocols=[PROTOCOL], proxy=None, origin=Origin("https://evil.example")
        ):
            pass
    assert refusal.value.response.status_code == 403


async def test_a_change_crosses_from_one_server_process_to_another(
    api_settings: Settings, world: World, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        servers = [LiveServer(api_settings, tmp_path / name) for name in ("one", "other")]
        for server in servers:
            stack.callback(server.stop)
        await asyncio.gather(*(asyncio.to_thread(server.start) for server in servers))
        writer, reader = [
            await stack.enter_async_context(Client(server.url, "yichang")) for server in servers
        ]
        await writer.sign_in("chief")
        await reader.sign_in("worker")
        socket = await stack.enter_async_context(reader.socket())
        await socket.subscribe(CHANGES)
        await _until_listening(socket, world.yichang)
        made = await _register(writer, world.yichang, "跨进程")
        assert (await _next(socket))["payload"]["data"]["changes"]["id"] == made
