"""A process listens while somebody follows, and says from when on nothing is missed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from jingwei_api.execution import hearing
from jingwei_api.execution.hearing import Hearing
from jingwei_core.signals import CHANGES_CHANNEL, CHANGES_PRESENCE
from jingwei_sdk.errors import Unavailable


class _Database:
    """Gives what a test puts in; an exception ends the listening."""

    def __init__(self) -> None:
        self.begun = self.now = 0
        self.queue: asyncio.Queue[str | Exception | None] = asyncio.Queue()

    async def listen(self, channel: str, presence: int) -> AsyncIterator[str | None]:
        assert (channel, presence) == (CHANGES_CHANNEL, CHANGES_PRESENCE)
        self.begun += 1
        self.now += 1
        try:
            while True:
                told = await self.queue.get()
                if isinstance(told, Exception):
                    raise told
                yield told
        finally:
            self.now -= 1

    def tell(self, *told: str | Exception | None) -> None:
        for one in told:
            self.queue.put_nowait(one)


class _World:
    def __init__(self) -> None:
        database: Any = _Database()
        self.database: _Database = database
        self.heard: list[str] = []
        self.breaks = 0
        self.hearing = Hearing(database, self.heard.append, self._break)

    def _break(self) -> None:
        self.breaks += 1


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> _World:
    monkeypatch.setattr(hearing, "_LINGER_S", 0.05)
    monkeypatch.setattr(hearing, "_READY_S", 0.2)
    return _World()


async def test_it_listens_from_the_first_that_joins_until_the_last_has_left(world: _World) -> None:
    await asyncio.sleep(0)
    assert world.database.begun == 0
    for times in (1, 2):
        world.database.tell(None, "one")
        await asyncio.gather(world.hearing.join(), world.hearing.join())
        world.hearing.leave()
        await asyncio.sleep(0.1)
        world.database.tell("two")
        await asyncio.sleep(0)
        assert (world.database.begun, world.database.now) == (times, 1)
        world.hearing.leave()
        await asyncio.sleep(0.1)
        assert world.database.now == 0
    assert world.heard == ["one", "two"] * 2
    assert world.breaks == 0


async def test_who_comes_before_it_rests_finds_it_listening(world: _World) -> None:
    world.database.tell(None)
    for _ in range(5):
        await world.hearing.join()
        world.hearing.leave()
        await asyncio.sleep(0.02)
    assert world.database.begun == 1
    await world.hearing.stop()
    assert world.database.now == 0


async def test_nobody_is_let_in_before_it_listens(world: _World) -> None:
    joining = asyncio.create_task(world.hearing.join())
    await asyncio.sleep(0.1)
    assert not joining.done()
    world.database.tell(None)
    await joining
    await world.hearing.stop()


async def test_who_waits_too_long_is_told_so(world: _World) -> None:
    with pytest.raises(Unavailable) as refused:
        await world.hearing.join()
    assert refused.value.code == "SUBSCRIPTION_INTERRUPTED"
    await asyncio.sleep(0.1)
    assert world.database.now == 0


async def test_who_gives_up_waiting_is_not_counted(world: _World) -> None:
    joining = asyncio.create_task(world.hearing.join())
    await asyncio.sleep(0.01)
    joining.cancel()
    await asyncio.wait([joining])
    await asyncio.sleep(0.1)
    assert world.database.now == 0


async def test_a_break_is_told_and_a_beginning_is_not(world: _World) -> None:
    world.database.tell(None)
    await world.hearing.join()
    assert world.breaks == 0
    world.database.tell(None)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert world.breaks == 1
    await world.hearing.stop()


async def test_a_fault_interrupts_those_who_follow_and_the_next_begins_anew(world: _World) -> None:
    world.database.tell(None)
    await world.hearing.join()
    world.database.tell(RuntimeError("a fault of ours"))
    await asyncio.sleep(0.01)
    assert world.breaks == 1
    world.database.tell(None)
    await world.hearing.join()
    assert world.database.begun == 2
    await world.hearing.stop()
