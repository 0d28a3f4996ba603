"""A rollback ends however often whoever waits for it is cancelled."""

import asyncio

import pytest

from jingwei_core.database.undisturbed import undisturbed


async def test_a_second_cancellation_does_not_leave_the_work_behind() -> None:
    begun, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        await may_end.wait()
        ended.append("rolled back")
        raise ValueError("told to nobody: the cancellation is the news")

    waiting = asyncio.create_task(undisturbed(work()))
    await begun.wait()
    for _ in range(3):
        waiting.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        assert not waiting.done(), "the connection would be given back with a statement on it"
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["rolled back"]
