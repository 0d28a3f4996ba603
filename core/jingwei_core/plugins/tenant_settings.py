"""Settings of plugins (插件设置): as they are stored, checked, completed, and read by code.

A plugin declares a typed struct (:mod:`jingwei_sdk.settings`) or, as SDK 0.1 has it, a JSON Schema
in its manifest. What is shown anywhere are the plain values; secrets are sealed where they are
stored and opened only for the code that asks for the struct.
"""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import msgspec
from jsonschema import Draft202012Validator

from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.sealing import TenantVault
from jingwei_sdk.errors import Invalid, JingweiError, Refused
from jingwei_sdk.settings import Secret, SettingsOf

S = TypeVar("S", bound=msgspec.Struct)
Opener = Callable[[str, str, str], Secret]
"""Opens a sealed setting: plugin id, name, sealed text."""


@dataclass(frozen=True, slots=True)
class StoredSettings:
    """Settings of a plugin as a row has them: plain values, the number of the settings version
    that stored them, and secrets as sealed texts by name."""

    values: Mapping[str, Any] = field(default_factory=dict)
    version: int = 1
    sealed: Mapping[str, str] = field(default_factory=dict, repr=False)

    def columns(self) -> tuple[str, int, str]:
        """The values of the columns ``settings``, ``settings_version`` and ``sealed``."""
        plain = json.dumps(dict(self.values), ensure_ascii=False)
        return plain, self.version, json.dumps(dict(self.sealed))

    def told(self) -> dict[str, Any]:
        """What the audit log says of them: of secrets only which are set."""
        return {"settings": dict(self.values), "secrets": sorted(self.sealed)}


def check_settings(found: Installed, settings: Mapping[str, Any]) -> None:
    """Raise ``Invalid`` (``PLUGIN_SETTINGS``) naming the first setting that breaks the JSON Schema
    of a plugin that has one, or that a plugin without settings is given."""
    if found.manifest is None or not settings:
        return
    if not found.manifest.settings:
        first = min(settings)
        raise Invalid("PLUGIN_SETTINGS", field=first, plugin=found.id, cause="it has no settings")
    errors = Draft202012Validator(found.manifest.settings).iter_errors(dict(settings))
    for error in sorted(errors, key=lambda error: list(map(str, error.path))):
        name = ".".join(map(str, error.path)) or "settings"
        raise Invalid("PLUGIN_SETTINGS", field=name, plugin=found.id, cause=error.message)


def with_defaults(found: Installed, settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings, and the declared default for each that is not set; no secrets."""
    typed = declared(found)
    if typed is not None:
        return typed.shown(typed.read(settings))
    rules = found.manifest.settings.get("properties", {}) if found.manifest else {}
    # A rule may be a plain ``true``: anything goes.
    told = {name: rule for name, rule in rules.items() if isinstance(rule, Mapping)}
    defaults = {name: rule["default"] for name, rule in told.items() if "default" in rule}
    return {**defaults, **settings}


def declared(found: Installed) -> SettingsOf | None:
    """The typed settings of a plugin, ``None`` for one without."""
    return found.plugin.settings if found.plugin is not None else None


class TenantSettings:
    """The settings of a tenant's enabled plugins, for one snapshot of them.

    ``shown`` is what ``ctx.settings`` says, by plugin id: plain values brought to this code's
    version and completed by defaults. ``misfits`` says why this process cannot serve a plugin with
    the settings that are stored: a newer version stored them, or they cannot be brought to this
    one; shown is then what is stored.
    """

    def __init__(
        self,
        installed: Iterable[Installed],
        stored: Mapping[str, StoredSettings],
        opener: Opener,
    ) -> None:
        known = {found.id: found for found in installed}
        self.shown: dict[str, Mapping[str, Any]] = {}
        self.misfits: dict[str, str] = {}
        self._read: dict[type[msgspec.Struct], msgspec.Struct | JingweiError] = {}
        for plugin, row in stored.items():
            typed = declared(known[plugin]) if plugin in known else None
            if typed is not None:
                self._take(plugin, typed, row, opener)
            elif plugin in known:
                self.shown[plugin] = with_defaults(known[plugin], row.values)
            else:
                self.shown[plugin] = dict(row.values)

    def of(self, schema: type[S]) -> S:
        """The settings as the plugin's struct, secrets opened.

        Raises ``Refused``: ``SETTINGS_UNKNOWN`` for a struct that no enabled plugin declares,
        ``SECRET_SEALED_ELSEWHERE``, and what :attr:`misfits` says.
        """
        found = self._read.get(schema)
        if isinstance(found, schema):
            return found
        if isinstance(found, JingweiError):
            raise found
        raise Refused("SETTINGS_UNKNOWN", settings=schema.__name__)

    def _take(self, plugin: str, typed: SettingsOf, stored: StoredSettings, opener: Opener) -> None:
        try:
            read = typed.read(typed.migrated(opened(plugin, stored, opener), stored.version))
        except (Invalid, Refused) as error:
            self.shown[plugin] = dict(stored.values)
            self._read[typed.schema] = error
            if error.code != "SECRET_SEALED_ELSEWHERE":
                self.misfits[plugin] = str(error)
        else:
            self.shown[plugin] = typed.shown(read)
            self._read[typed.schema] = read


def opened(
    plugin: str, stored: StoredSettings, opener: Opener, replaced: Collection[str] = ()
) -> dict[str, Any]:
    """The stored values with their secrets, as the version that stored them had them; of those that
    are ``replaced`` the ones that can be opened. Raises what ``opener`` raises."""
    found: dict[str, Any] = dict(stored.values)
    for name, text in stored.sealed.items():
        try:
            found[name] = opener(plugin, name, text)
        except Refused:
            if name not in replaced:
                raise
    return found


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What is to be set: plain values, secrets, and names that go back to their default."""

    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    unset: frozenset[str] = frozenset()


def put(
    found: Installed, stored: StoredSettings, change: SettingsChange, vault: TenantVault
) -> StoredSettings:
    """The settings to store: the stored ones brought to this version, with the change over them.

    Raises ``Invalid``: ``PLUGIN_SETTINGS`` naming the first that does not fit, and
    ``PLUGIN_SETTING_SECRET`` for a secret among the plain values or a plain one among the secrets;
    ``Refused`` as :meth:`TenantSettings.of` does.
    """
    typed = declared(found)
    secret = typed.secrets if typed is not None else frozenset[str]()
    wrong = sorted({*(change.secrets.keys() - secret), *(change.values.keys() & secret)})
    if wrong:
        raise Invalid("PLUGIN_SETTING_SECRET", field=wrong[0], plugin=found.id)
    if typed is None:
        values = {**stored.values, **change.values}
        for name in change.unset:
            values.pop(name, None)
        check_settings(found, values)
        return replace(stored, values=values)
    before = opened(found.id, stored, vault.open, change.secrets.keys() | change.unset)
    whole = {**typed.migrated(before, stored.version), **change.values, **change.secrets}
    for name in change.unset:
        whole.pop(name, None)
    _check(found, typed, whole)
    plain = {name: value for name, value in whole.items() if name not in secret}
    sealed = {
        name: stored.sealed[name]
        if name in stored.sealed and before.get(name) == value
        else vault.seal(found.id, name, Secret(value) if isinstance(value, str) else value)
        for name, value in whole.items()
        if name in secret and value is not None
    }
    return StoredSettings(plain, typed.version, sealed)


def _check(found: Installed, typed: SettingsOf, whole: Mapping[str, Any]) -> None:
    try:
        typed.read(whole)
    except Invalid as error:
        field_name, cause = error.field, error.params["cause"]
    else:
        return
    raise Invalid("PLUGIN_SETTINGS", field=field_name, plugin=found.id, cause=cause)
