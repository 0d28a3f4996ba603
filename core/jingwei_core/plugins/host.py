"""The plugin host (插件宿主): the installed plugins of one process, and what a set of them offers.

Installed is not enabled: a tenant switches plugins on, and reads that from the platform's tables.
A plugin that cannot be loaded or does not fit is a state with a reason, and the platform runs.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Literal

import structlog

from jingwei_core.plugins.composition import Composer, Composition, Piece
from jingwei_core.plugins.dependencies import in_order, needs_of, unmet_requirements
from jingwei_core.plugins.discovery import Installed, State, discover
from jingwei_core.plugins.off import Off, told
from jingwei_core.plugins.registry_checks import RegistryCheck, registry_checks
from jingwei_core.plugins.tenant_settings import with_defaults
from jingwei_core.plugins.texts import load_texts
from jingwei_core.privacy.declarations import check_package
from jingwei_core.registry import Registry
from jingwei_sdk.errors import NotFound, Refused, Unavailable
from jingwei_sdk.manifest import Manifest
from jingwei_sdk.messages import Catalogue
from jingwei_sdk.plugin import Plugin

__all__ = ["Composition", "Installed", "Off", "PluginHost", "State", "discover"]

_log = structlog.get_logger(__name__)
_COMPOSITIONS = 128
Source = Literal["declaration", "texts", "migration", "deny"]
_SOURCES: tuple[Source, ...] = ("declaration", "texts", "migration", "deny")
"""Who says that a plugin is off; of two the later is told."""


class PluginHost:
    """The core's own contribution and the installed plugins of one process.

    ``order`` are the ids of all of them, each after those it requires, then by id; ``needs`` says
    what each requires. ``changes`` grows whenever the same set may be served otherwise than before.
    ``checks`` replaces those that the installed rooms register.
    """

    def __init__(
        self,
        core: Plugin,
        installed: Sequence[Installed],
        *,
        core_manifest: Manifest | None = None,
        checks: Sequence[RegistryCheck] | None = None,
    ) -> None:
        self.core = core
        self.needs = {found.id: needs_of(found) for found in installed}
        self.order = tuple(in_order(self.needs))
        self._rank = {plugin_id: rank for rank, plugin_id in enumerate(self.order)}
        self._found = {found.id: found for found in installed}
        self._said: dict[Source, Mapping[str, Off]] = {}
        self._off: Mapping[str, Off] = {}
        self._pieces: dict[str, Piece] = {}
        self.changes = 0
        asked = registry_checks() if checks is None else checks
        self._composer = Composer(Piece.of(core, core_manifest), asked)
        self._compositions = lru_cache(maxsize=_COMPOSITIONS)(self._compose)
        self.set_off("declaration", self._take_all())

    def installed(self) -> list[Installed]:
        """Every plugin found, by id, with the reason why it cannot be served to anybody."""
        return [self._shown(self._found[key]) for key in sorted(self._found)]

    def get(self, plugin_id: str) -> Installed:
        """The plugin; raises ``NotFound`` (``PLUGIN_UNKNOWN``)."""
        if plugin_id not in self._found:
            raise NotFound("PLUGIN_UNKNOWN", plugin=plugin_id)
        return self._shown(self._found[plugin_id])

    def require_available(self, plugin_id: str) -> Plugin:
        """The loaded plugin; raises ``NotFound``, ``Refused`` (``PLUGIN_OFF``) with its reason."""
        found = self.get(plugin_id)
        if found.plugin is None or found.state != "available":
            raise Refused("PLUGIN_OFF", plugin=plugin_id, state=found.state, reason=found.reason)
        return found.plugin

    def require(self, plugin_ids: Iterable[str]) -> None:
        """Raise ``Unavailable`` (``PLUGIN_REQUIRED``) naming the first that cannot be served."""
        for plugin_id in plugin_ids:
            off = self._unusable(plugin_id)
            if off is not None:
                raise Unavailable(
                    "PLUGIN_REQUIRED", plugin=plugin_id, state=off.state, reason=off.reason
                )

    def versions(self) -> dict[str, str]:
        """The versions of the plugins found, by id; empty where none could be read."""
        return {plugin_id: _version(found) for plugin_id, found in self._found.items()}

    def registry(self, enabled: frozenset[str]) -> Registry:
        """The registry of the core and the enabled plugins that are available and do not clash."""
        return self._compositions(enabled).registry

    def off(self, enabled: frozenset[str]) -> Mapping[str, Off]:
        """Why some of the enabled plugins are not served, by id; empty when all are."""
        return self._compositions(enabled).off

    def set_off(self, source: Source, offs: Iterable[Off]) -> bool:
        """Replace what one source says of plugins that nobody is served; whether that changed
        anything. It holds from the next request on."""
        said = {off.plugin: off for off in offs}
        if said == self._said.get(source):
            return False
        for off in said.values():
            _log.error("plugin_off", plugin=off.plugin, state=off.state, reason=off.reason)
        self._said[source] = said
        together: dict[str, Off] = {}
        for each in _SOURCES:
            together |= self._said.get(each, {})
        for found in self._found.values():
            if found.state != "available":
                known = Off(found.id, found.state, found.reason, found.link)
                together.setdefault(found.id, known)
        self._off = together | unmet_requirements(self.needs, self.versions(), together)
        self._compositions = lru_cache(maxsize=_COMPOSITIONS)(self._compose)
        self.changes += 1
        return True

    def settings(self, stored: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
        """A tenant's stored settings by plugin id, completed by the plugins' defaults."""
        return {
            plugin_id: with_defaults(self._found[plugin_id], values)
            if plugin_id in self._found
            else dict(values)
            for plugin_id, values in stored.items()
        }

    def load_texts(self, catalogue: Catalogue) -> None:
        """Add the texts of the plugins; one whose texts do not fit is switched off."""
        refused = load_texts(catalogue, self.installed())
        self.set_off("texts", [Off(each, "failed", reason) for each, reason in refused.items()])

    def _compose(self, enabled: frozenset[str]) -> Composition:
        off = {each: unusable for each in sorted(enabled) if (unusable := self._unusable(each))}
        wanted = sorted(enabled & self._pieces.keys() - off.keys(), key=self._rank.__getitem__)
        made = self._composer.compose([self._pieces[each] for each in wanted])
        return Composition(made.registry, {**off, **made.off})

    def _unusable(self, plugin_id: str) -> Off | None:
        if plugin_id == self.core.id:
            return None
        if plugin_id not in self._found:
            return Off(plugin_id, "missing", "not installed")
        return self._off.get(plugin_id)

    def _take_all(self) -> list[Off]:
        """Look at each available plugin once, by itself; why some cannot be served."""
        off = []
        for found in self._found.values():
            if found.state != "available" or found.plugin is None:
                continue
            try:
                piece = Piece.of(found.plugin, found.manifest, self.needs[found.id])
                check_package(found.plugin)
                fault = self._composer.against_core(piece)
            except Exception as error:  # noqa: BLE001 - a stranger's declarations may raise anything
                fault = Off(found.id, "faulty_declaration", told(error))
            else:
                self._pieces[found.id] = piece
            off += [fault] if fault is not None else []
        return off

    def _shown(self, found: Installed) -> Installed:
        off = self._off.get(found.id)
        if off is None:
            return found
        return replace(found, state=off.state, reason=off.reason, link=off.link)


def _version(found: Installed) -> str:
    return found.manifest.version if found.manifest is not None else ""
