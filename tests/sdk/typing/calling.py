"""The caller's side: what the core gives a hook and gets of it; each ``[wrong]`` line is found."""

from jingwei_core.plugins.dispatcher import Dispatcher
from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import (
    before_event_transition,
    decide_event_department,
    extend_subject_export,
    on_plugin_enabled,
)
from jingwei_sdk.payloads import (
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
)


async def right(
    ctx: Context, hooks: Dispatcher, step: EventTransition, event: EventToAssign
) -> str | None:
    await hooks.veto(ctx, before_event_transition, step)
    told: int = await hooks.collect(ctx, on_plugin_enabled, PluginEnabled("x", "1.0.0"))
    choice = await hooks.first(ctx, decide_event_department, event)
    copy = SubjectExport("Account", event.event_id)
    whole: SubjectExport = await hooks.fold(ctx, extend_subject_export, copy)
    assert told or whole.topics
    return choice.code if choice is not None else None


async def wrong(
    ctx: Context, hooks: Dispatcher, step: EventTransition, event: EventToAssign
) -> None:
    await hooks.veto(ctx, before_event_transition, event)  # [wrong] another hook's payload
    await hooks.veto(ctx, decide_event_department, event)  # [wrong] a decision is no veto
    await hooks.collect(ctx, before_event_transition, step)  # [wrong] vetoes are not collected
    await hooks.fold(ctx, decide_event_department, event)  # [wrong] a decision is not handed on
    await hooks.fold(ctx, extend_subject_export, step)  # [wrong] another hook's payload
    choice = await hooks.first(ctx, decide_event_department, event)
    assert choice.code  # [wrong] there may be no choice
    number: int = await hooks.first(ctx, decide_event_department, event)  # [wrong] no number
    await hooks.collect(on_plugin_enabled, PluginEnabled("x", "1"))  # [wrong] ctx comes first
    assert number
