"""Jobs that reach outside (对外任务): no transaction is open while another system is asked.

Three parts: ``claim`` says in a transaction of its own that the work is taken, and until when;
``work`` does it while nothing is open; ``settle`` writes down how it ended, in the transaction that
takes the job out of the queue. A worker that dies in between leaves a claim that runs out, and the
work is done again: at least once.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_sdk.context import Context


@dataclass(frozen=True, slots=True)
class Outside:
    """The parts of such a job. ``claim(ctx, payload)`` answers what is claimed, ``None`` when there
    is nothing to do; ``work(claimed)`` what came of it; then ``settle(ctx, claimed, made)``."""

    claim: Callable[[Context, Mapping[str, Any]], Awaitable[Any]]
    work: Callable[[Any], Awaitable[Any]]
    settle: Callable[[Context, Any, Any], Awaitable[None]]

    async def __call__(self, ctx: Context, payload: Mapping[str, Any]) -> None:
        """All of it in one transaction, for who has one open already."""
        claimed = await self.claim(ctx, payload)
        if claimed is not None:
            await self.settle(ctx, claimed, await self.work(claimed))


@dataclass(frozen=True, slots=True)
class Settling:
    """The last part, when the others are over."""

    outside: Outside
    claimed: Any
    made: Any

    async def __call__(self, ctx: Context, payload: Mapping[str, Any]) -> None:
        """Write down how it ended."""
        await self.outside.settle(ctx, self.claimed, self.made)
