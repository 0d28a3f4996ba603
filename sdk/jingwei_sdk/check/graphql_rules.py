"""Rules of the interface (接口, JW-5xx): names that cannot clash, words for those who read them."""

from collections.abc import Iterator

from jingwei_sdk._called import computed_fields, name_of, without_context
from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.subject import MANIFEST_FILE, Subject
from jingwei_sdk.commands import declaration
from jingwei_sdk.plugin import Plugin


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
    for _, function in without_context(plugin):
        name = name_of(function)
        yield at(_defining(subject, name), name=name)


def _defining(subject: Subject, name: str) -> str:
    found = (
        source.path
        for source in subject.code
        if f"class {name}(" in source.text or f"def {name}(" in source.text
    )
    return next(found, subject.path_of("__init__.py"))


RULES = {"JW-501": prefixed_types, "JW-502": described, "JW-503": context_first}
