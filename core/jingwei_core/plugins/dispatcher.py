"""The dispatcher (钩子调度): asks the enabled plugins of a tenant, in the mode of each hook.

Plugins are asked one after the other, in the order of what they require, then of their ids. Each
call has a time limit, a breaker and, if it is async, a savepoint of its own, so a plugin that fails
costs its own word only; what that means is said by the hook.
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Any, Literal, TypeVar
from weakref import WeakKeyDictionary

import msgspec
import structlog

from jingwei_core.commands.data import Change, UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.database.connections import is_gone
from jingwei_core.database.plugin_sql import PluginSqlRefused
from jingwei_core.database.unit import Outdated, open_unit_or_none
from jingwei_core.jobs.core_jobs import PLUGIN_REACTION
from jingwei_core.jobs.origins import CORE
from jingwei_core.plugins.breaker import Point
from jingwei_core.plugins.outcomes import Outcomes
from jingwei_core.registry import Registry
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context
from jingwei_sdk.errors import (
    Conflict,
    Denied,
    Invalid,
    JingweiError,
    NotFound,
    RateLimited,
    Refused,
    Unauthenticated,
    Unavailable,
)
from jingwei_sdk.hooks import Failure, Heard, Hook, Mode, Outcome
from jingwei_sdk.payloads import Veto

Given = TypeVar("Given")
Answer = TypeVar("Answer")
Memory = dict[tuple[str, str], tuple[Heard, ...]]

COMPUTED_WITHIN_S = 10.0
"""A plugin's computed field takes no longer: the reader gets the rest without it."""

_FOR_THE_READER = (Conflict, Denied, Invalid, NotFound, RateLimited, Unauthenticated)

_log = structlog.get_logger(__name__)


class WrongAnswer(Exception):
    """An implementation answered something that its hook does not know."""


class TookTooLong(Exception):
    """A plugin's code was stopped. Not a ``TimeoutError``: from inside a unit that would say that
    the connection was lost."""


class Dispatcher:
    """Calls hooks. One for each platform; what it counts is in ``outcomes``.

    What a hook is given may say which ``kind`` of event it is about: then only plugins that hear of
    events of this kind are asked.
    """

    def __init__(self, outcomes: Outcomes | None = None) -> None:
        self.outcomes = outcomes or Outcomes()
        self._by_kind: WeakKeyDictionary[Registry, Memory] = WeakKeyDictionary()

    def is_heard(self, ctx: Context, hook: Hook[Any, Any], kind: str | None = None) -> bool:
        """Whether an enabled plugin hears the hook; with ``kind``, of events of this kind."""
        return bool(self.heard(_core(ctx).registry, hook, kind))

    def heard(
        self, registry: Registry, hook: Hook[Any, Any], kind: str | None = None
    ) -> tuple[Heard, ...]:
        """The implementations in the order in which they are asked."""
        found = registry.hooks.get(hook.name, ())
        if not found or kind is None:
            return found
        memory = self._by_kind.get(registry)
        if memory is None:
            memory = self._by_kind[registry] = {}
        key = (hook.name, kind)
        if key not in memory:
            memory[key] = registry.heard(hook.name, kind)
        return memory[key]

    async def collect(self, ctx: Context, hook: Hook[Given, None], given: Given) -> int:
        """Queue a job for each plugin that wants to know, told if the transaction commits; how
        many.

        Raises ``Invalid`` (``JOB_PAYLOAD_TOO_LARGE``, ``JOB_PAYLOAD_UNFIT``).
        """
        plugins = _plugins(self._asked(_core(ctx).registry, hook, given, Mode.COLLECT))
        for plugin in plugins:
            await ctx.signals.enqueue(PLUGIN_REACTION, reaction_payload(plugin, hook, given))
        return len(plugins)

    async def veto(self, ctx: Context, hook: Hook[Given, Veto | None], given: Given) -> None:
        """Ask whether something may happen, in its transaction.

        Raises ``Conflict`` with the code of the first veto and ``plugin`` among its parameters,
        and what a failing implementation means: ``HOOK_DENIED``, ``HOOK_FAILED``.
        """
        core = _core(ctx)
        for one in self._asked(core.registry, hook, given, Mode.VETO):
            answer: Veto | None = await self._told(core, one, given)
            if answer is not None:
                refusal = Conflict(answer.code)
                # Given by name, one of them could take the place of an argument.
                refusal.params = {**answer.params, "plugin": one.plugin}
                raise refusal

    async def first(self, ctx: Context, hook: Hook[Given, Answer], given: Given) -> Answer | None:
        """The first answer that is not ``None``; ``None`` when no plugin has one.

        Raises what a failing implementation means: ``HOOK_DENIED``, ``HOOK_FAILED``.
        """
        core = _core(ctx)
        for one in self._asked(core.registry, hook, given, Mode.FIRST):
            answer: Answer | None = await self._told(core, one, given)
            if answer is not None:
                return answer
        return None

    async def fold(self, ctx: Context, hook: Hook[Given, Given], given: Given) -> Given:
        """What was given after each plugin had its turn; one that answers ``None`` leaves it.

        Raises what a failing implementation means: ``HOOK_DENIED``, ``HOOK_FAILED``.
        """
        core = _core(ctx)
        for one in self._asked(core.registry, hook, given, Mode.FOLD):
            answer = await self._told(core, one, given)
            given = given if answer is None else answer
        return given

    async def guarded(
        self,
        point: Point,
        work: Callable[[], Awaitable[Answer]],
        timeout_s: float | None = None,
        own: tuple[type[BaseException], ...] = (),
    ) -> Answer:
        """The answer of a plugin's job, reaction or computed field, counted as hooks are.

        Raises whatever ``work`` raises; of that ``own`` are answers and no failures. Raises
        :class:`TookTooLong` after ``timeout_s``, and ``Unavailable`` (``PLUGIN_PAUSED``) without
        calling it while its breaker is open.
        """
        if self.outcomes.breakers.is_open(point):
            raise Unavailable("PLUGIN_PAUSED", plugin=point[1], point=point[2])
        answers: tuple[type[BaseException], ...] = (Outdated, *own)
        started = perf_counter_ns()
        try:
            answer = await _in_time(work, timeout_s)
        except PluginSqlRefused as error:
            # An answer to whoever asked, and a fault of the plugin however it is told.
            self.outcomes.failed(point, _since(started), error)
            raise
        except answers:
            raise
        except Exception as error:
            if not _is_connection_lost():
                self.outcomes.failed(point, _since(started), error)
            raise
        self.outcomes.succeeded(point, _since(started))
        return answer

    async def computed(
        self, ctx: Context, field: tuple[str, str], work: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """The values of a computed field, by the type name of its record and its own name.

        Raises what ``work`` and :meth:`guarded` raise; what a reader may not have or does not find
        is an answer and no failure. Fields of the core are not counted.
        """
        owner = self.owner(ctx, field)
        if owner == CORE:
            return await work()
        record, name = field
        point = (ctx.tenant.id, owner, f"field:{record}.{name}")
        return await self.guarded(point, work, COMPUTED_WITHIN_S, own=_FOR_THE_READER)

    def owner(self, ctx: Context, field: tuple[str, str]) -> str:
        """The package whose code works a computed field out."""
        record, name = field
        owners = _core(ctx).registry.owners
        return owners.get(f"field:{record}.{name}") or owners.get(f"record:{record}", CORE)

    def _asked(
        self, registry: Registry, hook: Hook[Any, Any], given: object, mode: Mode
    ) -> tuple[Heard, ...]:
        if hook.mode is not mode:
            raise Refused("HOOK_MODE", hook=hook.name, mode=hook.mode, asked=mode)
        found = registry.hooks.get(hook.name, ())
        return self.heard(registry, hook, getattr(given, "kind", None)) if found else ()

    async def _told(self, ctx: CoreContext, one: Heard, given: object) -> Any:
        """The value of one implementation, or what its failure means."""
        outcome = await self.ask(ctx, one, given)
        if outcome.state == "value":
            return outcome.value
        assert isinstance(ctx.data, UnitData)
        about = getattr(given, "event_id", None) or ctx.tenant.id
        told = {"plugin": one.plugin, "hook": one.hook.name, "failed": outcome.error}
        ctx.data.changes.append(Change("plugin_hook", about, None, told, None))
        if one.hook.failure is Failure.DENY:
            raise Conflict("HOOK_DENIED", plugin=one.plugin, hook=one.hook.name)
        if one.hook.failure is Failure.ABORT:
            raise Unavailable("HOOK_FAILED", plugin=one.plugin, hook=one.hook.name)
        return None

    async def ask(self, ctx: CoreContext, one: Heard, given: object) -> Outcome[Any]:
        """What one implementation makes of one call; what a failing one wrote is undone.

        Raises ``Unavailable`` (``DATABASE_CONNECTION_LOST``) when the connection was lost over it.
        """
        point = (ctx.tenant.id, one.plugin, one.hook.name)
        if self.outcomes.breakers.is_open(point):
            return Outcome(one.plugin, one.hook.name, "open", error="BreakerOpen")
        started = perf_counter_ns()
        try:
            value = await _answer(one, ctx, given)
        except Outdated:
            raise  # the unit itself has to begin anew
        except Exception as error:
            if _is_connection_lost():
                # No fault of the plugin: counted, it would open the breaker, and who may forbid
                # something would not be asked any more.
                raise Unavailable("DATABASE_CONNECTION_LOST") from error
            took_us = _since(started)
            self.outcomes.failed(point, took_us, error)
            name = type(error).__name__
            code = error.code if isinstance(error, JingweiError) else ""
            _log.warning("hook_failed", plugin=one.plugin, hook=point[2], error=name, code=code)
            late = isinstance(error, TimeoutError)
            state: Literal["timed_out", "failed"] = "timed_out" if late else "failed"
            return Outcome(one.plugin, point[2], state, error=name, took_us=took_us)
        took_us = _since(started)
        self.outcomes.succeeded(point, took_us)
        return Outcome(one.plugin, point[2], "value", value, took_us=took_us)


async def _answer(one: Heard, ctx: CoreContext, given: object) -> Any:
    """The answer in time and of the hook's type; raises ``TimeoutError``, :class:`WrongAnswer`, and
    then nothing is left of what was written."""
    hook, started = one.hook, perf_counter_ns()
    answer = one.function(given_to(one.plugin, ctx), given)
    if not inspect.isawaitable(answer):
        # Whoever does not wait can have written nothing.
        return _judged(hook, answer, started)
    async with ctx.data.savepoint():
        async with asyncio.timeout(hook.timeout_s):
            answer = await answer
        return _judged(hook, answer, started)


def _judged(hook: Hook[Any, Any], answer: object, started: int) -> object:
    if _since(started) > hook.timeout_s * 1_000_000:
        raise TimeoutError  # it was sync, or did not let itself be stopped
    if answer is not None and not isinstance(answer, hook.answer or ()):
        raise WrongAnswer
    return answer


async def _in_time(work: Callable[[], Awaitable[Answer]], timeout_s: float | None) -> Answer:
    limit = asyncio.timeout(timeout_s)
    try:
        async with limit:
            return await work()
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise TookTooLong from error


async def call(one: Heard, ctx: CoreContext, given: object) -> None:
    """Tell one implementation, async or sync; its answer does not count."""
    answer = one.function(given_to(one.plugin, ctx), given)
    if inspect.isawaitable(answer):
        await answer


def reaction_payload(plugin: str, hook: Hook[Any, Any], given: object) -> dict[str, Any]:
    """What the job of one plugin's reaction is given."""
    return {"plugin": plugin, "hook": hook.name, "given": msgspec.to_builtins(given)}


def _is_connection_lost() -> bool:
    unit = open_unit_or_none()
    return unit is not None and is_gone(unit.connection)


def _plugins(heard: tuple[Heard, ...]) -> list[str]:
    return list(dict.fromkeys(one.plugin for one in heard))


def _since(started_ns: int) -> int:
    return (perf_counter_ns() - started_ns) // 1000


def _core(ctx: Context) -> CoreContext:
    assert isinstance(ctx, CoreContext)
    return ctx
