"""Connections (连接): those of the pool, handed from one unit of work to the next.

The pool gives back a connection in a task of its own, looks whether it is clean, and arms a timer.
A unit that has committed, or has said nothing, leaves nothing behind in the session: its connection
waits here for the next unit without all that. It stays connected, as a lane does.
"""

import asyncio
from typing import Any

import asyncpg

from jingwei_sdk.errors import Unavailable

Connection = Any  # asyncpg's proxy of a connection; asyncpg ships no common type

_UNLOOKED = 200
"""So often a connection is handed on before the pool looks at it: it replaces those that were used
very often, with all that a long session piles up in the server."""


class Connections:
    """The connections of one pool; whoever lends one gives it back in one of two ways."""

    def __init__(self, pool: Any, patience_s: float) -> None:
        self._pool = pool
        self._patience_s = patience_s
        self._free: list[Connection] = []
        self._waiting = 0
        self._handed_on = 0
        self._closing = False

    async def lend(self) -> Connection:
        """A connection that nobody else uses.

        Raises ``Unavailable``: ``DATABASE_BUSY`` when all are lent for too long,
        ``DATABASE_UNREACHABLE`` when there is no new one.
        """
        while self._free:
            connection = self._free.pop()
            if not is_gone(connection):
                return connection
            await self.release(connection)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._pool.acquire()
        except (TimeoutError, OSError, asyncpg.PostgresError) as error:
            if isinstance(error, TimeoutError) and self._are_all_lent:
                raise Unavailable("DATABASE_BUSY") from error
            raise Unavailable("DATABASE_UNREACHABLE", cause=str(error) or "timeout") from error
        finally:
            self._waiting -= 1

    @property
    def _are_all_lent(self) -> bool:
        return not self._pool.get_idle_size() and self._pool.get_size() == self._pool.get_max_size()

    async def hand_on(self, connection: Connection) -> None:
        """Give back a connection in whose session nothing was left behind."""
        self._handed_on += 1
        # Whoever waits, waits at the pool.
        if self._waiting or self._closing or not self._handed_on % _UNLOOKED:
            await self.release(connection)
        else:
            self._free.append(connection)

    async def release(self, connection: Connection) -> None:
        """Give back a connection of which the pool is to look whether it can be used again."""
        await self._pool.release(connection)

    async def close(self) -> None:
        """Wait for those that are lent and close all."""
        self._closing = True
        while self._free:
            await self.release(self._free.pop())
        await self._pool.close()


def is_gone(connection: Connection) -> bool:
    """Whether the connection is closed, or lost and already taken back by the pool."""
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:
        return True
