"""Hooks of events (事件钩子): who is asked before a step, told after it, and where an event goes.

A hook that fails is an outcome on record and in the tenant's audit log, or in the queue (a
reaction), never a failed step.
"""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from jingwei_core.access.tables import Department
from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.jobs.core_jobs import PLUGIN_REACTION
from jingwei_core.jobs.queue import NewJob
from jingwei_core.plugins.dispatcher import call, reaction_payload
from jingwei_core.plugins.hearing import not_heard
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.hook_specs import (
    ALL_HOOKS,
    before_event_transition,
    decide_event_department,
    on_event_transitioned,
    on_plugin_enabled,
)
from jingwei_sdk.hooks import Heard
from jingwei_sdk.payloads import EventToAssign, EventTransition, PluginEnabled

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

REACTION_JOB = PLUGIN_REACTION
_HOOKS = {hook.name: hook for hook in ALL_HOOKS}


async def veto_or_continue(ctx: Context, change: EventTransition) -> None:
    """Ask the enabled plugins whether the step may happen.

    Raises ``Conflict`` with the code of the first veto. A plugin that fails or takes too long does
    not stop the city: only a veto it states counts, and the audit row of the command says that the
    plugin failed.
    """
    assert isinstance(ctx, CoreContext)
    await ctx.platform.hooks.veto(ctx, before_event_transition, change)


def is_asked(ctx: Context, kind: str) -> bool:
    """Whether an enabled plugin has a word in the steps of events of a kind."""
    assert isinstance(ctx, CoreContext)
    return ctx.platform.hooks.is_heard(ctx, before_event_transition, kind)


def is_told(ctx: Context, kind: str) -> bool:
    """Whether an enabled plugin is told of the steps of events of a kind."""
    assert isinstance(ctx, CoreContext)
    return ctx.platform.hooks.is_heard(ctx, on_event_transitioned, kind)


def is_heard(ctx: Context, kind: str) -> bool:
    """Whether any of these three ways to hear of a step is taken for events of a kind."""
    assert isinstance(ctx, CoreContext)
    hooks = ctx.platform.hooks
    decides = hooks.is_heard(ctx, decide_event_department, kind)
    return decides or is_asked(ctx, kind) or is_told(ctx, kind)


async def announce(ctx: Context, change: EventTransition) -> None:
    """Queue one reaction for each enabled plugin that wants to know of the step."""
    assert isinstance(ctx, CoreContext)
    await ctx.platform.hooks.collect(ctx, on_event_transitioned, change)


async def announce_enabled(ctx: CoreContext, told: PluginEnabled) -> None:
    """Queue one reaction for each plugin that wants to know that one was switched on, itself
    among them: the context may be older than the switch."""
    host = ctx.platform.host
    enabled = ctx.registry.enabled - {host.core.id} | {told.plugin}
    now = replace(ctx, registry=host.registry(enabled))
    await ctx.platform.hooks.collect(now, on_plugin_enabled, told)


def enabling_jobs(platform: "Platform", enabled: Iterable[str]) -> list[NewJob]:
    """The jobs by which a tenant's plugins hear that they are on, for a tenant that came with all
    of them at once; each plugin is told of after those it requires."""
    host, on = platform.host, frozenset(enabled)
    versions = {
        found.id: found.manifest.version if found.manifest is not None else ""
        for found in host.installed()
        if found.state == "available" and found.id in on
    }
    heard = platform.hooks.heard(host.registry(frozenset(versions)), on_plugin_enabled)
    return [
        NewJob(PLUGIN_REACTION, reaction_payload(plugin, on_plugin_enabled, told))
        for told in (PluginEnabled(each, versions[each]) for each in host.order if each in versions)
        for plugin in dict.fromkeys(one.plugin for one in heard)
    ]


async def decided_department(ctx: Context, event: EventToAssign) -> uuid.UUID | None:
    """The department that a plugin chooses for an event; ``None`` when none does, or when the
    tenant has no department of the code it names."""
    assert isinstance(ctx, CoreContext)
    choice = await ctx.platform.hooks.first(ctx, decide_event_department, event)
    if choice is None:
        return None
    for department in await ctx.data.find(Department, code=choice.code):
        chosen: uuid.UUID = department.id
        return chosen
    return None


async def run_reaction(ctx: Context, payload: Mapping[str, Any]) -> None:
    """The job behind :meth:`Dispatcher.collect`: what one plugin does about one thing told.

    What it writes is one row of the audit log. Raises whatever the plugin raises, so that the queue
    keeps the outcome and tries again; while the plugin's breaker is open the job is put off.
    Raises ``Refused``: ``PLUGIN_OFF`` when the plugin is no longer enabled, and the job waits;
    ``PLUGIN_HEARS_NO_MORE`` when it is, in a version without ears for it, and the job has failed.
    """
    assert isinstance(ctx, CoreContext)
    assert isinstance(ctx.data, UnitData)
    # Queued by a process of 0.1: without the hook's name.
    name = payload.get("hook", on_event_transitioned.name)
    hook, plugin = _HOOKS.get(name), payload["plugin"]
    if hook is None:
        raise not_heard(ctx.registry, plugin, name)
    given = msgspec.convert(payload.get("given", payload.get("change")), hook.given)
    hooks = ctx.platform.hooks
    found = hooks.heard(ctx.registry, hook, getattr(given, "kind", None))
    mine = [one for one in found if one.plugin == plugin]
    if not mine:
        raise not_heard(ctx.registry, plugin, name)
    point = (ctx.tenant.id, plugin, name)
    if hooks.outcomes.breakers.is_open(point):
        delay_s = hooks.outcomes.breakers.rules.open_s
        await ctx.signals.enqueue(PLUGIN_REACTION, payload, delay_s=delay_s)
        return
    await hooks.guarded(point, lambda: _tell(mine, ctx, given), hook.timeout_s)
    if ctx.data.changes:
        await append_audit(ctx, f"{plugin}:{name}", getattr(given, "event_id", None))


async def _tell(heard: list[Heard], ctx: CoreContext, given: object) -> None:
    for one in heard:
        await call(one, ctx, given)
