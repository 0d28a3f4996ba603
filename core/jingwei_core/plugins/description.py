"""A plugin in full (插件说明), made from the fields of its manifest and its declaration.

Nothing is listed by hand: a contribution of a new kind is told as soon as it has a field.
"""

from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.hearing import heard_of
from jingwei_core.plugins.tenant_settings import declared, with_defaults
from jingwei_core.plugins.texts import codes_of
from jingwei_sdk.commands import Command
from jingwei_sdk.hooks import Hook
from jingwei_sdk.manifest import PermissionText, Requirement, RoleText
from jingwei_sdk.plugin import Job, Plugin
from jingwei_sdk.settings import SettingsOf
from jingwei_sdk.tables import TenantTable

_NAMES = ("name", "code", "path", "to_version", "subject", "record", "table")
"""What a declaration is called by, the first that it has."""


def description(found: Installed) -> dict[str, Any]:
    """The plugin's state, its manifest and what it contributes, as plain values by field.

    ``settings`` are those that a tenant has which set none; secrets are told by name only.
    ``translations`` are the codes of its texts, each of which is there in both languages.
    """
    told: dict[str, Any] = {
        "id": found.id,
        "state": found.state,
        "reason": found.reason,
        "link": found.link,
    }
    if found.manifest is not None:
        told |= {
            each.name: _told(getattr(found.manifest, each.name))
            for each in msgspec.structs.fields(found.manifest)
        }
        told["settings"] = with_defaults(found, {})
    if found.plugin is not None:
        told |= contributions(found.plugin)
        told["settings"] = with_defaults(found, {})
        told["translations"] = codes_of(found)
        typed = declared(found)
        if typed is not None:
            told["secrets"] = sorted(typed.secrets)
    return told


def contributions(plugin: Plugin) -> dict[str, Any]:
    """What the package declares, by the field of its declaration."""
    told = {each.name: _told(getattr(plugin, each.name)) for each in fields(plugin)}
    told["hooks"] = [f"{one.hook.name}: {_called(one.function)}" for one in heard_of(plugin)]
    return told


def _told(value: Any) -> Any:
    """A value for people and scripts: texts, numbers, lists and mappings of them."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): _told(each) for key, each in value.items()}
    if isinstance(value, Collection):
        pairs = [_pair(each) for each in value]
        if pairs and all(pair is not None for pair in pairs):
            return dict(pair for pair in pairs if pair is not None)
        named = [_named(each) for each in value]
        return sorted(named) if isinstance(value, frozenset) else named
    return _named(value)


def _pair(value: object) -> tuple[str, Any] | None:
    """A declaration that is told as a name with something about it."""
    if isinstance(value, PermissionText):
        return value.code, f"{value.zh} · {value.en}"
    if isinstance(value, RoleText):
        return value.code, f"{value.zh} · {value.en}: {', '.join(value.permissions)}"
    if isinstance(value, Job):
        return value.name, value.schedule
    return None


def _named(value: Any) -> str:
    """What a declaration is called."""
    if isinstance(value, str | Path):
        return str(value)
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, type) and issubclass(value, TenantTable):
        return f"{value._meta.schema}.{value._meta.tablename}"
    if isinstance(value, Requirement):
        optional = " (optional)" if value.optional else ""
        return f"{value.id} {value.version}".strip() + optional
    if isinstance(value, SettingsOf):
        return f"{value.schema.__name__}, version {value.version}"
    command = getattr(value, "__command__", None)
    if isinstance(command, Command):
        return command.name
    for name in _NAMES:
        if getattr(value, name, None) and not isinstance(value, type):
            return _named(getattr(value, name))
    if isinstance(value, msgspec.Struct):
        return ", ".join(str(each) for each in msgspec.structs.astuple(value))
    if is_dataclass(value) and not isinstance(value, type):
        return ", ".join(_named(getattr(value, each.name)) for each in fields(value))
    return _called(value)


def _called(value: Any) -> str:
    """The name of a function or type."""
    if isinstance(value, Hook):
        return value.name
    return getattr(value, "__qualname__", None) or type(value).__name__
