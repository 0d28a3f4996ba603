"""``permissions.md`` and ``settings.md``: what the shipped packages let a tenant grant and set."""

from collections.abc import Iterator
from typing import Any

import msgspec

from jingwei_core.plugins.host import Installed, discover
from jingwei_sdk.manifest import Manifest
from tests.policy.project import ROOT
from tests.policy.sdk_pages.layout import page, table

_PERMISSIONS = {"zh": "权限", "en": "Permissions"}
_SETTINGS = {"zh": "插件设置", "en": "Settings of plugins"}
_HEADS = {"zh": ("代码", "含义"), "en": ("code", "meaning")}
_SETTING = {"zh": ("设置", "默认", "含义"), "en": ("setting", "default", "meaning")}
_OPERATIONS = {
    "zh": "部署本身的设置见 [operations.md](../../../operations.md)。",
    "en": "Settings of the deployment itself: [operations.md](../../../operations.md).",
}


def manifests() -> Iterator[Manifest]:
    """The core's and those of the shipped plugins."""
    from jingwei_sdk.manifest import read_manifest

    core = ROOT / "core" / "jingwei_core" / "plugin.toml"
    if core.exists():
        yield read_manifest(core)
    yield from (found.manifest for found in shipped() if found.manifest is not None)


def shipped() -> list[Installed]:
    """The plugins of this checkout."""
    return [
        found
        for found in discover()
        if found.package_dir is not None and found.package_dir.is_relative_to(ROOT / "plugins")
    ]


def permissions(locale: str) -> str:
    """The page of permissions."""
    parts = []
    for manifest in manifests():
        lines = [
            (f"`{permission.code}`", permission.zh if locale == "zh" else permission.en)
            for permission in sorted(manifest.permissions, key=lambda each: each.code)
        ]
        parts += [f"## {manifest.id}", table(_HEADS[locale], lines)]
    return page(locale, _PERMISSIONS[locale], *parts)


def settings(locale: str) -> str:
    """The page of settings."""
    parts = [_OPERATIONS[locale]]
    for found in shipped():
        lines = [
            (f"`{name}`", f"`{told['default']}`" if "default" in told else "", _said(told, locale))
            for name, told in settings_of(found).items()
        ]
        if lines:
            parts += [f"## {found.id}", table(_SETTING[locale], lines)]
    return page(locale, _SETTINGS[locale], *parts)


def settings_of(found: Installed) -> dict[str, dict[str, Any]]:
    """The JSON Schema of each setting of a plugin by name."""
    if found.plugin is not None and found.plugin.settings is not None:
        kind = found.plugin.settings.schema
        schema = msgspec.json.schema(kind, schema_hook=lambda _: {"type": "string"})
        properties: dict[str, dict[str, Any]] = schema["$defs"][kind.__name__]["properties"]
        return properties
    return dict(found.manifest.settings.get("properties", {})) if found.manifest else {}


def _said(told: dict[str, Any], locale: str) -> str:
    """A description is written ``中文 · English``."""
    zh, _, en = str(told.get("description", "")).partition(" · ")
    return zh if locale == "zh" or not en else en
