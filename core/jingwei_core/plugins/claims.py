"""Claims (名称占用): the names of a package of which a deployment can have only one.

Two packages that claim the same name clash: beside the one that comes first, the later is off.
"""

from collections.abc import Iterator

from jingwei_core.reminders.jobs import jobs_of
from jingwei_sdk.commands import declaration
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.plugin import Plugin

Claim = str
"""What is claimed and its name, such as ``record:Event``."""
_Pair = tuple[str, str]


def claims_of(plugin: Plugin, manifest: Manifest | None = None) -> tuple[Claim, ...]:
    """Every name the package takes for itself, in the order of its declaration.

    Fields that it adds to records of others are claimed when it is put together with them: whether
    one is free depends on the record.
    """
    pairs = (
        *_read_and_written(plugin),
        *_kept(plugin),
        *_shown(plugin),
        *(_granted(manifest) if manifest is not None else ()),
    )
    return tuple(f"{what}:{name}" for what, name in pairs)


def _read_and_written(plugin: Plugin) -> Iterator[_Pair]:
    for record in plugin.records:
        yield "record", record.name
        yield "query", record.plural
    for handler in plugin.commands:
        command = declaration(handler)
        yield "command", command.name
        yield "mutation", command.mutation
    for question in plugin.questions:
        yield "question", f"{plugin.id}.{question.name}"
    for subscription in plugin.subscriptions:
        yield "subscription", subscription.name


def _kept(plugin: Plugin) -> Iterator[_Pair]:
    for table in plugin.tables:
        yield "table", f"{table._meta.schema}.{table._meta.tablename}"
    for kind in plugin.event_kinds:
        yield "event_kind", kind.code
    for event_type in plugin.event_types:
        yield "event_type", event_type.name
    for job in jobs_of(plugin):
        yield "job", job.name
    for consumer in plugin.consumers:
        yield "consumer", f"{plugin.id}.{consumer.name}"
    for reminder in plugin.reminders:
        yield "reminder", f"{plugin.id}.{reminder.code}"
    for channel in plugin.channels:
        yield "channel", channel.code


def _shown(plugin: Plugin) -> Iterator[_Pair]:
    for indicator in plugin.indicators:
        yield "indicator", indicator.code
    for item in plugin.navigation:
        yield "navigation", item.code
    for layer in plugin.map_layers:
        yield "map_layer", layer.code
    for page in plugin.public_pages:
        yield "public_page", f"{plugin.id}/{page.path}"
    for form in plugin.public_forms:
        yield "public_form", f"{plugin.id}/{form.path}"


def _granted(manifest: Manifest) -> Iterator[_Pair]:
    for permission in manifest.permissions:
        yield "permission", permission.code
    for role in manifest.roles:
        yield "role", role.code
    for area in sorted(permission_areas(manifest)):
        yield "permission_area", area
    if manifest.graphql_prefix:
        yield "graphql_prefix", manifest.graphql_prefix


def permission_areas(manifest: Manifest) -> frozenset[str]:
    """The first names of the package's permissions, ``safety`` of ``safety.hazard.read``.

    A role may be given ``safety.*``: were an area shared, whoever grants it for the one package
    would grant what the other calls so.
    """
    codes = [manifest.permission_prefix, *(each.code for each in manifest.permissions)]
    return frozenset(code.partition(".")[0] for code in codes if code)
