"""Rules of the interface (接口, JW-5xx): names that cannot clash, words for those who read them."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import MANIFEST_FILE, Subject
from jingwei_sdk.commands import declaration
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed


def prefixed_types(subject: Subject) -> Iterator[Found]:
    """Type names begin with the plugin's prefix."""
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is None or plugin is None:
        return
    prefix = manifest.graphql_prefix
    if not prefix and plugin.records:
        yield at(subject.path_of(MANIFEST_FILE), name="graphql_prefix", prefix="…")
    for record in plugin.records:
        if not record.name.startswith(prefix):
            yield at(_defining(subject, record.table.__name__), name=record.name, prefix=prefix)


def described(subject: Subject) -> Iterator[Found]:
    """Whoever opens the schema reads what a type, a field and a mutation are for."""
    plugin = subject.plugin
    if plugin is None:
        return
    for name, text in _descriptions(plugin):
        if not text.strip():
            yield at(_defining(subject, name.partition(".")[2] or name), name=name)


def _descriptions(plugin: Plugin) -> Iterator[tuple[str, str]]:
    yield from ((record.name, record.description) for record in plugin.records)
    yield from ((name, field.description) for name, field in computed_fields(plugin))
    yield from ((each.name, each.description) for each in plugin.subscriptions)
    for handler in plugin.commands:
        yield handler.__name__, declaration(handler).description


def context_first(subject: Subject) -> Iterator[Found]:
    """Every function that the platform calls takes ``ctx`` before anything else."""
    plugin = subject.plugin
    if plugin is None:
        return
    for function in called_functions(plugin):
        parameters = list(inspect.signature(function).parameters)
        if parameters[:1] != ["ctx"]:
            name = name_of(function)
            yield at(_defining(subject, name), name=name)


def called_functions(plugin: Plugin) -> Iterator[Callable[..., Any]]:
    """Commands, jobs, hooks, computed fields and all other functions of a plugin."""
    yield from plugin.commands
    yield from (job.run for job in plugin.jobs)
    yield from hook_functions(plugin)
    yield from (field.resolve for _, field in computed_fields(plugin))
    yield from (each.resolve for each in plugin.questions if each.resolve is not None)
    yield from (reminder.find for reminder in plugin.reminders)
    yield from (consumer.run for consumer in plugin.consumers)
    yield from (channel.deliver for channel in plugin.channels)
    yield from (page.answer for page in plugin.public_pages)
    yield from (upgrade.run for upgrade in plugin.upgrades)
    for right in plugin.data_rights:
        yield from (right.export, right.erase)
    if plugin.demo is not None:
        yield plugin.demo.fill


def name_of(function: Callable[..., Any]) -> str:
    """What a function is called; of another callable, such as a ``partial``, its type."""
    return str(getattr(function, "__name__", type(function).__name__))


def computed_fields(plugin: Plugin) -> Iterator[tuple[str, Computed]]:
    """The computed fields of a plugin's records and extensions, as ``Record.field``."""
    for record in plugin.records:
        yield from ((f"{record.name}.{name}", each) for name, each in record.computed.items())
    for added in plugin.extensions:
        yield from ((f"{added.record}.{name}", each) for name, each in added.computed.items())


def hook_functions(plugin: Plugin) -> Iterator[Callable[..., Any]]:
    """The functions that hear hooks, also the methods of an object as SDK 0.1 has it."""
    hooks = plugin.hooks
    if isinstance(hooks, tuple):
        yield from hooks
        return
    for name in dir(hooks) if hooks is not None else ():
        if hasattr(getattr(hooks, name), "jingwei_impl"):
            yield getattr(hooks, name)


def _defining(subject: Subject, name: str) -> str:
    found = (
        source.path
        for source in subject.code
        if f"class {name}(" in source.text or f"def {name}(" in source.text
    )
    return next(found, subject.path_of("__init__.py"))


RULES = {"JW-501": prefixed_types, "JW-502": described, "JW-503": context_first}
