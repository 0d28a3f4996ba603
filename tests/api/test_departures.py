"""Clients that go away: what ran for them ends, in the process and in the database."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from jingwei_api.http.departure import PATIENCE_S, ClientGone, unless_gone
from jingwei_api.http.wire import whole_body
from jingwei_core.settings import Settings
from tests.api.client import Client

QUERY = "{ organisations(first: 1, orderBy: [{ field: NAME }]) { edges { node { name } } } }"
WAITING = """SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND state = 'active' AND wait_event_type = 'Lock'"""


@asynccontextmanager
async def locked(settings: Settings) -> AsyncIterator[Any]:
    """A table that nobody can read while the block lasts; a connection to watch who tries."""
    connection = await asyncpg.connect(settings.database_url)
    watching = await asyncpg.connect(settings.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE core.organisation IN ACCESS EXCLUSIVE MODE")
            yield watching
    finally:
        await watching.close()
        await connection.close()


async def until(connection: Any, waiting: int) -> bool:
    """Whether so many statements wait for the lock, within a time that no time-out has."""
    for _ in range(150):
        if await connection.fetchval(WAITING) == waiting:
            return True
        await asyncio.sleep(0.02)
    return False


def request_bytes(worker: Client) -> bytes:
    body = json.dumps({"query": QUERY}).encode()
    headers = worker.headers(**{"content-type": "application/json", "host": "x"})
    lines = [f"{name}: {value}" for name, value in headers.items()]
    head = "\r\n".join(["POST /graphql HTTP/1.1", *lines, f"content-length: {len(body)}"])
    return head.encode() + b"\r\n\r\n" + body


async def test_closing_the_connection_ends_the_statement_in_the_server(
    worker: Client, api_settings: Settings
) -> None:
    place = urlsplit(worker.base_url)
    async with locked(api_settings) as connection:
        _, writer = await asyncio.open_connection(place.hostname, place.port)
        writer.write(request_bytes(worker))
        assert await until(connection, 1)
        await asyncio.sleep(PATIENCE_S * 2)
        assert await connection.fetchval(WAITING) == 1
        writer.close()
        await writer.wait_closed()
        assert await until(connection, 0)
    assert "errors" not in await worker.ask(QUERY)


async def test_whoever_stays_is_answered_however_long_it_takes(
    worker: Client, api_settings: Settings
) -> None:
    async with locked(api_settings) as connection:
        asking = asyncio.create_task(worker.ask(QUERY))
        assert await until(connection, 1)
        await asyncio.sleep(PATIENCE_S * 3)
    assert "errors" not in await asking


@pytest.mark.parametrize("ending", ["complete", "close", "vanish"])
async def test_a_socket_that_ends_takes_its_operations_along(
    worker: Client, api_settings: Settings, ending: str
) -> None:
    async with locked(api_settings) as connection, worker.socket() as socket:
        for name in ("one", "two"):
            await socket.send(id=name, type="subscribe", payload={"query": QUERY})
        assert await until(connection, 2)
        if ending == "complete":
            for name in ("one", "two"):
                await socket.send(id=name, type="complete")
        elif ending == "close":
            await socket.connection.close()
        else:
            socket.connection.transport.abort()
        assert await until(connection, 0)
    assert "errors" not in await worker.ask(QUERY)


async def leave_after(seconds: float) -> Any:
    await asyncio.sleep(seconds)
    return {"type": "http.disconnect"}


async def test_only_the_one_who_left_is_cancelled() -> None:
    async def run(work: Awaitable[str], leaves_s: float) -> str:
        return await unless_gone(lambda: leave_after(leaves_s), work)

    async def slow() -> str:
        await asyncio.sleep(PATIENCE_S + 0.2)
        return "done"

    outcomes = await asyncio.gather(run(slow(), 0.05), run(slow(), 30), return_exceptions=True)
    assert type(outcomes[0]) is ClientGone
    assert outcomes[1] == "done"


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    task = asyncio.ensure_future(unless_gone(lambda: leave_after(30), asyncio.sleep(30)))
    await asyncio.sleep(PATIENCE_S + 0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_no_watch_outlives_its_request() -> None:
    before = asyncio.all_tasks()
    for seconds in (0.0, PATIENCE_S + 0.05):
        await unless_gone(lambda: leave_after(30), asyncio.sleep(seconds))
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


async def test_a_client_that_leaves_within_its_body_is_gone() -> None:
    messages = [
        {"type": "http.request", "body": b"{", "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0)

    with pytest.raises(ClientGone):
        await whole_body(receive, 100)


async def test_a_body_comes_in_parts() -> None:
    messages: list[Any] = [
        {"type": "http.request", "body": part, "more_body": bool(part)}
        for part in (b"a", b"b", b"")
    ]

    async def receive() -> Any:
        return messages.pop(0)

    assert await whole_body(receive, 2) == b"ab"
    with contextlib.suppress(IndexError):
        await whole_body(receive, 2)
