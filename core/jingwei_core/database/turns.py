"""Turns (轮次): how many short commands a process has on their way at once.

Commands of one statement hold locks that others of their tenant wait for: more of them than the
server has cores to spare wait for one another inside it, which costs more than waiting here. And
few connections that are always in use find what they need in the caches. A command that takes long
waits for something else, so it makes room for the next one meanwhile.
"""

import asyncio
from contextlib import suppress

LONG_S = 0.1
"""After so long a command is none of the short ones."""

_PATIENCE_S = 1.0


class Turns:
    """At most ``count`` at once, in the order of asking: ``async with turns():``.

    Whoever has waited for a second goes on all the same; then the pool decides.
    """

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    def __call__(self) -> "Turn":
        """A turn, to be waited for."""
        return Turn(self._free)


class Turn:
    """One turn."""

    __slots__ = ("_free", "_long")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._long: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> "Turn":
        """Wait for it."""
        if self._free.locked():
            with suppress(TimeoutError):
                async with asyncio.timeout(_PATIENCE_S):
                    await self._begin()
        else:
            await self._begin()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Give it to the next one."""
        self.end()

    def end(self) -> None:
        """Give it to the next one, if that is not done yet."""
        if self._long is not None:
            self._long.cancel()
            self._long = None
            self._free.release()

    async def _begin(self) -> None:
        await self._free.acquire()
        self._long = asyncio.get_running_loop().call_later(LONG_S, self.end)
