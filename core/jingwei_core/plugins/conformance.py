"""Conformance (合规检查): what a plugin's declarations must keep to before it may be registered."""

from collections.abc import Iterator

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from jingwei_core.plugins.contributing.objections import (
    is_of_this_major,
    of_channels,
    of_forms,
    of_put,
    of_shown,
    of_texts,
)
from jingwei_core.plugins.event_types import event_type_objections
from jingwei_core.privacy.declarations import check_package
from jingwei_sdk._called import CONTEXT, without_context
from jingwei_sdk.commands import declaration
from jingwei_sdk.data_rights import unanswered
from jingwei_sdk.errors import Refused
from jingwei_sdk.plugin import Manifest, Plugin


def objection(plugin: Plugin, manifest: Manifest) -> str:
    """Why the plugin may not be registered, in a sentence for its author; empty for none."""
    return next(objections(plugin, manifest), "")


def objections(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """All that is to be said against registering the plugin; ``plugin check`` tells its author."""
    for check in _CHECKS:
        yield from check(plugin, manifest)


def _requirements(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    said = sorted(need.id for need in manifest.needs if not need.optional)
    if sorted(plugin.requires) != said:
        yield f"requires {sorted(plugin.requires)}, its manifest says {said}"


def _permissions(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Denied by default: all that a plugin offers names a permission of its own manifest."""
    used = {record.read for record in plugin.records}
    used |= {code for record in plugin.records for code in record.guarded.values()}
    used |= {declaration(handler).permission for handler in plugin.commands}
    for record in plugin.records:
        used |= {field.permission for field in record.computed.values() if field.permission}
    for extension in plugin.extensions:
        for name, field in extension.computed.items():
            if field.permission is None:
                yield f"the field {extension.record}.{name} names no permission"
            else:
                used.add(field.permission)
    used |= {each.permission for each in plugin.questions if not each.signed_in}
    used |= {each.permission for each in plugin.navigation}
    used |= {each.permission for each in plugin.map_layers}
    used |= {each.permission for each in plugin.indicators}
    missing = sorted(used - {permission.code for permission in manifest.permissions})
    if missing:
        yield f"permissions not in its manifest: {missing}"


def _tables(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Tables stay in the plugin's schema and hold no foreign key out of it.

    A key into the core would let a plugin that is switched off block a change there.
    """
    for table in plugin.tables:
        name = table._meta.tablename
        if table._meta.schema != manifest.schema:
            yield f"the table {name} is not in the schema {manifest.schema}"
        for column in table._meta.foreign_key_columns:
            target = column._foreign_key_meta.resolved_references
            if target._meta.schema != manifest.schema:
                yield f"{name}.{column._meta.name} is a foreign key out of its schema: use CoreRef"
    for record in plugin.records:
        if record.table not in plugin.tables:
            yield f"the record {record.name} reads a table that is not the plugin's"


def _subscriptions(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """A plugin lets follow what it keeps itself."""
    for subscription in plugin.subscriptions:
        name, record = subscription.name, subscription.record
        if record is not None and record not in plugin.records:
            yield f"the subscription {name} follows {record.name}, no record of the plugin"


def _context(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """What runs for a tenant is told so by its first parameter."""
    for what, _ in without_context(plugin):
        yield f"{what}: the first parameter has to be {CONTEXT}"


def _event_types(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Messages are named after who sends them, and can be read outside."""
    yield from event_type_objections(plugin)


def _data_rights(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Who keeps something of persons says how they get at it; SDK 0.1 had no way to say so."""
    if is_of_this_major(manifest):
        open_ = unanswered(plugin.tables, plugin.data_rights, plugin.clone_rules)
        yield from map(str, open_)


def _settings(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    try:
        Draft202012Validator.check_schema(manifest.settings)
    except SchemaError as error:
        yield f"[settings] of its manifest is no JSON Schema: {error.message}"


def _privacy(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """What is kept of a person is declared, and some things are kept of nobody."""
    try:
        check_package(plugin)
    except Refused as error:
        yield f"{error}; see docs/privacy.md"


_CHECKS = (
    *(_requirements, _permissions, _tables, _context, _event_types, _settings, _privacy),
    *(_data_rights, _subscriptions),
    *(of_put, of_channels, of_shown, of_texts, of_forms),
)
