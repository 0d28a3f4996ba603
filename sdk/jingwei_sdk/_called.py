"""Functions of a plugin that the platform calls (平台调用的函数): all of them, told in one place.

There is no ambient tenant to fall back on, so each takes ``ctx`` as its first parameter; a plugin
with one that does not is refused when it is registered, and ``plugin check`` says so before.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from jingwei_sdk.commands import declaration
from jingwei_sdk.legacy_hooks import PROJECT
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed

Called = Iterator[tuple[str, Callable[..., Any]]]
CONTEXT = "ctx"


def functions_of(plugin: Plugin) -> Called:
    """All functions that the platform calls on behalf of a tenant, with what each is for."""
    yield from ((f"hook {name_of(each)}", each) for each in hook_functions(plugin))
    yield from _of_commands(plugin)
    yield from ((f"job {job.name}", job.run) for job in plugin.jobs)
    yield from ((f"field {name}", field.resolve) for name, field in computed_fields(plugin))
    asked = ((f"question {each.name}", each.resolve) for each in plugin.questions)
    yield from ((name, resolve) for name, resolve in asked if resolve is not None)
    yield from ((f"consumer {each.name}", each.run) for each in plugin.consumers)
    yield from ((f"reminder {each.code}", each.find) for each in plugin.reminders)
    yield from ((f"channel {each.code}", each.deliver) for each in plugin.channels)
    yield from ((f"public page {each.path}", each.answer) for each in plugin.public_pages)
    yield from ((f"public form {each.path}", each.take) for each in plugin.public_forms)
    yield from ((f"upgrade to {each.to_version}", each.run) for each in plugin.upgrades)
    for rights in plugin.data_rights:
        yield f"export of {rights.subject}", rights.export
        yield f"erasure of {rights.subject}", rights.erase
    if plugin.demo is not None:
        yield "demo", plugin.demo.fill


def _of_commands(plugin: Plugin) -> Called:
    for handler in plugin.commands:
        declared = declaration(handler)
        yield f"command {handler.__name__}", handler
        if declared.staged is not None:
            yield f"command {handler.__name__}, before", declared.staged.before
        if declared.again is not None:
            yield f"command {handler.__name__}, again", declared.again


def without_context(plugin: Plugin) -> Called:
    """Those of them that do not take ``ctx`` first."""
    return ((what, each) for what, each in functions_of(plugin) if not takes_context(each))


def takes_context(function: Callable[..., Any]) -> bool:
    """Whether a call with a context in the first place names it ``ctx``."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    first = parameters[0] if parameters else None
    return first is not None and first.name == CONTEXT and first.kind in positional


def hook_functions(plugin: Plugin) -> Iterator[Callable[..., Any]]:
    """The functions that hear hooks, also the methods of an object as SDK 0.1 has it."""
    hooks = plugin.hooks
    if isinstance(hooks, tuple):
        yield from hooks
        return
    # Methods of that object carry pluggy's mark.
    for name in dir(hooks) if hooks is not None else ():
        method = getattr(hooks, name, None)
        if callable(method) and getattr(method, f"{PROJECT}_impl", None) is not None:
            yield method


def computed_fields(plugin: Plugin) -> Iterator[tuple[str, Computed]]:
    """The computed fields of a plugin's records and extensions, as ``Record.field``."""
    for record in plugin.records:
        yield from ((f"{record.name}.{name}", each) for name, each in record.computed.items())
    for added in plugin.extensions:
        yield from ((f"{added.record}.{name}", each) for name, each in added.computed.items())


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called; of another callable, such as a ``partial``, its type."""
    return str(getattr(function, "__name__", type(function).__name__))
