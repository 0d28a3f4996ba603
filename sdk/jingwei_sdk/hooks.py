"""Hooks (钩子): where a plugin reacts to what the core and other plugins do.

Each hook is a :class:`Hook` whose name begins with its family and which decorates the functions
that hear it; ``ctx`` comes first, always, and the function may be async or sync::

    @before_event_transition
    async def measures_come_first(ctx: Context, given: EventTransition) -> Veto | None: ...

A plugin lists its functions in ``Plugin(hooks=(measures_come_first,))``. What a failing hook means
is said by its specification; a failure is always an outcome kept by the platform, never a failed
city. The hooks there are stand in :mod:`jingwei_sdk.hook_specs`.
"""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, overload

import msgspec

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.payloads import EventTransition, Veto

if TYPE_CHECKING:
    from jingwei_sdk.legacy_hooks import PROJECT, Hooks, hookimpl, hookspec

__all__ = [
    "PROJECT",
    "EventTransition",
    "Failure",
    "Heard",
    "Hook",
    "Hooks",
    "Implementation",
    "Mode",
    "Outcome",
    "Veto",
    "heard_by",
    "hookimpl",
    "hookspec",
]

Given = TypeVar("Given")
Answer = TypeVar("Answer")
Given_contra = TypeVar("Given_contra", contravariant=True)
Answer_co = TypeVar("Answer_co", covariant=True)


class Mode(StrEnum):
    """What becomes of the answers of several plugins; they are asked in the order of what they
    require, then of their ids."""

    COLLECT = "collect"
    """``on_*``: all are told after the commit, each in a job of its own; answers do not count."""
    VETO = "veto"
    """``before_*``: inside the transaction; the first :class:`Veto` stops it."""
    FIRST = "first"
    """``decide_*``: the first answer that is not ``None`` counts, no further plugin is asked."""
    FOLD = "fold"
    """``extend_*``: each is given what the one before it answered."""


class Failure(StrEnum):
    """What it means when an implementation raises, takes too long or is switched off by its
    breaker."""

    SKIP = "skip"
    """As if the plugin did not hear the hook."""
    DENY = "deny"
    """What was asked for is refused."""
    ABORT = "abort"
    """The whole command fails with ``HOOK_FAILED``."""


class Implementation(Protocol[Given_contra, Answer_co]):
    """A plugin's function for a hook."""

    def __call__(self, ctx: Context, given: Given_contra, /) -> Answer_co | Awaitable[Answer_co]:
        """The answer, at once or awaited."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Hook(Generic[Given, Answer]):
    """The specification of a hook; calling it declares a function as its implementation.

    ``answer`` is the type of what an implementation answers besides ``None``; an answer of another
    type is a failure. An async implementation is stopped after ``timeout_s``. A sync one cannot be:
    it is for what is pure and short, and when it took longer its answer does not count.
    """

    name: str
    mode: Mode
    given: type[Given]
    failure: Failure
    timeout_s: float
    since: str
    description: str
    answer: type[Any] | None = None

    @overload
    def __call__(
        self, function: Callable[[Context, Given], Coroutine[Any, Any, Answer]], /
    ) -> Callable[[Context, Given], Coroutine[Any, Any, Answer]]: ...

    @overload
    def __call__(
        self, function: Callable[[Context, Given], Answer], /
    ) -> Callable[[Context, Given], Answer]: ...

    def __call__(self, function: Callable[..., Any], /) -> Callable[..., Any]:
        """The function, declared; it stays what it was. Raises ``Refused``
        (``HOOK_DECLARED_TWICE``)."""
        if getattr(function, "__hook__", None) is not None:
            raise Refused("HOOK_DECLARED_TWICE", hook=self.name)
        function.__hook__ = self  # type: ignore[attr-defined]
        return function


@dataclass(frozen=True, slots=True)
class Heard:
    """An implementation as the platform keeps it: whose it is and which hook it hears."""

    plugin: str
    hook: Hook[Any, Any]
    function: Implementation[Any, Any]


def heard_by(plugin: str, functions: tuple[Callable[..., Any], ...]) -> tuple[Heard, ...]:
    """The declared functions of a plugin; raises ``Refused`` (``HOOK_UNDECLARED``) for one that
    no hook decorates."""
    found = []
    for function in functions:
        hook = getattr(function, "__hook__", None)
        if not isinstance(hook, Hook):
            name = getattr(function, "__qualname__", repr(function))
            raise Refused("HOOK_UNDECLARED", plugin=plugin, function=name)
        found.append(Heard(plugin, hook, function))
    return tuple(found)


class Outcome(msgspec.Struct, Generic[Answer], frozen=True):
    """What one plugin made of one call of a hook. ``error`` is the type's name only: a message of
    a stranger's code may quote a person's data."""

    plugin: str
    hook: str
    state: Literal["value", "failed", "timed_out", "open"]
    value: Answer | None = None
    error: str = ""
    took_us: int = 0


def __getattr__(name: str) -> Any:
    """What 0.1 had here is still found here, with a warning that names who uses it."""
    if name not in ("PROJECT", "Hooks", "hookimpl", "hookspec"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from jingwei_sdk import legacy_hooks
    from jingwei_sdk.deprecations import warn_of

    warn_of(f"{__name__}.{name}")
    return getattr(legacy_hooks, name)
