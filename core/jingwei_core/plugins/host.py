"""The plugin host (插件宿主): the installed plugins of one process, and what a set of them offers.

Installed is not enabled: a tenant switches plugins on, and reads that from the platform's tables.
A plugin that cannot be loaded or does not fit is a state with a reason, and the platform runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pluggy
import structlog

from jingwei_core.plugins.discovery import Installed, State, discover
from jingwei_core.plugins.tenant_settings import with_defaults
from jingwei_core.plugins.texts import load_texts
from jingwei_core.registry import Registry, build_registry
from jingwei_sdk.errors import NotFound, Refused
from jingwei_sdk.hooks import PROJECT, Hooks
from jingwei_sdk.messages import Catalogue
from jingwei_sdk.plugin import Plugin

__all__ = ["Installed", "PluginHost", "State", "discover"]

_log = structlog.get_logger(__name__)
_REGISTRIES = 64


@dataclass(frozen=True, slots=True)
class Composition:
    """A set of plugins put together: what it offers, and why some of the set are left out."""

    registry: Registry
    off: Mapping[str, str]


class PluginHost:
    """The core's own contribution and the installed plugins of one process."""

    def __init__(self, core: Plugin, installed: Sequence[Installed]) -> None:
        self.core = core
        self._installed = {found.id: found for found in installed}
        self._hooks = pluggy.PluginManager(PROJECT)
        self._hooks.add_hookspecs(Hooks)
        self._composition = lru_cache(maxsize=_REGISTRIES)(self._compose)
        for found in installed:
            if found.state == "available":
                self._register(found)

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

    def hook_callers(self, hook: str, enabled: frozenset[str], kind: str) -> list[pluggy.HookImpl]:
        """The implementations of ``hook`` by enabled plugins that hear of events of this kind,
        ordered by plugin id."""
        caller: pluggy.HookCaller = getattr(self._hooks.hook, hook)
        chosen = [
            impl
            for impl in caller.get_hookimpls()
            if impl.plugin_name in enabled and self._hears(impl.plugin_name, kind)
        ]
        return sorted(chosen, key=lambda impl: impl.plugin_name)

    def _hears(self, plugin_id: str, kind: str) -> bool:
        plugin = self._installed[plugin_id].plugin
        return plugin is not None and (plugin.hears is None or kind in plugin.hears)

    def registry(self, enabled: frozenset[str]) -> Registry:
        """The registry of the core and the enabled plugins that are available and do not clash."""
        return self._composition(enabled).registry

    def off(self, enabled: frozenset[str]) -> Mapping[str, str]:
        """Why some of the enabled plugins are not served, by id; empty when all are."""
        return self._composition(enabled).off

    def settings(self, stored: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """A tenant's stored settings by plugin id, completed by the plugins' defaults."""
        return {
            plugin_id: with_defaults(self._installed[plugin_id], values)
            if plugin_id in self._installed
            else dict(values)
            for plugin_id, values in stored.items()
        }

    def load_texts(self, catalogue: Catalogue) -> None:
        """Add the texts of the plugins; one whose texts do not fit is switched off."""
        for plugin_id, reason in load_texts(catalogue, self.installed()).items():
            self._fail(plugin_id, reason)

    def _compose(self, enabled: frozenset[str]) -> Composition:
        """Add the plugins one by one, each after those it requires; a clash costs the later one."""
        chosen = [self.core]
        registry = build_registry(chosen)
        wanted = sorted(enabled - {self.core.id})
        off = {each: reason for each in wanted if (reason := self._unusable(each))}
        waiting = {each: "" for each in wanted if each not in off}
        progress = True
        while waiting and progress:
            progress = False
            for plugin_id in list(waiting):
                plugin = self.require_available(plugin_id)
                missing = sorted(set(plugin.requires) - {added.id for added in chosen})
                waiting[plugin_id] = f"needs {', '.join(missing)}"
                if missing:
                    continue
                progress = True
                del waiting[plugin_id]
                try:
                    registry = build_registry([*chosen, plugin])
                except Exception as error:  # noqa: BLE001 - a stranger's declarations
                    off[plugin_id] = str(error)
                    _log.error("plugin_off", plugin=plugin_id, reason=str(error))
                else:
                    chosen.append(plugin)
        return Composition(registry, {**off, **waiting})

    def _unusable(self, plugin_id: str) -> str:
        found = self._installed.get(plugin_id)
        if found is None:
            return "not installed"
        if found.plugin is None or found.state != "available":
            return f"{found.state}: {found.reason}"
        return ""

    def _register(self, found: Installed) -> None:
        """Check the plugin against the core and register its hooks."""
        assert found.plugin is not None
        try:
            if not found.plugin.requires:
                build_registry([self.core, found.plugin])
            if found.plugin.hooks is not None:
                self._hooks.register(found.plugin.hooks, name=found.id)
                self._hooks.check_pending()
        except Exception as error:  # noqa: BLE001 - a stranger's declarations may raise anything
            if self._hooks.has_plugin(found.id):
                self._hooks.unregister(name=found.id)
            self._fail(found.id, str(error))

    def _fail(self, plugin_id: str, reason: str) -> None:
        _log.error("plugin_off", plugin=plugin_id, reason=reason)
        self._installed[plugin_id] = replace(
            self._installed[plugin_id], state="failed", reason=reason
        )
        self._composition.cache_clear()
