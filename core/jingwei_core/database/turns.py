"""Turns (轮次): how many short statements a process has running at once.

Commands of one statement hold locks that others of their tenant wait for: more of them than the
server has cores to spare wait for one another inside it, which costs more than waiting here. A
statement that takes long waits for something else, so it makes room for the next one meanwhile.
"""

import asyncio

LONG_S = 0.1
"""After so long a statement is none of the short ones."""


class Turns:
    """At most ``count`` statements at once, in the order of asking: ``async with turns():``."""

    def __init__(self, count: int) -> None:
        self._free = asyncio.Semaphore(count)

    def __call__(self) -> "_Turn":
        """A turn, to be waited for."""
        return _Turn(self._free)


class _Turn:
    __slots__ = ("_free", "_long")

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free

    async def __aenter__(self) -> None:
        await self._free.acquire()
        self._long: asyncio.TimerHandle | None = asyncio.get_running_loop().call_later(
            LONG_S, self._end
        )

    async def __aexit__(self, *_: object) -> None:
        self._end()

    def _end(self) -> None:
        if self._long is not None:
            self._long.cancel()
            self._long = None
            self._free.release()
