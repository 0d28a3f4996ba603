"""Objections (不合规项) to what a plugin would put into a tenant or show: found before it is loaded
for anybody."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from croniter import croniter
from msgspec.structs import fields
from packaging.version import Version

from jingwei_core.plugins.contributing.shipped_files import shipped_files
from jingwei_core.reminders.jobs import jobs_of
from jingwei_sdk.errors import Invalid
from jingwei_sdk.indicators import Indicator
from jingwei_sdk.manifest import Manifest, read_manifest
from jingwei_sdk.messages import LOCALES
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.presence import OPEN_TO_PUBLIC, PHOTOS_BELOW, MapLayer, NavigationItem
from jingwei_sdk.records import Record
from jingwei_sdk.settings import undescribed_in
from jingwei_sdk.versions import served

ROLE_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")
REMINDER_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MOST_DIMENSIONS = 3
_POSITION = {"lon_e7", "lat_e7"}


def of_shown(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Menu entries, map layers and indicators speak of what records of the plugin offer."""
    records = {record.name: record for record in plugin.records}
    items: tuple[NavigationItem | MapLayer | Indicator, ...] = (
        *plugin.navigation,
        *plugin.map_layers,
        *plugin.indicators,
    )
    for item in items:
        record = records.get(item.record)
        if record is None:
            yield f"{item.code} shows {item.record}, which is no record of the plugin"
        else:
            yield from _unfit(item, record)


def _unfit(item: NavigationItem | MapLayer | Indicator, record: Record) -> Iterator[str]:
    if isinstance(item, MapLayer):
        columns = {column._meta.name for column in record.table._meta.columns}
        if item.shape == "point" and not columns >= _POSITION:
            yield f"the map layer {item.code} needs the columns lon_e7 and lat_e7"
        if item.shape == "place" and "place_id" not in columns:
            yield f"the map layer {item.code} needs a placed record"
    if isinstance(item, Indicator):
        if (item.measure == "count") == bool(item.column):
            yield f"the indicator {item.code} needs a column, or none for a count"
        elif item.column and item.column not in record.measures:
            yield f"the indicator {item.code}: {item.column} is no measure of {record.name}"
        unknown = sorted(set(item.dimensions) - set(record.dimensions))
        if unknown or len(item.dimensions) > MOST_DIMENSIONS:
            yield f"the indicator {item.code} needs at most three dimensions of {record.name}"
        unknown = sorted(set(item.where) - set(record.filters))
        if unknown:
            yield f"the indicator {item.code}: {unknown} are no filters of {record.name}"


def of_put(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Its files and schedules can be read, its roles and jobs have names of their own."""
    for role in manifest.roles:
        if not ROLE_CODE.fullmatch(role.code):
            yield f"the role {role.code!r} is not named in lower case, digits and underscores"
    if is_of_this_major(manifest):
        yield from _of_jobs(plugin)
    for reminder in plugin.reminders:
        if not REMINDER_CODE.fullmatch(reminder.code):
            yield f"the reminder {reminder.code!r} is not named in lower case, digits and hyphens"
    try:
        shipped = shipped_files(plugin)
    except Invalid as error:
        yield str(error)
        return
    known = core_permissions() | {each.code for each in manifest.permissions}
    for workflow in shipped.workflows:
        asked = {action.permission for action in workflow.actions if action.permission}
        if asked - known:
            yield f"the workflow {workflow.code} asks for {sorted(asked - known)}, which nobody has"


def of_channels(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """What a channel needs are settings of the plugin."""
    typed = plugin.settings
    known = set(typed.schema.__struct_fields__) if typed is not None else set()
    known |= set(manifest.settings.get("properties", {}))
    for channel in plugin.channels:
        unknown = sorted(set(channel.needs) - known)
        if unknown:
            yield f"the channel {channel.code} needs {unknown}, which are no settings of the plugin"


def of_forms(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """A public form acts with what is its plugin's own or open to the public, and has its address
    for itself; its switch is a setting of the plugin."""
    own = OPEN_TO_PUBLIC | {each.code for each in manifest.permissions}
    typed = plugin.settings
    kinds = {each.name: each.type for each in fields(typed.schema)} if typed is not None else {}
    paths = [each.path for each in plugin.public_pages]
    paths += [each.path for each in plugin.public_forms]
    paths += [f"{each.path}{PHOTOS_BELOW}" for each in plugin.public_forms if each.photos]
    giving = {each.path for each in plugin.public_forms if each.gives_code}
    for form in plugin.public_forms:
        foreign = sorted(set(form.acts_with) - own)
        if foreign:
            yield f"the public form {form.path} acts with {foreign}, which are not the plugin's"
        if form.setting and _plain_type(kinds.get(form.setting)) is not bool:
            yield f"the public form {form.path} needs {form.setting}, which is no yes or no setting"
        if form.action_setting and _plain_type(kinds.get(form.action_setting)) is not str:
            yield f"the public form {form.path} needs {form.action_setting}, which is no text"
        if form.opened_by and form.opened_by not in giving:
            yield f"the public form {form.path} is opened by {form.opened_by}, which gives no code"
    for path in sorted({each for each in paths if paths.count(each) > 1}):
        yield f"the public path {path} is there twice"


def _plain_type(kind: object) -> object:
    return getattr(kind, "__origin__", kind)


def _of_jobs(plugin: Plugin) -> Iterator[str]:
    foreign = sorted(job.name for job in plugin.jobs if not job.name.startswith(f"{plugin.id}."))
    if foreign:
        yield f"jobs whose names do not begin with {plugin.id}.: {foreign}"
    for job in jobs_of(plugin):
        if job.schedule is not None and not croniter.is_valid(job.schedule):
            yield f"the schedule of {job.name} is no cron expression"


def of_texts(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    """Whatever people read is there in both languages."""
    missing = [
        name for name, zh, en in _pairs(plugin, manifest) if not zh.strip() or not en.strip()
    ]
    if missing:
        yield f"no text in both languages for {', '.join(missing)}"
    undescribed = _settings_without_texts(plugin, manifest)
    if undescribed:
        yield f"no description in both languages for the settings {', '.join(undescribed)}"
    codes = {reminder.message for reminder in plugin.reminders}
    unknown = sorted(codes - _messages(plugin)) if codes else []
    if unknown:
        yield f"no text in messages.toml for {', '.join(unknown)}"


def _settings_without_texts(plugin: Plugin, manifest: Manifest) -> list[str]:
    if not is_of_this_major(manifest):
        return []
    if plugin.settings is not None:
        return plugin.settings.undescribed()
    return undescribed_in(manifest.settings)


def _pairs(plugin: Plugin, manifest: Manifest) -> Iterator[tuple[str, str, str]]:
    yield "the plugin", manifest.name_zh, manifest.name_en
    yield "its description", manifest.description_zh, manifest.description_en
    yield from ((each.code, each.zh, each.en) for each in manifest.permissions)
    yield from ((each.code, each.zh, each.en) for each in manifest.roles)
    yield from ((each.code, each.name_zh, each.name_en) for each in plugin.event_kinds)
    yield from ((each.code, each.zh, each.en) for each in plugin.navigation)
    yield from ((each.code, each.zh, each.en) for each in plugin.map_layers)
    yield from ((each.code, each.zh, each.en) for each in plugin.indicators)
    yield from ((each.path, each.zh, each.en) for each in plugin.public_pages)
    yield from ((each.path, each.zh, each.en) for each in plugin.public_forms)
    yield from ((each.code, each.zh, each.en) for each in plugin.channels)
    try:
        workflows = shipped_files(plugin).workflows
    except Invalid:
        return  # told by of_put
    for workflow in workflows:
        name = workflow.code
        yield name, workflow.name_zh, workflow.name_en
        yield from ((f"{name}.{each.code}", each.name_zh, each.name_en) for each in workflow.states)
        yield from (
            (f"{name}.{each.code}", each.name_zh, each.name_en) for each in workflow.actions
        )


def _messages(plugin: Plugin) -> set[str]:
    path = Path(str(files(plugin.package))) / "messages.toml"
    if not path.exists():
        return set()
    texts = tomllib.loads(path.read_text(encoding="utf-8"))
    return {code for code, told in texts.items() if all(told.get(one) for one in LOCALES)}


def is_of_this_major(manifest: Manifest) -> bool:
    """Whether the plugin is served as one of SDK 1: one of 0.1 alone keeps to what 0.1 asked."""
    wanted = served(manifest.sdk)
    return wanted is not None and Version(wanted) >= Version("1")


@cache
def core_permissions() -> frozenset[str]:
    """The permissions of the core's own manifest."""
    path = Path(str(files("jingwei_core"))) / "plugin.toml"
    return frozenset(each.code for each in read_manifest(path).permissions)
