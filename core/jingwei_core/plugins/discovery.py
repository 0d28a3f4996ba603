"""Discovery (插件发现): which plugins are installed, and why one of them cannot be used.

Installed is not enabled. Whatever is wrong with a package becomes a state with a reason, so that
the platform starts and everybody else is served.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Literal

from jingwei_core.plugins.conformance import objection
from jingwei_core.plugins.deny_list import DenyList, deny_list_of
from jingwei_core.plugins.off import OffState, told
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused
from jingwei_sdk.manifest import Manifest, read_head, read_manifest
from jingwei_sdk.plugin import ENTRY_POINT_GROUP, Plugin

State = Literal["available"] | OffState
RESERVED_SCHEMAS = frozenset({"core", "platform", "jobs", "public", "information_schema"})
"""Schemas of the database that are not a plugin's to have, those of PostgreSQL aside."""


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin found on this machine; ``reason`` says why it is not available, ``link`` where more
    is told about that."""

    id: str
    state: State
    manifest: Manifest | None = None
    plugin: Plugin | None = None
    package_dir: Path | None = None
    reason: str = ""
    link: str = ""


def discover(
    points: Iterable[EntryPoint] | None = None, denied: DenyList | None = None
) -> list[Installed]:
    """Every plugin installed on this machine, ordered by id; a faulty one with its reason.

    The entry point's name is the plugin's id. A package that does not fit this SDK is
    ``incompatible``, one on the deny list is ``denied``; neither is even imported. The list is
    that of the file which the environment names, unless one is given.
    """
    if denied is None:
        denied, _ = deny_list_of(Settings())
    found = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    # One installation may be seen twice, through a link in the module path.
    ordered = sorted({(point.name, point.value): point for point in found}.values())
    return [
        _examine_all(name, list(same), denied)
        for name, same in groupby(ordered, key=attrgetter("name"))
    ]


def _examine_all(name: str, points: list[EntryPoint], denied: DenyList) -> Installed:
    if len(points) > 1:
        values = ", ".join(point.value for point in points)
        return Installed(name, "failed", reason=f"the id is claimed by {values}")
    return _examine(points[0], denied)


def _examine(point: EntryPoint, denied: DenyList) -> Installed:
    try:
        package_dir = _package_dir(point)
        head = read_head(package_dir / "plugin.toml")
        off = denied.off(head.id, head.version)
        if off is not None:
            found = Installed(point.name, "denied", None, None, package_dir, off.reason, off.link)
            return replace(found, manifest=_manifest_or_none(package_dir))
        problem = head.problem()
        if problem:
            return Installed(point.name, "incompatible", None, None, package_dir, problem)
        manifest = read_manifest(package_dir / "plugin.toml")
    except Exception as error:  # noqa: BLE001 - a stranger's package may be broken in any way
        return Installed(point.name, "failed", reason=told(error))
    known = Installed(point.name, "available", manifest, None, package_dir)
    if manifest.schema in RESERVED_SCHEMAS or manifest.schema.startswith("pg_"):
        return replace(known, state="failed", reason="its id is the platform's own")
    if manifest.id != point.name:
        reason = f"entry point {point.name!r} names a plugin {manifest.id!r}"
        return replace(known, state="failed", reason=reason)
    return _load(point, known, manifest)


def _manifest_or_none(package_dir: Path) -> Manifest | None:
    try:
        return read_manifest(package_dir / "plugin.toml")
    except Refused:
        return None


def _load(point: EntryPoint, known: Installed, manifest: Manifest) -> Installed:
    try:
        plugin = point.load()
        if not isinstance(plugin, Plugin) or plugin.id != manifest.id:
            return replace(known, state="failed", reason="its entry point is not its Plugin")
        problem = objection(plugin, manifest)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger may raise anything
        return replace(known, state="failed", reason=told(error))
    if problem:
        return replace(known, state="failed", reason=problem)
    return replace(known, plugin=plugin)


def _package_dir(point: EntryPoint) -> Path:
    """The folder of the plugin's package, found without importing it."""
    package = point.value.partition(":")[0].partition(".")[0]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused("PLUGIN_MANIFEST", file="plugin.toml", cause=f"no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations)))
