"""Settings of a plugin (插件设置): a typed struct, secrets sealed, versions migrated.

::

    class LampSettings(msgspec.Struct, frozen=True, kw_only=True):
        days_to_repair: Annotated[int, msgspec.Meta(ge=1, le=90, description="…")] = 7
        gateway_key: Secret | None = None

    Plugin(settings=SettingsOf(LampSettings, version=2, migrations={1: from_one}), …)

Code of the plugin reads them as ``ctx.settings_of(LampSettings)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from jingwei_sdk.errors import Refused

Migration = Callable[[dict[str, Any]], dict[str, Any]]


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


@dataclass(frozen=True, slots=True)
class SettingsOf:
    """The declaration of a plugin's settings.

    ``schema`` is a frozen struct in which every field has a default, so that a tenant may start
    without setting anything. ``migrations`` bring settings stored by version *n* to *n + 1*.
    Raises ``Refused`` (``SETTINGS_DECLARATION``) when a field lacks a default or a step is missing.
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
