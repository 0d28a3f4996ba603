"""Calling hooks (钩子调用): vetoes inside a transaction, reactions in jobs of their own."""

import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.hooks import EventTransition, Veto

REACTION_JOB = "core.plugin-reaction"
_log = structlog.get_logger(__name__)


async def veto_or_continue(ctx: Context, change: EventTransition) -> None:
    """Ask the enabled plugins whether the step may happen.

    Raises ``Conflict`` with the code of the first veto, by plugin id. A plugin that fails here is
    logged and does not stop the city: only a veto it states counts.
    """
    assert isinstance(ctx, CoreContext)
    for impl in _callers(ctx, "before_event_transition"):
        try:
            async with ctx.data.savepoint():
                answer = await _call(impl.function, ctx, change)
        except Exception:  # noqa: BLE001 - a plugin may raise anything; it is logged
            _log.exception("hook_failed", plugin=impl.plugin_name, hook="before_event_transition")
            continue
        if isinstance(answer, Veto):
            raise Conflict(answer.code, plugin=impl.plugin_name, **answer.params)


async def announce(ctx: Context, change: EventTransition) -> None:
    """Queue one reaction for each enabled plugin that wants to know of the step."""
    assert isinstance(ctx, CoreContext)
    for impl in _callers(ctx, "on_event_transitioned"):
        payload = {"plugin": impl.plugin_name, "change": msgspec.to_builtins(change)}
        await ctx.signals.enqueue(REACTION_JOB, payload)


async def run_reaction(ctx: Context, payload: Mapping[str, Any]) -> None:
    """The job behind :func:`announce`: one plugin's reaction to one step.

    Raises whatever the plugin raises, so that the queue keeps the outcome and tries again.
    Raises ``Refused`` (``PLUGIN_OFF``) when the plugin is no longer enabled.
    """
    assert isinstance(ctx, CoreContext)
    change = msgspec.convert(payload["change"], EventTransition)
    for impl in _callers(ctx, "on_event_transitioned"):
        if impl.plugin_name == payload["plugin"]:
            await _call(impl.function, ctx, change)
            return
    raise Refused("PLUGIN_OFF", plugin=payload["plugin"], state="disabled", reason="")


def _callers(ctx: CoreContext, hook: str) -> list[Any]:
    return ctx.platform.host.hook_callers(hook, ctx.registry.enabled)


async def _call(function: Any, ctx: Context, change: EventTransition) -> object:
    answer = function(ctx=ctx, change=change)
    return await answer if inspect.isawaitable(answer) else answer
