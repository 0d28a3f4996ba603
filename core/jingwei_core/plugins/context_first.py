"""The context comes first (上下文在前): no code of a plugin runs without being told for whom.

There is no ambient tenant to fall back on, so a function that does not take ``ctx`` as its first
parameter is refused when its plugin is registered.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from jingwei_sdk.legacy_hooks import PROJECT
from jingwei_sdk.plugin import Plugin

Found = Iterator[tuple[str, Callable[..., Any]]]
CONTEXT = "ctx"


def without_context(plugin: Plugin) -> Iterator[str]:
    """Which functions of the plugin do not take ``ctx`` first, a sentence each."""
    for what, function in functions_of(plugin):
        if not takes_context(function):
            yield f"{what}: the first parameter has to be {CONTEXT}"


def takes_context(function: Callable[..., Any]) -> bool:
    """Whether a call with a context in the first place names it ``ctx``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = parameters[0] if parameters else None
    return first is not None and first.name == CONTEXT and first.kind in positional


def functions_of(plugin: Plugin) -> Found:
    """All functions that the platform calls on behalf of a tenant, with what each is for."""
    yield from _hooks(plugin)
    yield from ((f"command {each.__name__}", each) for each in plugin.commands)
    yield from ((f"job {job.name}", job.run) for job in plugin.jobs)
    yield from _fields(plugin)
    asked = ((f"question {each.name}", each.resolve) for each in plugin.questions)
    yield from ((name, resolve) for name, resolve in asked if resolve is not None)
    yield from ((f"consumer {each.name}", each.run) for each in plugin.consumers)
    yield from ((f"reminder {each.code}", each.find) for each in plugin.reminders)
    yield from ((f"channel {each.code}", each.deliver) for each in plugin.channels)
    yield from ((f"public page {each.path}", each.answer) for each in plugin.public_pages)
    yield from ((f"upgrade to {each.to_version}", each.run) for each in plugin.upgrades)
    for rights in plugin.data_rights:
        yield f"export of {rights.subject}", rights.export
        yield f"erasure of {rights.subject}", rights.erase
    if plugin.demo is not None:
        yield "demo", plugin.demo.fill


def _hooks(plugin: Plugin) -> Found:
    if isinstance(plugin.hooks, tuple):
        yield from ((f"hook {_name(each)}", each) for each in plugin.hooks)
        return
    # The object of SDK 0.1: its methods carry pluggy's mark.
    for name in dir(plugin.hooks) if plugin.hooks is not None else ():
        method = getattr(plugin.hooks, name, None)
        if callable(method) and getattr(method, f"{PROJECT}_impl", None) is not None:
            yield f"hook {name}", method


def _fields(plugin: Plugin) -> Found:
    for record in plugin.records:
        for name, field in record.computed.items():
            yield f"field {record.name}.{name}", field.resolve
    for extension in plugin.extensions:
        for name, field in extension.computed.items():
            yield f"field {extension.record}.{name}", field.resolve


def _name(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", repr(function))
