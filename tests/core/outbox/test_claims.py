"""A message is claimed, sent while no transaction is open, and written down: at least once, also
with several workers, and when one of them dies in between."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from jingwei_core.jobs.backoff import Backoff
from jingwei_core.jobs.core_jobs import OUTBOX_DELIVER
from jingwei_core.jobs.worker import Worker
from jingwei_core.outbox import delivery
from jingwei_core.outbox.administration import list_messages
from jingwei_core.outbox.channels import CHANNELS
from jingwei_core.outbox.delivery import Claimed, claim, deliver_again, settle, work
from jingwei_core.session import system_context
from jingwei_sdk.channels import Channel, Delivered, Later, Message, Outcome
from jingwei_sdk.context import Context
from tests.core.jobs.cities import CHANGZHI, CORE, EXTRA, FAST, Cities, working
from tests.core.outbox.test_channels import TO

_OPEN = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()
"""
_CLAIMED = "SELECT 1 FROM core.outbox_message WHERE id = $1 AND leased_until IS NOT NULL"
_PUT_OFF = "SELECT count(*) FROM jobs.pgqueuer WHERE execute_after > now() + interval '1 s'"


class Slow:
    """A channel that is asked by a test what it does while it is on its way."""

    def __init__(self) -> None:
        self.taken: list[UUID] = []
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def deliver(self, ctx: Context, message: Message) -> Outcome:
        self.taken.append(message.id)
        self.asked.set()
        await self.may_answer.wait()
        return Delivered()


@pytest.fixture
def slow() -> Slow:
    return Slow()


def slow_channel(slow: Slow) -> Channel:
    return Channel("slow", "慢", "Slow", slow.deliver, reaches="person", timeout_s=60.0)


async def sent(cities: Cities) -> UUID:
    await cities.owner(
        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
        " VALUES ($1, 'proof-plugin', true) ON CONFLICT (tenant_id, plugin_id)"
        " DO UPDATE SET enabled = true",
        CHANGZHI,
    )
    cities.forget()
    state = await cities.tenant_by_id(CHANGZHI)
    async with system_context(cities, state.tenant, "test") as ctx:
        return await ctx.signals.send("slow", TO)


async def status(cities: Cities) -> tuple[str, int]:
    async with cities.database.unit(CHANGZHI) as unit:
        (line,) = await list_messages(unit)
    return line.status, line.attempts


async def test_nothing_is_open_while_it_is_sent_and_one_worker_sends_it(
    cities: Cities, slow: Slow
) -> None:
    cities = Cities(cities.database, replace(EXTRA, channels=(slow_channel(slow),)))
    message = await sent(cities)
    # A second job of the message, as after a repair by hand.
    await cities.enqueue(CHANGZHI, OUTBOX_DELIVER, payload={"message": str(message)})
    workers = [Worker(cities, FAST), Worker(cities, FAST)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    try:
        async with asyncio.timeout(30):
            await slow.asked.wait()
            await cities.wait_until(_PUT_OFF, 1)
            assert (await cities.owner(_OPEN))[0][0] == 0
            # Nobody waits for the row either.
            await cities.owner("SELECT 1 FROM core.outbox_message FOR UPDATE NOWAIT")
            slow.may_answer.set()
            await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer WHERE status = 'picked'", 0)
    finally:
        slow.may_answer.set()
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    assert slow.taken == [message]
    assert await status(cities) == ("delivered", 1)


async def attempt(cities: Cities, message: UUID) -> Claimed | None:
    """The first part, committed."""
    state = await cities.tenant_by_id(CHANGZHI)
    async with system_context(cities, state.tenant, "test") as ctx:
        return await claim(ctx, {"message": str(message)})


async def told(cities: Cities, claimed: Claimed, made: Outcome | None) -> None:
    """The last part."""
    state = await cities.tenant_by_id(CHANGZHI)
    async with system_context(cities, state.tenant, "test", is_late=True) as ctx:
        await settle(ctx, claimed, made)


async def test_what_a_dead_worker_left_is_sent_again_when_its_claim_ran_out(
    cities: Cities, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow.may_answer.set()
    monkeypatch.setitem(vars(CORE), "channels", (*CORE.channels, slow_channel(slow)))
    cities = Cities(cities.database)
    start = datetime.now(UTC)
    cities.clock.at = start
    message = await sent(cities)
    lost = await attempt(cities, message)
    assert lost is not None
    assert await work(lost) == Delivered()  # and the worker died
    assert await status(cities) == ("waiting", 1)
    assert await attempt(cities, message) is None, "it is still the other's"
    cities.clock.at = start + timedelta(seconds=91)
    again = await attempt(cities, message)
    assert again is not None
    # The first one was only slow: what it has to say is not for it to say any more.
    await told(cities, lost, Later("SLOW"))
    assert await status(cities) == ("waiting", 2)
    assert await attempt(cities, message) is None
    await told(cities, again, await work(again))
    assert await status(cities) == ("delivered", 2)
    assert slow.taken == [message, message], "with one id, by which a receiver drops the second"


async def test_a_message_over_which_workers_die_comes_to_an_end(
    cities: Cities, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of their jobs ended well, as far as the queue knows: it is the message that counts."""
    monkeypatch.setattr(delivery, "BACKOFF", Backoff(0.05, 2.0, 0.2, attempts=2))
    monkeypatch.setitem(vars(CORE), "channels", (*CORE.channels, slow_channel(slow)))
    cities = Cities(cities.database)
    cities.clock.at = datetime.now(UTC)
    message = await sent(cities)
    for attempts in (1, 2):
        assert await attempt(cities, message) is not None  # and the worker died
        assert await status(cities) == ("waiting", attempts)
        cities.clock.at += timedelta(seconds=91)
    assert await attempt(cities, message) is None
    assert await status(cities) == ("failed", 2)
    async with cities.database.unit(CHANGZHI) as unit:
        assert [line.last_error for line in await list_messages(unit)] == ["WORKER_LOST"]
        assert await deliver_again(unit, cities.queue, CHANGZHI, message) == 1
    again = await attempt(cities, message)
    assert again is not None
    assert again.attempts == 1


async def test_what_a_channel_of_the_core_raises_is_an_attempt_that_is_counted(
    cities: Cities, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The claim is given back with it: no job may wait for a claim, and begin anew, for ever."""

    async def broken(ctx: Context, message: Message) -> Outcome:
        raise ValueError("13900000000")

    async def stuck(ctx: Context, message: Message) -> Outcome:
        await asyncio.Event().wait()
        return Delivered()

    monkeypatch.setattr(delivery, "BACKOFF", Backoff(0.05, 2.0, 0.2, attempts=3))
    for deliver, timeout_s, why in ((broken, 60.0, "ValueError"), (stuck, 0.01, "TimeoutError")):
        channel = Channel("slow", "慢", "Slow", deliver, reaches="person", timeout_s=timeout_s)
        monkeypatch.setitem(vars(CORE), "channels", (*CHANNELS, channel))
        message = await sent(cities := Cities(cities.database))
        async with working(cities):
            await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
        async with cities.database.unit(CHANGZHI) as unit:
            line = next(each for each in await list_messages(unit) if each.message == message)
        assert (line.status, line.attempts, line.last_error) == ("failed", 3, why)
        assert await cities.owner(_CLAIMED, message) == []
