"""Demo data (演示数据): rows that make a plugin worth looking at in a city made for that."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from jingwei_sdk.context import Context


@dataclass(frozen=True, slots=True)
class Demo:
    """``fill(ctx, random)`` adds rows and answers how many; a second call adds none.

    Called for tenants marked as demonstration only, with the same numbers from ``random`` each
    time, after the core's own data. Names and numbers of people in it are made up and say so.
    """

    fill: Callable[[Context, Random], Awaitable[int]]
