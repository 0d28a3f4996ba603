"""The plugin host (插件宿主): finds and loads plugins, and keeps the faulty ones off.

Installed is not enabled: a tenant switches plugins on, and reads that from the platform's tables.
A plugin that cannot be loaded or does not fit is a state with a reason, and the platform runs.
"""

import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

import pluggy
import structlog

from jingwei_core.registry import Registry, build_registry
from jingwei_sdk.commands import declaration
from jingwei_sdk.errors import JingweiError, NotFound, Refused
from jingwei_sdk.hooks import PROJECT, Hooks
from jingwei_sdk.plugin import ENTRY_POINT_GROUP, Manifest, Plugin, read_manifest

_log = structlog.get_logger(__name__)
_REGISTRIES = 64

State = Literal["available", "incompatible", "failed"]


@dataclass(frozen=True, slots=True)
class Installed:
    """A plugin found on this machine; ``reason`` says why it is not available."""

    id: str
    state: State
    manifest: Manifest | None = None
    plugin: Plugin | None = None
    package_dir: Path | None = None
    reason: str = ""


class PluginHost:
    """The core's own contribution and the installed plugins of one process."""

    def __init__(self, core: Plugin, installed: Sequence[Installed]) -> None:
        self.core = core
        self._installed = {found.id: found for found in installed}
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(Hooks)
        for found in installed:
            if found.state == "available":
                self._register(found)
        self.registry = lru_cache(maxsize=_REGISTRIES)(self._registry)

    def installed(self) -> list[Installed]:
        """Every plugin found, by id."""
        return [self._installed[key] for key in sorted(self._installed)]

    def get(self, plugin_id: str) -> Installed:
        """The plugin; raises ``NotFound`` (``PLUGIN_UNKNOWN``)."""
        if plugin_id not in self._installed:
            raise NotFound("PLUGIN_UNKNOWN", plugin=plugin_id)
        return self._installed[plugin_id]

    def require_available(self, plugin_id: str) -> Plugin:
        """The loaded plugin; raises ``NotFound``, ``Refused`` (``PLUGIN_OFF``) with its reason."""
        found = self.get(plugin_id)
        if found.plugin is None or found.state != "available":
            raise Refused("PLUGIN_OFF", plugin=plugin_id, state=found.state, reason=found.reason)
        return found.plugin

    def hook_callers(self, hook: str, enabled: frozenset[str]) -> list[pluggy.HookImpl]:
        """The implementations of ``hook`` by enabled plugins, ordered by plugin id."""
        caller: pluggy.HookCaller = getattr(self._hooks.hook, hook)
        chosen = [impl for impl in caller.get_hookimpls() if impl.plugin_name in enabled]
        return sorted(chosen, key=lambda impl: impl.plugin_name)

    def _registry(self, enabled: frozenset[str]) -> Registry:
        """The registry of the core and the enabled plugins that are available and do not clash."""
        chosen = [self.core]
        registry = build_registry(chosen)
        for plugin_id in sorted(enabled):
            found = self._installed.get(plugin_id)
            if found is None or found.plugin is None or found.state != "available":
                continue
            if not set(found.plugin.requires) <= {"core", *enabled}:
                continue
            try:
                registry = build_registry([*chosen, found.plugin])
            except Refused as error:
                self._quarantine(found, str(error))
                continue
            chosen.append(found.plugin)
        return registry

    def _register(self, found: Installed) -> None:
        assert found.plugin is not None
        if found.plugin.hooks is None:
            return
        try:
            self._hooks.register(found.plugin.hooks, name=found.id)
            self._hooks.check_pending()
        except (pluggy.PluginValidationError, ValueError) as error:
            if self._hooks.has_plugin(found.id):
                self._hooks.unregister(name=found.id)
            self._quarantine(found, str(error))

    def _quarantine(self, found: Installed, reason: str) -> None:
        _log.error("plugin_off", plugin=found.id, reason=reason)
        self._installed[found.id] = replace(found, state="failed", reason=reason)


def discover(points: Iterable[EntryPoint] | None = None) -> list[Installed]:
    """Every plugin installed on this machine, ordered by id; a faulty one with its reason."""
    found = entry_points(group=ENTRY_POINT_GROUP) if points is None else points
    return [_examine(point) for point in sorted(found, key=lambda point: point.name)]


def _examine(point: EntryPoint) -> Installed:
    try:
        package_dir = _package_dir(point)
        manifest = read_manifest(package_dir / "plugin.toml")
    except (JingweiError, ImportError, tomllib.TOMLDecodeError) as error:
        return Installed(point.name, "failed", reason=str(error))
    known = Installed(point.name, "available", manifest, None, package_dir)
    if manifest.id != point.name:
        reason = f"entry point {point.name!r} names a plugin {manifest.id!r}"
        return replace(known, state="failed", reason=reason)
    problem = manifest.problem()
    if problem:
        return replace(known, state="incompatible", reason=problem)
    return _load(point, known, manifest)


def _load(point: EntryPoint, known: Installed, manifest: Manifest) -> Installed:
    try:
        plugin = point.load()
    except Exception as error:  # noqa: BLE001 - a stranger's code may raise anything
        return replace(known, state="failed", reason=f"{type(error).__name__}: {error}")
    if not isinstance(plugin, Plugin) or plugin.id != manifest.id:
        return replace(known, state="failed", reason="its entry point is not its Plugin")
    problem = _undeclared(plugin, manifest)
    if problem:
        return replace(known, state="failed", reason=problem)
    return replace(known, plugin=plugin)


def _undeclared(plugin: Plugin, manifest: Manifest) -> str:
    """Permissions that the plugin uses and its manifest does not declare."""
    declared = {permission.code for permission in manifest.permissions}
    used = {record.read for record in plugin.records}
    used |= {code for record in plugin.records for code in record.guarded.values()}
    used |= {declaration(handler).permission for handler in plugin.commands}
    missing = sorted(used - declared)
    return f"permissions not in its manifest: {missing}" if missing else ""


def _package_dir(point: EntryPoint) -> Path:
    """The folder of the plugin's package, found without importing it."""
    package = point.value.partition(":")[0].partition(".")[0]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise Refused("PLUGIN_MANIFEST", file="plugin.toml", cause=f"no package {package!r}")
    return Path(next(iter(spec.submodule_search_locations)))
