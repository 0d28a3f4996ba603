"""What an operator sees of plugins (插件清单): what is installed, and what each tenant uses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.plugins.tenant_settings import with_defaults


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One plugin: ``state`` is available, incompatible, failed or missing, for a tenant also
    enabled, disabled or off (enabled but not served); ``reason`` says why it is not served."""

    id: str
    version: str
    state: str
    name: str
    reason: str


def installed_lines(host: PluginHost, locale: str) -> list[PluginLine]:
    """The plugins of this machine; a clash with the core is among the reasons."""
    return [_line(found, found.state, found.reason, locale) for found in host.installed()]


def tenant_lines(host: PluginHost, enabled: frozenset[str], locale: str) -> list[PluginLine]:
    """The plugins as a tenant has them, with what is enabled but not installed any more."""
    off = host.off(enabled)
    lines = []
    for found in host.installed():
        if found.id in off:
            lines.append(_line(found, "off", off[found.id].reason, locale))
        elif found.id in enabled:
            lines.append(_line(found, "enabled", "", locale))
        else:
            state = "disabled" if found.state == "available" else found.state
            lines.append(_line(found, state, found.reason, locale))
    known = {line.id for line in lines}
    lines += [
        PluginLine(each, "", "missing", "", off[each].reason) for each in sorted(off.keys() - known)
    ]
    return lines


def description(found: Installed) -> dict[str, Any]:
    """A plugin in full: its manifest, what it contributes, the settings it has."""
    manifest, plugin = found.manifest, found.plugin
    told: dict[str, Any] = {"id": found.id, "state": found.state, "reason": found.reason}
    if manifest is not None:
        told |= {
            "version": manifest.version,
            "sdk": manifest.sdk,
            "name_zh": manifest.name_zh,
            "name_en": manifest.name_en,
            "description_zh": manifest.description_zh,
            "description_en": manifest.description_en,
            "licence": manifest.licence,
            "requires": list(manifest.requires),
            "permissions": {each.code: f"{each.zh} · {each.en}" for each in manifest.permissions},
            "settings": with_defaults(found, {}),
        }
    if plugin is not None:
        told |= {
            "records": [record.name for record in plugin.records],
            "jobs": {job.name: job.schedule for job in plugin.jobs},
            "event_kinds": [kind.code for kind in plugin.event_kinds],
            "extends": sorted({extension.record for extension in plugin.extensions}),
        }
    return told


def setting(text: str) -> Mapping[str, Any]:
    """``key=value`` as a setting: the value is JSON where it can be read so, else a text.

    Raises ``ValueError`` without a key or an equals sign.
    """
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise ValueError(text)
    try:
        return {key.strip(): json.loads(value)}
    except json.JSONDecodeError:
        return {key.strip(): value}


def _line(found: Installed, state: str, reason: str, locale: str) -> PluginLine:
    manifest = found.manifest
    if manifest is None:
        return PluginLine(found.id, "", state, "", reason)
    name = manifest.name_en if locale == "en" else manifest.name_zh
    return PluginLine(found.id, manifest.version, state, name, reason)
