"""Budgets (预算): how much cost one account may ask for in a minute, in each process.

A bucket of tokens: it holds one minute's worth and fills evenly. An operation is charged with its
upper bound before it runs. What is kept is what was taken out and has not come back, so a budget
that is raised or lowered counts at once.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

import msgspec

from jingwei_api.limits.ceilings import NO_BUDGET
from jingwei_sdk.errors import RateLimited

Account = Hashable
"""Whose budget it is: the tenant's id and the account's, say."""

_KEPT = 50_000


class Spent(msgspec.Struct, frozen=True):
    """What is left of a budget, and in how many seconds it will be whole again."""

    remaining: int
    whole_in_s: float


class Budgets:
    """The buckets of one process; those unused for longest are forgotten, for they are full."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, kept: int = _KEPT) -> None:
        self._clock = clock
        self._kept = kept
        self._buckets: OrderedDict[Account, tuple[float, float]] = OrderedDict()

    def spend(self, account: Account, cost: int, per_minute: int) -> Spent | None:
        """Take ``cost`` out of the account's bucket; ``None`` where there is no budget.

        Raises ``RateLimited`` (``COST_BUDGET_EXHAUSTED``) and takes nothing if it does not hold so
        much.
        """
        if per_minute == NO_BUDGET:
            return None
        level, now = self._level(account, per_minute)
        rate = per_minute / 60
        if cost > level:
            raise RateLimited(
                "COST_BUDGET_EXHAUSTED",
                figure=cost,
                limit=per_minute,
                remaining=max(int(level), 0),
                retry_after_s=math.ceil((cost - level) / rate),
            )
        level -= cost
        self._buckets[account] = (per_minute - level, now)
        self._buckets.move_to_end(account)
        if len(self._buckets) > self._kept:
            self._buckets.popitem(last=False)
        return Spent(int(level), (per_minute - level) / rate)

    def left(self, account: Account, per_minute: int) -> Spent | None:
        """What is left in the account's bucket; ``None`` where there is no budget."""
        if per_minute == NO_BUDGET:
            return None
        level, _ = self._level(account, per_minute)
        return Spent(max(int(level), 0), (per_minute - level) * 60 / per_minute)

    def _level(self, account: Account, per_minute: int) -> tuple[float, float]:
        """What the bucket holds now, and when that is; below nothing while more was taken out than
        a budget that was lowered since allows."""
        now = self._clock()
        taken, at = self._buckets.get(account, (0.0, now))
        return per_minute - max(taken - (now - at) * per_minute / 60, 0.0), now
