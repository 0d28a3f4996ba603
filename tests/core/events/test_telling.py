"""Commands tell of their changes while somebody listens, and cost nobody anything otherwise."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing

import asyncpg
import pytest

from jingwei_core.commands.bus import Call, run
from jingwei_core.database.expressions import Expression
from jingwei_core.database.unit import Unit
from jingwei_core.session import system_context
from jingwei_core.signals import CHANGES_CHANNEL, CHANGES_PRESENCE
from tests.core.events.city import IN_GRID, POTHOLE, City
from tests.core.events.test_round_trips import ACT, REPORT, keyed, reported

Heard = asyncio.Queue[dict[str, str]]


@pytest.fixture
async def heard(neighbour: City) -> AsyncIterator[Heard]:
    """What a connection hears that listens and shows no presence."""
    told: Heard = asyncio.Queue()
    connection = await asyncpg.connect(neighbour.platform.database.url)

    def hear(*notice: object) -> None:
        change = json.loads(str(notice[3]))
        if change["tenant"] == str(neighbour.tenant.id) and "id" in change:
            told.put_nowait(change)

    await connection.add_listener(CHANGES_CHANNEL, hear)
    yield told
    await connection.close()


async def commands(city: City) -> list[uuid.UUID]:
    """One that is a single statement, one that begins early, and one that reads what it changes."""
    one = await reported(city)
    other = await keyed(city, "worker", REPORT, kind=POTHOLE, title="坑", position=IN_GRID)
    await keyed(city, "chief", ACT, one, action="file")
    assert other.row_id is not None
    return [one, other.row_id, one]


async def test_nothing_is_told_while_nobody_listens(neighbour: City, heard: Heard) -> None:
    for _ in range(2):
        await commands(neighbour)
    await asyncio.sleep(0.2)
    assert heard.empty()


async def test_every_command_tells_who_listens(neighbour: City, heard: Heard) -> None:
    listening = neighbour.platform.database.listen(CHANGES_CHANNEL, CHANGES_PRESENCE)
    async with aclosing(listening) as told:
        assert await anext(told) is None
        for _ in range(2):
            events = await commands(neighbour)
            for event in events:
                change = await asyncio.wait_for(heard.get(), 10)
                assert (change["record"], change["id"]) == ("Event", str(event))
                again = json.loads(await asyncio.wait_for(anext(told), 10) or "")
                assert again == change


async def test_a_command_within_a_longer_unit_tells_in_any_case(
    neighbour: City, heard: Heard
) -> None:
    """Whether anybody listens when that commits is not known yet."""
    platform, tenant = neighbour.platform, neighbour.tenant
    command = platform.host.registry(frozenset()).commands[REPORT]
    given = {"kind": POTHOLE, "title": "坑", "position": IN_GRID}
    async with platform.database.unit(tenant.id):
        async with system_context(platform, tenant, "test") as ctx:
            answer = await run(ctx, Call(command, given))
    assert (await asyncio.wait_for(heard.get(), 10))["id"] == str(answer.row_id)


async def test_the_look_is_the_last_that_a_command_says(
    neighbour: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who begins to listen after it waits for the transaction, which is over in a moment then."""
    said: list[str] = []
    whole, closing = Unit.whole, Unit.closing

    def noted_whole(unit: Unit, along: Expression | None) -> object:
        told = whole(unit, along)
        said.append(f"{told[0]}; COMMIT")
        return told

    def noted_closing(unit: Unit, last: str) -> str:
        said.append(closing(unit, last))
        return said[-1]

    monkeypatch.setattr(Unit, "whole", noted_whole)
    monkeypatch.setattr(Unit, "closing", noted_closing)
    for _ in range(2):
        await commands(neighbour)
    telling = [one for one in said if "core.changes_told" in one]
    assert len(telling) == 6
    for one in telling:
        last = one.removesuffix("; COMMIT").split("core.")[-1]
        assert last.startswith("changes_told_if_heard(")
