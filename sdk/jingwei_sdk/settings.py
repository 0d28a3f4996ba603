"""Settings of a plugin (插件设置): a typed struct, secrets sealed, versions migrated.

::

    class LampSettings(msgspec.Struct, frozen=True, kw_only=True):
        days_to_repair: Annotated[int, msgspec.Meta(ge=1, le=90, description="…")] = 7
        gateway_key: Secret | None = None

    Plugin(settings=SettingsOf(LampSettings, version=2, migrations={1: from_one}), …)

Code of the plugin reads them as ``ctx.settings_of(LampSettings)``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

import msgspec
from msgspec.inspect import CustomType, Metadata, UnionType, type_info

from jingwei_sdk._type_parts import parts_of
from jingwei_sdk.errors import Invalid, Refused

Migration = Callable[[dict[str, Any]], dict[str, Any]]
"""Settings as they were stored by one version, as the next stores them. Secrets are among them as
:class:`Secret`, so that one can be given another name without being revealed."""

_CHINESE, _ENGLISH = re.compile(r"[\u4e00-\u9fff]"), re.compile(r"[A-Za-z]{2}")
_PLACE = re.compile(r" - at `\$\.?(?P<field>[^`]*)`$")
_LEAST_SCRUBBED = 3


class Secret:
    """A value that is shown nowhere: sealed where it is stored, left out of audit, logs, answers
    and job payloads. Serialising one is an error, reading it takes :meth:`reveal`."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself; hand it on to where it is needed and nowhere else."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised")


@dataclass(frozen=True, slots=True)
class SettingsOf:
    """The declaration of a plugin's settings.

    ``schema`` is a frozen struct in which every field has a default, so that a tenant may start
    without setting anything. ``migrations`` bring settings stored by version *n* to *n + 1*.
    A secret is a field of the struct itself, ``Secret | None``. Raises ``Refused``
    (``SETTINGS_DECLARATION``) when a field lacks a default or is of a type that no JSON stands for,
    a step is missing or a secret lies deeper.
    """

    schema: type[msgspec.Struct]
    version: int = 1
    migrations: Mapping[int, Migration] = field(default_factory=dict)

    def __post_init__(self) -> None:
        needed = [f.name for f in msgspec.structs.fields(self.schema) if f.required]
        if needed:
            cause = f"without a default: {', '.join(needed)}"
            raise Refused("SETTINGS_DECLARATION", settings=self.schema.__name__, cause=cause)
        missing = [step for step in range(1, self.version) if step not in self.migrations]
        if missing:
            cause = f"no migration from version {', '.join(map(str, missing))}"
            raise Refused("SETTINGS_DECLARATION", settings=self.schema.__name__, cause=cause)
        odd = [f.name for f in msgspec.structs.fields(self.schema) if _is_odd(f.type)]
        if odd:
            cause = f"of a type that settings cannot hold: {', '.join(odd)}"
            raise Refused("SETTINGS_DECLARATION", settings=self.schema.__name__, cause=cause)
        deep = [f.name for f in msgspec.structs.fields(self.schema) if _has_deep_secret(f.type)]
        if deep:
            cause = f"a secret inside {', '.join(deep)}: make it a field of its own"
            raise Refused("SETTINGS_DECLARATION", settings=self.schema.__name__, cause=cause)

    @property
    def secrets(self) -> frozenset[str]:
        """The names of the settings that are secret."""
        return frozenset(
            f.encode_name for f in msgspec.structs.fields(self.schema) if _is_secret(f.type)
        )

    def migrated(self, values: Mapping[str, Any], version: int) -> dict[str, Any]:
        """Settings that were stored by ``version``, as this version stores them.

        Raises ``Refused``: ``SETTINGS_NEWER`` when a later version stored them, and
        ``SETTINGS_MIGRATION`` when a step fails (its error is named by type only).
        """
        if version > self.version:
            raise Refused("SETTINGS_NEWER", stored=version, known=self.version)
        found = dict(values)
        for step in range(version, self.version):
            try:
                found = dict(self.migrations[step](found))
            except Exception as error:
                raise Refused(
                    "SETTINGS_MIGRATION", version=step, cause=type(error).__name__
                ) from error
        return found

    def read(self, values: Mapping[str, Any]) -> msgspec.Struct:
        """The struct, checked; secrets may be given as :class:`Secret` or as text.

        Raises ``Invalid`` (``SETTING_INVALID``) naming the field; its cause quotes no secret.
        """
        known = {f.encode_name for f in msgspec.structs.fields(self.schema)}
        unknown = sorted(values.keys() - known)
        if unknown:
            raise Invalid("SETTING_INVALID", field=unknown[0], cause="there is no such setting")
        try:
            found: msgspec.Struct = msgspec.convert(values, self.schema, dec_hook=_decoded)
        except msgspec.ValidationError as error:
            told = str(error)
        except Exception as error:  # noqa: BLE001 - an author's own check may raise anything
            told = type(error).__name__
        else:
            return found
        # Outside the clause: an author's own check may quote what it was given, and would be told
        # with this error as what came before it.
        place = _PLACE.search(told)
        cause = self._scrubbed(_PLACE.sub("", told), values)
        raise Invalid("SETTING_INVALID", field=place["field"] if place else "settings", cause=cause)

    def shown(self, settings: msgspec.Struct) -> dict[str, Any]:
        """The settings by name as plain values, without the secrets."""
        return {
            f.encode_name: msgspec.to_builtins(getattr(settings, f.name))
            for f in msgspec.structs.fields(self.schema)
            if not _is_secret(f.type)
        }

    def json_schema(self) -> dict[str, Any]:
        """The JSON Schema 2020-12 of the settings; secrets are ``writeOnly``."""
        return msgspec.json.schema(self.schema, schema_hook=_described)

    def undescribed(self) -> list[str]:
        """The names of the settings whose description is not there in both languages."""
        fields = msgspec.structs.fields(self.schema)
        return [f.name for f in fields if not _is_in_both(_description(f.type))]

    def _scrubbed(self, text: str, values: Mapping[str, Any]) -> str:
        for name in self.secrets & values.keys():
            value = values[name]
            plain = value.reveal() if isinstance(value, Secret) else str(value)
            if len(plain) >= _LEAST_SCRUBBED:
                text = text.replace(plain, "***")
        return text


def _is_secret(kind: Any) -> bool:
    info = _bare(type_info(kind))
    options = info.types if isinstance(info, UnionType) else (info,)
    bare = [_bare(option) for option in options]
    return any(isinstance(option, CustomType) and option.cls is Secret for option in bare)


def _bare(info: Any) -> Any:
    """A type without what is said about it, its description for example."""
    while isinstance(info, Metadata):
        info = info.type
    return info


def _has_deep_secret(kind: Any) -> bool:
    return not _is_secret(kind) and any(
        isinstance(part, CustomType) and part.cls is Secret for part in parts_of(kind)
    )


def _is_odd(kind: Any) -> bool:
    custom = (part for part in parts_of(kind) if isinstance(part, CustomType))
    return any(part.cls is not Secret for part in custom)


def _decoded(kind: type, value: object) -> Any:
    if kind is not Secret:
        raise NotImplementedError(f"settings cannot hold {kind.__name__}")
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise TypeError("Expected a text")
    return Secret(value)


def _described(kind: type) -> dict[str, Any]:
    if kind is Secret:
        return {"type": "string", "writeOnly": True}
    raise NotImplementedError(f"settings cannot hold {kind.__name__}")


def undescribed_in(schema: Mapping[str, Any]) -> list[str]:
    """The names of the settings in a manifest's JSON Schema whose description is not there in both
    languages."""
    properties = schema.get("properties", {})
    return [
        name
        for name, told in properties.items()
        if not _is_in_both(str(told.get("description", "")) if isinstance(told, Mapping) else "")
    ]


def _is_in_both(text: str) -> bool:
    return bool(_CHINESE.search(text) and _ENGLISH.search(text))


def _description(kind: Any) -> str:
    metas = (each for each in getattr(kind, "__metadata__", ()) if isinstance(each, msgspec.Meta))
    parts = getattr(kind, "__args__", ())
    own = next((meta.description for meta in metas if meta.description), "")
    return own or next(filter(None, map(_description, parts)), "")
