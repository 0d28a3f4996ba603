"""What an operator sees of plugins (插件清单): what is installed, and what each tenant uses."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from jingwei_core.plugins.host import Installed, Off, PluginHost


@dataclass(frozen=True, slots=True)
class PluginLine:
    """One plugin: ``state`` is available or one of :data:`OffState`, for a tenant that has not
    switched it on disabled and for one that is served enabled; ``reason`` says why it is not
    served, ``link`` where more is told about that."""

    id: str
    version: str
    state: str
    name: str
    reason: str
    link: str = ""


def installed_lines(host: PluginHost, locale: str) -> list[PluginLine]:
    """The plugins of this machine; a clash with the core is among the reasons."""
    return [_line(found, found.state, found.reason, locale) for found in host.installed()]


def tenant_lines(
    host: PluginHost,
    enabled: frozenset[str],
    locale: str,
    held_back: Mapping[str, Off] = MappingProxyType({}),
) -> list[PluginLine]:
    """The plugins as a tenant has them, with what is enabled but not installed any more;
    ``held_back`` are those that its snapshot keeps from this process."""
    off = {**host.off(enabled), **held_back}
    lines = []
    for found in host.installed():
        if found.id in off:
            lines.append(_off_line(found, off[found.id], locale))
        elif found.id in enabled:
            lines.append(_line(found, "enabled", "", locale))
        else:
            state = "disabled" if found.state == "available" else found.state
            lines.append(_line(found, state, found.reason, locale))
    known = {line.id for line in lines}
    gone = [off[each] for each in sorted(off.keys() - known)]
    lines += [PluginLine(one.plugin, "", one.state, "", one.reason) for one in gone]
    return lines


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


def _off_line(found: Installed, off: Off, locale: str) -> PluginLine:
    return _line(replace(found, link=off.link), off.state, off.reason, locale)


def _line(found: Installed, state: str, reason: str, locale: str) -> PluginLine:
    manifest, link = found.manifest, found.link
    if manifest is None:
        return PluginLine(found.id, "", state, "", reason, link)
    name = manifest.name_en if locale == "en" else manifest.name_zh
    return PluginLine(found.id, manifest.version, state, name, reason, link)
