"""Hearing (收听): whether this process listens for changes, and from when on it does.

It listens while somebody wants it to, and a little longer: notices cost the writers, and are sent
only while some process listens.
"""

import asyncio
from collections.abc import Callable

import structlog

from jingwei_core.database import Database
from jingwei_core.signals import CHANGES_CHANNEL, CHANGES_PRESENCE
from jingwei_sdk.errors import Unavailable

_log = structlog.get_logger(__name__)

_READY_S = 10.0
_LINGER_S = 30.0
"""A page that is loaded anew finds its process listening."""


class Hearing:
    """Gives each notice to ``hear``, and calls ``interrupt`` when some may have been missed."""

    def __init__(
        self, database: Database, hear: Callable[[str], None], interrupt: Callable[[], None]
    ) -> None:
        self._database = database
        self._hear = hear
        self._interrupt = interrupt
        self._wanted = 0
        self._is_ready = asyncio.Event()
        self._listening: asyncio.Task[None] | None = None
        self._ending: set[asyncio.Task[None]] = set()
        self._rest: asyncio.TimerHandle | None = None

    async def join(self) -> None:
        """From the return of this until :meth:`leave`, what commits is heard.

        Raises ``Unavailable`` (``SUBSCRIPTION_INTERRUPTED``) when there is no listening now.
        """
        self._wanted += 1
        self._begin()
        try:
            async with asyncio.timeout(_READY_S):
                await self._is_ready.wait()
        except BaseException as error:
            self.leave()
            if isinstance(error, TimeoutError):
                raise Unavailable("SUBSCRIPTION_INTERRUPTED") from error
            raise

    def leave(self) -> None:
        """One who joined wants no more."""
        self._wanted -= 1
        if not self._wanted:
            self._rest = asyncio.get_running_loop().call_later(_LINGER_S, self._end)

    async def stop(self) -> None:
        """Listen no more."""
        self._end()
        await asyncio.gather(*self._ending, return_exceptions=True)

    def _begin(self) -> None:
        self._stay()
        if self._listening is None or self._listening.done():
            self._is_ready.clear()
            self._listening = asyncio.create_task(self._listen())

    def _stay(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None

    def _end(self) -> None:
        self._stay()
        if self._listening is not None:
            self._ending.add(self._listening)
            self._listening.add_done_callback(self._ending.discard)
            self._listening.cancel()
            self._listening = None
        self._is_ready.clear()

    async def _listen(self) -> None:
        try:
            async for payload in self._database.listen(CHANGES_CHANNEL, CHANGES_PRESENCE):
                if payload is not None:
                    self._hear(payload)
                elif self._is_ready.is_set():
                    self._interrupt()
                else:
                    self._is_ready.set()
        except Exception as error:  # noqa: BLE001 - nobody waits for this task to hear of it
            _log.error("listen_fault", error=type(error).__name__)
            self._interrupt()
