"""Notices are sent only while somebody listens, and whoever does misses none."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import asyncpg
import pytest

from jingwei_core.database import Database, listener

pytestmark = pytest.mark.commit

PRESENCE = 4711
TENANT = uuid.UUID(int=1)
TELL = f"SELECT core.changes_told_if_heard({PRESENCE}, 'probe', $1)"
BEGIN = f"BEGIN; SELECT set_config('app.tenant', '{TENANT}', true)"
INSERT = "INSERT INTO core.place_level (tenant_id, code) VALUES ($1, 'a')"
TELL_ANYHOW = "SELECT pg_notify('probe', 'by force')"
HELD = f"""SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = {PRESENCE}
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""
END_LISTENERS = """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE application_name = 'jingwei-listen' AND datname = current_database()"""


async def tell(database: Database, notice: str) -> None:
    async with database.unit(TENANT) as unit:
        await unit.execute(TELL, [notice])


@asynccontextmanager
async def plain(database: Database) -> AsyncIterator[Any]:
    """A connection of its own, as the application's role."""
    connection = await asyncpg.connect(database.url)
    try:
        yield connection
    finally:
        connection.terminate()


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[Any]:
    """What a listener that is ready hears."""
    async with aclosing(database.listen("probe", PRESENCE)) as heard:
        assert await asyncio.wait_for(anext(heard), 10) is None
        yield heard


async def next_of(heard: Any) -> str | None:
    return await asyncio.wait_for(anext(heard), 10)


async def test_who_shows_no_presence_hears_nothing(database: Database):
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with plain(database) as one, plain(database) as other:
        for connection in (one, other):
            await connection.add_listener("probe", lambda *told: heard.put_nowait(told[3]))
        await tell(database, "unheard")
        await one.execute(f"SELECT pg_advisory_lock_shared({PRESENCE})")
        await tell(database, "heard")
        assert [await asyncio.wait_for(heard.get(), 10) for _ in "12"] == ["heard", "heard"]
        await one.execute(f"SELECT pg_advisory_unlock_shared({PRESENCE})")
        await tell(database, "unheard again")
        await one.execute(TELL_ANYHOW)
        assert await asyncio.wait_for(heard.get(), 10) == "by force"


async def test_a_look_leaves_no_lock_behind(database: Database):
    async with plain(database) as other:
        await asyncio.gather(*(tell(database, "x") for _ in range(20)))
        await other.execute("BEGIN")
        await other.execute(TELL, ["x"])
        await other.execute("ROLLBACK")
        assert await other.fetchval(HELD) == 0


async def test_who_looks_is_among_the_transactions_that_run(database: Database):
    """Though it wrote nothing before."""
    async with database.unit(TENANT) as unit:
        assert await unit.fetchval("SELECT pg_current_xact_id_if_assigned()::text") is None
        await unit.execute(TELL, ["x"])
        assert await unit.fetchval("SELECT pg_current_xact_id_if_assigned()::text")


async def test_a_listener_waits_for_those_that_looked_before_it_came(database: Database):
    async with plain(database) as writer, plain(database) as holder:
        async with database.unit(TENANT) as unit:
            await unit.execute(INSERT, TENANT)
        await holder.execute(BEGIN)
        await holder.execute("SELECT FROM core.place_level FOR UPDATE")
        await writer.execute(BEGIN)
        await writer.execute(TELL, ["looked before"])
        stuck = asyncio.create_task(writer.execute("UPDATE core.place_level SET code = 'x'"))
        async with aclosing(database.listen("probe", PRESENCE)) as heard:
            ready = asyncio.ensure_future(anext(heard))
            await asyncio.sleep(0.5)
            assert not ready.done()
            await holder.execute("COMMIT")
            await stuck
            await asyncio.sleep(0.1)
            assert not ready.done()
            await writer.execute("COMMIT")
            assert await asyncio.wait_for(ready, 20) is None
            # What it does not hear is committed, so whoever reads now sees it.
            async with database.unit(TENANT) as unit:
                assert await unit.fetchval("SELECT code FROM core.place_level") == "x"
            await tell(database, "looked later")
            assert await next_of(heard) == "looked later"


async def test_a_listener_waits_for_nobody_for_ever(
    database: Database, monkeypatch: pytest.MonkeyPatch
):
    """A long transaction looks at its end, and sees the listener that came meanwhile."""
    monkeypatch.setattr(listener, "_OTHERS_S", 0.2)
    async with plain(database) as writer:
        await writer.execute("BEGIN; SELECT pg_current_xact_id()")
        async with listening(database) as heard:
            await writer.execute(TELL, ["a long one"])
            await writer.execute("COMMIT")
            assert await next_of(heard) == "a long one"


async def test_of_two_listeners_one_may_go(database: Database):
    async with listening(database) as one:
        async with listening(database) as other:
            await tell(database, "both")
            assert await next_of(one) == await next_of(other) == "both"
        await tell(database, "one")
        assert await next_of(one) == "one"
    await nobody_is_taken_for_one(database)


async def test_a_listener_that_died_is_not_taken_for_one(database: Database):
    """Its end of the connection closes without a word, as when its process is killed."""
    async with plain(database) as died:
        await died.execute(f"SELECT pg_advisory_lock_shared({PRESENCE})")
    await nobody_is_taken_for_one(database)


async def nobody_is_taken_for_one(database: Database) -> None:
    async with plain(database) as connection:
        for _ in range(100):
            if not await connection.fetchval(HELD):
                return
            await asyncio.sleep(0.05)
    raise AssertionError("a listener that is gone is still taken for one")


async def test_a_listener_whose_connection_broke_shows_its_presence_again(database: Database):
    async with listening(database) as heard:
        owner = await asyncpg.connect(database.settings.database_url)
        assert await owner.fetchval(END_LISTENERS) == 1
        assert await next_of(heard) is None
        assert await owner.fetchval(HELD) == 1
        await owner.close()
        await tell(database, "after the break")
        assert await next_of(heard) == "after the break"


async def test_what_commits_while_a_listener_comes_is_heard_or_was_there(database: Database):
    """Writers that never pause, and listeners that come and go among them."""
    written, stop = [], asyncio.Event()

    async def write(name: str) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            await tell(database, f"{name}:{number}")
            written.append(f"{name}:{number}")

    writers = [asyncio.create_task(write(name)) for name in "abc"]
    for _ in range(10):
        async with aclosing(database.listen("probe", PRESENCE)) as heard:
            assert await next_of(heard) is None
            # Up to three may have committed, and not said so yet.
            due = len(written) + 3
            await asyncio.sleep(0.2)
            missing = set(written[due:])
            assert missing
            while missing:
                missing.discard(await next_of(heard))
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.gather(*writers)
