"""LISTEN on a connection of its own that comes back after it was lost.

Writers may look whether anybody listens before they notify (``core.changes_told_if_heard``). They
see it by an advisory lock, which is held shared for as long as the connection lasts.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from jingwei_core.database.errors import LOST_CONNECTION

_HEARTBEAT_S = 15.0
_LONGEST_WAIT_S = 10.0
_LOCK_S = 10.0
_OTHERS_S = 5.0
_LOOK_S = 0.015
_NUMBER = "SELECT pg_current_xact_id()::text::bigint"
_OLDEST = "SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint"

_log = structlog.get_logger(__name__)


async def listen(url: str, channel: str, presence: int | None) -> AsyncIterator[str | None]:
    """The payloads on ``channel``; ``None`` each time listening (again) begins."""
    while True:
        connection = await _connect(url)
        inbox: asyncio.Queue[str | None] = asyncio.Queue()
        lost = asyncio.Event()
        try:
            connection.add_termination_listener(lambda _, lost=lost: lost.set())
            if presence is not None:
                lock = f"SELECT pg_advisory_lock_shared({presence:d})"
                await connection.execute(lock, timeout=_LOCK_S)
            await connection.add_listener(channel, _into(inbox))
            if presence is not None:
                await _others_are_over(connection)
            yield None
            async for payload in _until_lost(connection, inbox, lost):
                yield payload
        except LOST_CONNECTION as error:
            _log.warning("listen_lost", channel=channel, cause=str(error))
        finally:
            with suppress(*LOST_CONNECTION):
                await connection.close(timeout=1)


async def _others_are_over(connection: Any) -> None:
    """Wait for the transactions that run now: they may have looked before the lock was there.

    Whoever looks does so at the very end of its transaction, so that it is over in a moment. One
    that goes on for longer has not looked yet, and will see the lock: it need not be waited for.
    """
    clock = asyncio.get_running_loop().time
    latest = clock() + _OTHERS_S
    # A number of our own: a snapshot ends with the last transaction that is over, and knows nothing
    # of those that began after it.
    last = await connection.fetchval(_NUMBER)
    while clock() < latest:
        if await connection.fetchval(_OLDEST) > last:
            return
        await asyncio.sleep(_LOOK_S)


async def _until_lost(
    connection: Any, inbox: asyncio.Queue[str | None], lost: asyncio.Event
) -> AsyncIterator[str | None]:
    gone = asyncio.ensure_future(lost.wait())
    message: asyncio.Future[str | None] | None = None
    try:
        while not gone.done():
            message = asyncio.ensure_future(inbox.get())
            await asyncio.wait(
                {message, gone}, timeout=_HEARTBEAT_S, return_when=asyncio.FIRST_COMPLETED
            )
            if message.done():
                yield message.result()
                continue
            message.cancel()
            if not gone.done():
                # A peer that vanished without a word is noticed by asking it something.
                await connection.execute("SELECT 1", timeout=_HEARTBEAT_S)
    finally:
        gone.cancel()
        if message is not None:
            message.cancel()


async def _connect(url: str) -> Any:
    async for attempt in AsyncRetrying(
        retry=retry_if_exception_type(LOST_CONNECTION),
        wait=wait_random_exponential(multiplier=0.1, max=_LONGEST_WAIT_S),
    ):
        with attempt:
            return await asyncpg.connect(
                url, timeout=10, server_settings={"application_name": "jingwei-listen"}
            )
    raise AssertionError  # AsyncRetrying without a stop condition never ends


def _into(inbox: asyncio.Queue[str | None]) -> Any:
    def receive(connection: Any, pid: int, channel: str, payload: object) -> None:
        inbox.put_nowait(str(payload))

    return receive
