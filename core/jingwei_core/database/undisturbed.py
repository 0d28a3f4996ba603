"""Work that ends though its task is cancelled (不受取消影响): what gives a connection back."""

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TypeVar

R = TypeVar("R")


async def undisturbed(work: Awaitable[R]) -> R:
    """Finish ``work`` even if this task is cancelled meanwhile, however often; then the
    cancellation goes on."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # the cancellation is the news
        raise
