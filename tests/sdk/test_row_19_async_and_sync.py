"""Row 19: the dispatcher awaits 100 % of hooks, async or sync; the test enumerates them."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from jingwei_core.database import Database
from jingwei_core.plugins.hooks import run_reaction
from jingwei_sdk import hook_specs
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict
from jingwei_sdk.hook_specs import ALL_HOOKS
from jingwei_sdk.hooks import Hook, Mode
from jingwei_sdk.payloads import DepartmentChoice, SubjectExport, Veto
from jingwei_sdk.plugin import Plugin
from tests.core.plugins.hooks.hearing_world import GIVEN, HearingPlatform, hearing

ANSWERS: dict[str, Any] = {
    "before_event_transition": Veto("NO"),
    "on_event_transitioned": None,
    "on_plugin_enabled": None,
    "decide_event_department": DepartmentChoice("emergency"),
    "extend_subject_export": SubjectExport("Account", GIVEN[SubjectExport].subject_id, {"a": [{}]}),
}
CASES = [(hook, way) for hook in ALL_HOOKS for way in ("async", "sync")]


def test_no_hook_is_left_out() -> None:
    declared = [value for value in vars(hook_specs).values() if isinstance(value, Hook)]
    assert {hook.name for hook in declared} == {hook.name for hook in ALL_HOOKS} == set(ANSWERS)


@pytest.mark.parametrize(("hook", "way"), CASES, ids=[f"{h.name}-{w}" for h, w in CASES])
async def test_an_implementation_is_heard_out_be_it_async_or_sync(
    database: Database, hook: Hook[Any, Any], way: str
) -> None:
    heard: list[Any] = []
    platform = await hearing(
        database,
        Plugin(id="aaa", package="x", hooks=(_written(hook, way, heard),)),
    )
    given, answer = GIVEN[hook.given], ANSWERS[hook.name]

    assert await _called(platform, hook, given) == answer

    assert heard == [given], "it ran to its end"
    assert [count.succeeded for count in platform.hooks.outcomes.counts().values()] == [1]


def _written(hook: Hook[Any, Any], way: str, heard: list[Any]) -> Callable[..., Any]:
    async def implementation(ctx: Context, given: Any) -> Any:
        assert await ctx.data.fetchval("SELECT 1") == 1
        await asyncio.sleep(0)
        heard.append(given)
        return ANSWERS[hook.name]

    def at_once(ctx: Context, given: Any) -> Any:
        heard.append(given)
        return ANSWERS[hook.name]

    return hook(implementation if way == "async" else at_once)


async def _called(platform: HearingPlatform, hook: Hook[Any, Any], given: Any) -> Any:
    """What the caller gets, in the hook's own mode."""
    async with await platform.context() as ctx:
        if hook.mode is Mode.VETO:
            with pytest.raises(Conflict) as refusal:
                await platform.hooks.veto(ctx, hook, given)
            return Veto(refusal.value.code)
        if hook.mode is Mode.FIRST:
            return await platform.hooks.first(ctx, hook, given)
        if hook.mode is Mode.FOLD:
            return await platform.hooks.fold(ctx, hook, given)
        assert await platform.hooks.collect(ctx, hook, given) == 1
    (payload,) = await platform.queued()
    async with await platform.context() as ctx:
        await run_reaction(ctx, payload)
    return None
