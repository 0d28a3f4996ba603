"""What a plugin hears (钩子登记): its declared functions, or the one object of SDK 0.1."""

from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

import pluggy

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.hook_specs import ALL_HOOKS
from jingwei_sdk.hooks import Heard, heard_by
from jingwei_sdk.legacy_hooks import PROJECT, Hooks
from jingwei_sdk.plugin import Plugin

if TYPE_CHECKING:
    from jingwei_core.registry import Registry


def heard_of(plugin: Plugin) -> tuple[Heard, ...]:
    """The implementations a plugin declares.

    Raises ``Refused`` (``HOOK_UNDECLARED``, ``HOOK_UNKNOWN``), and pluggy's error for an object of
    SDK 0.1 that does not fit its specification.
    """
    if plugin.hooks is None:
        return ()
    if not isinstance(plugin.hooks, tuple):
        return _of_object(plugin)
    found = heard_by(plugin.id, plugin.hooks)
    for one in found:
        if one.hook not in ALL_HOOKS:
            raise Refused("HOOK_UNKNOWN", plugin=plugin.id, hook=one.hook.name)
    return found


def not_heard(registry: "Registry", plugin: str, what: str) -> Refused:
    """Why nobody is there for what a job was to tell a plugin: it is off and waited for
    (``PLUGIN_OFF``), or on in a version that does not hear ``what`` (``PLUGIN_HEARS_NO_MORE``)."""
    if plugin in registry.enabled:
        return Refused("PLUGIN_HEARS_NO_MORE", plugin=plugin, what=what)
    return Refused("PLUGIN_OFF", plugin=plugin, state="disabled", reason="")


def _of_object(plugin: Plugin) -> tuple[Heard, ...]:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    manager.register(plugin.hooks, name=plugin.id)
    manager.check_pending()
    served = [hook for hook in ALL_HOOKS if hasattr(manager.hook, hook.name)]
    return tuple(
        Heard(plugin.id, hook, _given_by_name(implementation))
        for hook in served
        for implementation in getattr(manager.hook, hook.name).get_hookimpls()
    )


def _given_by_name(implementation: pluggy.HookImpl) -> Callable[..., Any]:
    """A function of 0.1, called as one of 1.0: it may leave out what it does not need."""
    named = implementation.argnames

    @wraps(implementation.function)
    def called(ctx: Context, given: object, /) -> Any:
        offered = {"ctx": ctx, "change": given}
        return implementation.function(**{name: offered[name] for name in named})

    return called
