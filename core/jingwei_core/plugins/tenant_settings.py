"""Settings of plugins (插件设置): checked against the manifest, completed by its defaults."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

from jingwei_core.plugins.discovery import Installed
from jingwei_sdk.errors import Invalid


def check_settings(found: Installed, settings: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` (``PLUGIN_SETTINGS``) naming the first setting that breaks the schema."""
    if found.manifest is None or not settings:
        return
    if not found.manifest.settings:
        first = min(settings)
        raise Invalid("PLUGIN_SETTINGS", field=first, plugin=found.id, cause="it has no settings")
    errors = Draft202012Validator(found.manifest.settings).iter_errors(dict(settings))
    for error in sorted(errors, key=lambda error: list(map(str, error.path))):
        field = ".".join(map(str, error.path)) or "settings"
        raise Invalid("PLUGIN_SETTINGS", field=field, plugin=found.id, cause=error.message)


def with_defaults(found: Installed, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The stored settings, and the schema's default for each that is not set."""
    declared = found.manifest.settings.get("properties", {}) if found.manifest else {}
    defaults = {name: rule["default"] for name, rule in declared.items() if "default" in rule}
    return {**defaults, **settings}
