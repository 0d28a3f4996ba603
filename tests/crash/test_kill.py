"""kill -9 in the middle of 200 commands: what was acknowledged is there, the rest is not half."""

import asyncio
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from jingwei_core.database.engine import connect
from tests.crash.city import (
    Said,
    build,
    chain_holds,
    file,
    half_done,
    hand_to_plugin,
    quiet,
    report,
    send,
    session,
    traces,
)
from tests.crash.server import ApplicationServer, application_servers
from tests.servers.databases import TestRun, copied_database

REPORTS, ACTS = 160, 40
KILL_AFTER = 80
"""Commands that have committed when the power goes: some of them, and far from all."""


@dataclass
class Rush:
    """200 commands at once, and what came back of them."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    async def run(
        self, http: httpx.AsyncClient, headers: dict[str, dict[str, str]], said: list[Said]
    ) -> None:
        """Send all of them; those that get no answer are lost, as a client sees it."""
        await asyncio.gather(*(self._one(http, headers[each.name], each) for each in said))

    async def _one(self, http: httpx.AsyncClient, headers: dict[str, str], said: Said) -> None:
        try:
            self.answers[said.key] = await send(http, headers, said)
        except (httpx.TransportError, ValueError):
            self.lost.append(said.key)


def client(server: ApplicationServer) -> httpx.AsyncClient:
    """Enough connections for everything at once."""
    limits = httpx.Limits(max_connections=REPORTS + ACTS)
    return httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=60, limits=limits)


def kill_in_the_middle(server: ApplicationServer, url: str) -> None:
    """The power cut; watched from a thread, for the clients keep their own loop busy."""

    async def watch() -> None:
        connection = await connect(url)
        try:
            sql = "SELECT count(*) FROM core.command_key WHERE key ~ '^[ar]'"
            for _ in range(10_000):
                if await connection.fetchval(sql) >= KILL_AFTER:
                    break
                await asyncio.sleep(0.002)
            server.kill()
        finally:
            await connection.close()

    asyncio.run(watch())


@pytest.fixture
async def prepared(test_run: TestRun, template: str) -> AsyncIterator[Any]:
    """A city on a server, two signed-in accounts and a superuser's connection."""
    async with copied_database(test_run, template) as settings:
        city = await build(settings)
        assert settings.database_url is not None
        connection = await connect(settings.database_url)
        with application_servers(settings) as (server,):
            async with client(server) as http:
                headers = {
                    "eventReport": await session(http, city, "near_worker"),
                    "eventAct": await session(http, city, "chief"),
                }
            yield settings, city, server, headers, connection
        await connection.close()


async def test_nothing_acknowledged_is_lost_and_nothing_is_half_done(prepared: Any) -> None:
    settings, city, server, headers, connection = prepared
    async with client(server) as http:
        first = [report(city, f"p{n}", f"crash before {n}") for n in range(ACTS)]
        filed = [(await send(http, headers["eventReport"], each))["event"]["id"] for each in first]
        await hand_to_plugin(connection, city)
        said = [report(city, f"r{n}", f"crash {n}") for n in range(REPORTS)]
        said += [file(f"a{n}", event) for n, event in enumerate(filed)]
        random.Random(7).shuffle(said)  # the two kinds mixed, the same each time
        rush = Rush()
        killing = asyncio.to_thread(kill_in_the_middle, server, settings.database_url)
        await asyncio.gather(rush.run(http, headers, said), killing)
    await quiet(connection)

    assert 0 < len(rush.answers) < len(said)
    assert len(rush.answers) + len(rush.lost) == len(said)
    assert await half_done(connection) == {}
    await _acknowledged_are_there(connection, rush)
    left = await traces(connection, [each.key for each in said])
    assert len(rush.answers) <= left["keys"] < len(said)
    assert left["audited"] == left["keys"] + ACTS
    acts = [each.key for each in said if each.name == "eventAct"]
    assert left["jobs"] == (await traces(connection, acts))["keys"]
    assert await chain_holds(settings, city)

    await quiet(connection)
    server.start()
    server.wait()
    await _again(server, headers, said, rush)

    keys = [each.key for each in said]
    assert await traces(connection, keys) == {
        "keys": len(said),
        "events": ACTS + len([key for key in keys if key[0] == "r"]),
        "steps": ACTS + len(said),
        "audited": ACTS + len(said),
        "jobs": ACTS,
    }
    assert await half_done(connection) == {}
    assert await chain_holds(settings, city)


async def _acknowledged_are_there(connection: Any, rush: Rush) -> None:
    for key, answer in rush.answers.items():
        stored = await connection.fetchval(
            "SELECT e.number FROM core.command_key k JOIN core.event e"
            " ON e.id = (k.answer->>'row_id')::uuid WHERE k.key = $1",
            key,
        )
        assert stored == answer["event"]["number"]
        assert answer["replayed"] is False


async def _again(
    server: ApplicationServer, headers: dict[str, dict[str, str]], said: list[Said], rush: Rush
) -> None:
    """Send everything again: what was answered before is answered the same, once."""
    second = Rush()
    async with client(server) as http:
        await second.run(http, headers, said)
    assert second.lost == []
    for key, answer in rush.answers.items():
        assert second.answers[key]["replayed"] is True
        assert second.answers[key]["event"] == answer["event"]
    numbers = [a["event"]["number"] for k, a in second.answers.items() if k[0] == "r"]
    assert len(set(numbers)) == len(numbers)


async def test_one_key_at_once_acts_once(prepared: Any) -> None:
    _, city, server, headers, connection = prepared
    said = report(city, "same", "crash same")
    async with client(server) as http:
        sent = (send(http, headers["eventReport"], said) for _ in range(20))
        answers = await asyncio.gather(*sent)

        assert len({answer["event"]["id"] for answer in answers}) == 1
        assert sorted(answer["replayed"] for answer in answers) == [False] + [True] * 19
        # The same key of another account is another key, and tells nothing of the first.
        other = await session(http, city, "far_worker")
        theirs = await send(http, other, report(city, "same", "crash other", "far"))
        assert theirs["replayed"] is False
        assert theirs["event"]["id"] != answers[0]["event"]["id"]

        before = await traces(connection, ["same"])
        for changed in (
            report(city, "same", "crash changed"),
            file("same", answers[0]["event"]["id"]),
        ):
            with pytest.raises(RuntimeError, match="IDEMPOTENCY_KEY_REUSED"):
                await send(http, headers["eventReport"], changed)
        assert await traces(connection, ["same"]) == before
    assert before == {"keys": 2, "events": 2, "steps": 2, "audited": 2, "jobs": 0}
    assert await half_done(connection) == {}
