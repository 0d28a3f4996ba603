"""Calling hooks (钩子调用): vetoes inside a transaction, reactions in jobs of their own.

A hook that fails is an outcome in the tenant's audit log (a veto hook) or in the queue (a
reaction), never a failed step.
"""

import asyncio
import inspect
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import Change, UnitData
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Conflict, Refused
from jingwei_sdk.hooks import EventTransition, Heard, Veto

REACTION_JOB = "core.plugin-reaction"
VETO_WITHIN_S = 5.0
"""A veto hook holds the step's locks: after this time the step goes on without its word."""

_log = structlog.get_logger(__name__)


async def veto_or_continue(ctx: Context, change: EventTransition) -> None:
    """Ask the enabled plugins whether the step may happen.

    Raises ``Conflict`` with the code of the first veto, by plugin id. A plugin that fails or takes
    too long does not stop the city: only a veto it states counts, and the audit row of the command
    says that the plugin failed.
    """
    assert isinstance(ctx, CoreContext)
    for impl in _callers(ctx, "before_event_transition", change.kind):
        answer = await _ask(ctx, impl, change)
        if isinstance(answer, Veto):
            raise Conflict(answer.code, **{**answer.params, "plugin": impl.plugin})


def is_asked(ctx: Context, kind: str) -> bool:
    """Whether an enabled plugin has a word in the steps of events of a kind."""
    assert isinstance(ctx, CoreContext)
    return bool(_callers(ctx, "before_event_transition", kind))


def is_told(ctx: Context, kind: str) -> bool:
    """Whether an enabled plugin is told of the steps of events of a kind."""
    assert isinstance(ctx, CoreContext)
    return bool(_callers(ctx, "on_event_transitioned", kind))


async def announce(ctx: Context, change: EventTransition) -> None:
    """Queue one reaction for each enabled plugin that wants to know of the step."""
    assert isinstance(ctx, CoreContext)
    for impl in _callers(ctx, "on_event_transitioned", change.kind):
        payload = {"plugin": impl.plugin, "change": msgspec.to_builtins(change)}
        await ctx.signals.enqueue(REACTION_JOB, payload)


async def run_reaction(ctx: Context, payload: Mapping[str, Any]) -> None:
    """The job behind :func:`announce`: one plugin's reaction to one step.

    What it writes is one row of the audit log. Raises whatever the plugin raises, so that the queue
    keeps the outcome and tries again. Raises ``Refused`` (``PLUGIN_OFF``) when the plugin is no
    longer enabled.
    """
    assert isinstance(ctx, CoreContext)
    assert isinstance(ctx.data, UnitData)
    change = msgspec.convert(payload["change"], EventTransition)
    for impl in _callers(ctx, "on_event_transitioned", change.kind):
        if impl.plugin == payload["plugin"]:
            await _call(impl.function, ctx, change)
            if ctx.data.changes:
                await append_audit(ctx, f"{impl.plugin}:on_event_transitioned", change.event_id)
            return
    raise Refused("PLUGIN_OFF", plugin=payload["plugin"], state="disabled", reason="")


async def _ask(ctx: CoreContext, impl: Any, change: EventTransition) -> object:
    """The answer of one veto hook; what a failing one wrote is undone and its failure recorded."""
    assert isinstance(ctx.data, UnitData)
    try:
        async with ctx.data.savepoint(), asyncio.timeout(VETO_WITHIN_S):
            return await _call(impl.function, ctx, change)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it is recorded
        name = type(error).__name__
        _log.exception("hook_failed", plugin=impl.plugin, hook="before_event_transition")
        # The type only: a message of a stranger's code may quote a person's data.
        told = {"plugin": impl.plugin, "hook": "before_event_transition", "failed": name}
        ctx.data.changes.append(Change("plugin_hook", change.event_id, None, told, None))
        return None


def _callers(ctx: CoreContext, hook: str, kind: str) -> tuple[Heard, ...]:
    return ctx.registry.heard(hook, kind)


async def _call(function: Any, ctx: Context, change: EventTransition) -> object:
    answer = function(ctx, change)
    return await answer if inspect.isawaitable(answer) else answer
