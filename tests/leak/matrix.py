"""Reading the matrix: its rows are data, so that a new attacker is three lines of TOML."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA = tomllib.loads((Path(__file__).parent / "matrix.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Attacker:
    """A signed-in account, as ``tenant.login``."""

    tenant: str
    login: str
    why: str

    @property
    def name(self) -> str:
        """How tests are called after it."""
        return f"{self.tenant}.{self.login}"

    def may_see(self, tenant: str, zone: str) -> bool:
        """Whether rows of a zone are in its sight."""
        return tenant == self.tenant and self.login in ZONES[zone]


@dataclass(frozen=True, slots=True)
class Refused:
    """A caller whom the door turns away, and the code it hears."""

    caller: str
    code: str


@dataclass(frozen=True, slots=True)
class PluginSql:
    """A text that binds the tenant ``$1``, and what it hides behind."""

    sql: str
    why: str


ZONES: Mapping[str, list[str]] = _DATA["zones"]
ATTACKERS = tuple(
    Attacker(tenant, login, row["why"])
    for row in _DATA["row"]
    for tenant, login in [row["attacker"].split(".")]
)
REFUSED = tuple(Refused(row["caller"], row["code"]) for row in _DATA["refused"])
PLUGIN_SQL = tuple(PluginSql(**row) for row in _DATA["plugin_sql"])
RECIPES: Mapping[str, Mapping[str, Any]] = _DATA["mutations"]
