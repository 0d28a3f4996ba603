"""What a call of a hook costs: CPU microseconds, the least of several rounds.

    costs = await dispatch_costs(database)      # {0: Cost(...), 5: Cost(...), 50: Cost(...)}

The platform, its registry and its units are the real ones; the plugins do nothing, so that what is
measured is ours. No statement is sent: a savepoint begins with the first statement of its plugin.
"""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jingwei_core.database import Database
from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import before_event_transition, extend_subject_export
from jingwei_sdk.payloads import EventTransition, SubjectExport, Veto
from jingwei_sdk.plugin import Plugin
from tests.core.plugins.hooks.hearing_world import GIVEN, HearingPlatform, hearing

COUNTS = (0, 5, 50)
_ROUNDS, _CALLS = 7, 300


@dataclass(frozen=True)
class Cost:
    """Microseconds a call with so many enabled plugins: of a hook that none of them hears, of one
    that all of them hear with a sync function, and of one with an async function."""

    unheard_us: float
    sync_us: float
    async_us: float


async def dispatch_costs(database: Database) -> dict[int, Cost]:
    """The costs by the number of enabled plugins."""
    costs = {}
    for count in COUNTS:
        unheard = await _measured(await hearing(database, *_plugins(count, "nothing")))
        at_once = await _measured(await hearing(database, *_plugins(count, "sync")))
        awaited = await _measured(await hearing(database, *_plugins(count, "async")))
        costs[count] = Cost(unheard, at_once, awaited)
        async with database.platform() as unit:
            await unit.execute("UPDATE platform.plugin_state SET enabled = false")
    return costs


def _plugins(count: int, way: str) -> list[Plugin]:
    return [Plugin(id=f"idle-{at:02}", package="x", hooks=(_idle(way),)) for at in range(count)]


def _idle(way: str) -> Callable[..., object]:
    async def later(ctx: Context, given: EventTransition) -> Veto | None:
        return None

    def at_once(ctx: Context, given: EventTransition) -> Veto | None:
        return None

    def other(ctx: Context, given: SubjectExport) -> SubjectExport:
        return given

    if way == "nothing":
        return extend_subject_export(other)
    return before_event_transition(later if way == "async" else at_once)


async def _measured(platform: HearingPlatform) -> float:
    given: EventTransition = GIVEN[EventTransition]
    hooks = platform.hooks
    async with await platform.context() as ctx:

        async def ask() -> None:
            await hooks.veto(ctx, before_event_transition, given)

        return await _least(ask)


async def _least(ask: Callable[[], Awaitable[None]]) -> float:
    best = float("inf")
    for _ in range(_ROUNDS):
        started = time.process_time_ns()
        for _ in range(_CALLS):
            await ask()
        best = min(best, (time.process_time_ns() - started) / _CALLS / 1000)
    return best
