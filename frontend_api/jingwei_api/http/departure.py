"""Clients that go away (离开) while their request runs: the work stops, also in the database."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from litestar.types import Receive

PATIENCE_S = 0.1
"""How long a request runs before anybody watches whether its client is still there."""

R = TypeVar("R")


class ClientGone(Exception):
    """Nobody is left to answer; the work was cancelled."""


async def unless_gone(receive: Receive, work: Awaitable[R]) -> R:
    """What ``work`` gives; it is cancelled when the client closes the connection meanwhile.

    The request's body must have been read. Raises :class:`ClientGone`.
    """
    watch = _Watch(receive)
    patience = asyncio.get_running_loop().call_later(PATIENCE_S, watch.begin)
    try:
        return await work
    except asyncio.CancelledError as cancelled:
        if watch.is_gone and watch.task.uncancel() == 0:
            raise ClientGone from cancelled
        raise
    finally:
        patience.cancel()
        watch.end()


class _Watch:
    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._watching: asyncio.Task[None] | None = None
        self.is_gone = False
        task = asyncio.current_task()
        assert task is not None
        self.task = task

    def begin(self) -> None:
        self._watching = asyncio.ensure_future(self._wait())

    def end(self) -> None:
        if self._watching is not None:
            self._watching.cancel()

    async def _wait(self) -> None:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.is_gone = True
            self.task.cancel()
