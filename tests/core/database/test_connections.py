"""Connections go from unit to unit, and to whoever waits for one."""

import asyncio
import uuid
from contextvars import Context

import asyncpg
import pytest

from jingwei_core.database import Database, open_database
from jingwei_core.database.connections import Connections
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

OURS = uuid.UUID(int=1)
PID = "SELECT pg_backend_pid()"


async def pid(database: Database) -> int:
    async with database.unit(OURS) as unit:
        found: int = await unit.fetchval(PID)
        return found


@pytest.mark.commit
async def test_a_connection_is_handed_from_one_unit_to_the_next(database: Database):
    found = {await pid(database) for _ in range(250)}  # also through the pool
    assert len(found) == 1


@pytest.mark.commit
async def test_whoever_waits_is_given_what_others_give_back(database: Database, settings: Settings):
    few = settings.model_copy(update={"pool_size": 2, "connect_timeout_s": 5})
    async with open_database(few) as narrow:
        found = await asyncio.gather(*(pid(narrow) for _ in range(40)))
        assert len(set(found)) == 2
        assert await pid(narrow) in found


@pytest.mark.commit
async def test_a_unit_that_is_given_none_is_told_so(database: Database, settings: Settings):
    few = settings.model_copy(update={"pool_size": 1, "connect_timeout_s": 0.2})
    async with open_database(few) as narrow:
        async with narrow.unit(OURS):
            # In a context of its own: else it would be a part of this unit.
            other = asyncio.create_task(pid(narrow), context=Context())
            with pytest.raises(Unavailable, match="DATABASE_BUSY"):
                await other
        assert await pid(narrow)


@pytest.mark.parametrize(
    "refusal",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("too many clients already"),
        asyncpg.InvalidPasswordError("password authentication failed"),
        ConnectionRefusedError("refused"),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
async def test_a_server_that_takes_no_connection_is_told_as_unreachable(refusal: Exception):
    """Told, and worth another attempt: no fault of ours."""

    class Refusing:
        async def acquire(self) -> None:
            raise refusal

    with pytest.raises(Unavailable, match="DATABASE_UNREACHABLE") as told:
        await Connections(Refusing(), patience_s=5).lend()
    assert told.value.params["cause"] == str(refusal)
    assert told.value.retryable


@pytest.mark.commit
async def test_what_a_failed_unit_leaves_behind_reaches_nobody(
    database: Database, settings: Settings
):
    async def fail(narrow: Database) -> None:
        async with narrow.unit(OURS) as unit:
            await unit.execute("SET LOCAL statement_timeout = 7")
            raise KeyError

    alone = settings.model_copy(update={"pool_size": 1})
    async with open_database(alone) as narrow:
        with pytest.raises(KeyError):
            await fail(narrow)
        async with narrow.unit(OURS) as unit:
            assert await unit.fetchval("SHOW statement_timeout") != "7ms"


@pytest.mark.commit
async def test_closing_waits_for_those_that_are_lent(database: Database, settings: Settings):
    begun, closing = asyncio.Event(), asyncio.Event()

    async def late(narrow: Database) -> int:
        async with narrow.unit(OURS) as unit:
            begun.set()
            await closing.wait()
            found: int = await unit.fetchval("SELECT 1 FROM pg_sleep(0.1)")
            return found

    async with open_database(settings) as narrow:
        await pid(narrow)
        task = asyncio.create_task(late(narrow))
        await begun.wait()
        closing.set()
    assert await task == 1
