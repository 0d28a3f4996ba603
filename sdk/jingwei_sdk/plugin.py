"""A plugin (插件): what one domain module contributes, and its manifest as data.

The manifest ``plugin.toml`` lies beside the package's ``__init__.py`` and is read without importing
the plugin; :class:`Plugin` is what its entry point in the group ``jingwei.plugins`` names.
"""

import re
import tomllib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.records import PERMISSION, Extension, Record
from jingwei_sdk.tables import TenantTable

SDK_VERSION = "0.1.0"
ENTRY_POINT_GROUP = "jingwei.plugins"
PLUGIN_ID = re.compile(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")


class PermissionText(msgspec.Struct, frozen=True):
    """A permission the plugin declares, with the names its users read."""

    code: str
    zh: str
    en: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What ``plugin.toml`` says. ``sdk`` is a version range of the SDK, never of the product."""

    id: str
    version: str
    sdk: str
    name_zh: str
    name_en: str
    description_zh: str
    description_en: str
    licence: str
    requires: tuple[str, ...] = ()
    permissions: tuple[PermissionText, ...] = ()
    settings: dict[str, Any] = {}
    """JSON Schema 2020-12 of the tenant's settings; their ``default`` counts until one is set.
    Without it the plugin has no settings."""

    @property
    def schema(self) -> str:
        """The database schema that holds the plugin's tables."""
        return self.id.replace("-", "_")

    def problem(self) -> str | None:
        """Why this SDK cannot serve the plugin, or ``None``."""
        if SpecifierSet(self.sdk).contains(SDK_VERSION, prereleases=True):
            return None
        return f"needs SDK {self.sdk}, this is {SDK_VERSION}"


def read_manifest(path: Path) -> Manifest:
    """The manifest in a ``plugin.toml``; raises ``Refused`` (``PLUGIN_MANIFEST``) saying why."""
    try:
        manifest = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), Manifest)
        SpecifierSet(manifest.sdk)
        Version(manifest.version)
    except (
        OSError,
        UnicodeError,
        tomllib.TOMLDecodeError,
        msgspec.ValidationError,
    ) as error:
        raise Refused("PLUGIN_MANIFEST", file=path.name, cause=str(error)) from error
    except (InvalidSpecifier, InvalidVersion) as error:
        raise Refused("PLUGIN_MANIFEST", file=path.name, cause=str(error)) from error
    if not PLUGIN_ID.match(manifest.id):
        raise Refused("PLUGIN_MANIFEST", file=path.name, cause=f"id {manifest.id!r}")
    wrong = [p.code for p in manifest.permissions if not PERMISSION.match(p.code)]
    if wrong:
        raise Refused("PLUGIN_MANIFEST", file=path.name, cause=f"permissions {wrong}")
    return manifest


@dataclass(frozen=True, slots=True)
class Job:
    """A background job (后台任务): ``run(ctx, payload)`` in its own transaction, at least once.

    ``schedule`` is a cron expression in the tenant's time zone for jobs that start by themselves.
    """

    name: str
    run: Callable[[Context, Mapping[str, Any]], Awaitable[None]]
    schedule: str | None = None


@dataclass(frozen=True, slots=True)
class EventKindDeclaration:
    """An event kind (事件类型) a plugin brings; ``workflow`` names one of the tenant's."""

    code: str
    name_zh: str
    name_en: str
    workflow: str = "standard"
    deadline_profile: str = ""
    form_schema: Mapping[str, Any] | None = None
    photo_required: bool = False


@dataclass(frozen=True, eq=False)
class Plugin:
    """What a package contributes. ``package`` is its import name; hashable by identity.

    ``hears`` are the codes of the event kinds whose steps concern ``hooks``; without it the hooks
    hear of every step of every event, and each step queues a job for them.
    """

    id: str
    package: str
    tables: tuple[type[TenantTable], ...] = ()
    records: tuple[Record, ...] = ()
    commands: tuple[Callable[..., Awaitable[Any]], ...] = ()
    extensions: tuple[Extension, ...] = ()
    jobs: tuple[Job, ...] = ()
    event_kinds: tuple[EventKindDeclaration, ...] = ()
    hooks: object | None = None
    hears: frozenset[str] | None = None
    requires: tuple[str, ...] = field(default_factory=tuple)
