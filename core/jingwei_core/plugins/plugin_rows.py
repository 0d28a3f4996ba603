"""Rows of the plugin tables (插件状态): what a tenant has on, in which version, how it is set."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jingwei_core.database.unit import Unit
from jingwei_core.plugins.tenant_settings import StoredSettings

_ROWS = """
SELECT plugin_id, enabled, version, data_version, settings, settings_version, sealed
FROM platform.plugin_state WHERE tenant_id = $1 ORDER BY plugin_id
"""
_UPSERT = """
INSERT INTO platform.plugin_state
    (tenant_id, plugin_id, enabled, version, data_version, settings, settings_version, sealed)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (tenant_id, plugin_id) DO UPDATE
SET enabled = excluded.enabled, version = excluded.version, data_version = excluded.data_version,
    settings = excluded.settings, settings_version = excluded.settings_version,
    sealed = excluded.sealed, changed_at = now()
"""


@dataclass(frozen=True, slots=True)
class PluginRow:
    """A plugin of a tenant: ``version`` is that of the code that last switched it,
    ``data_version`` the one that its rows were last brought to."""

    plugin: str
    enabled: bool = False
    version: str | None = None
    data_version: str | None = None
    settings: StoredSettings = field(default_factory=StoredSettings)

    def told(self) -> dict[str, Any]:
        """What the audit log says of it; of secrets only which are set."""
        return {
            "plugin": self.plugin,
            "enabled": self.enabled,
            "version": self.version,
            "data_version": self.data_version,
            **self.settings.told(),
        }


async def plugin_rows(unit: Unit, tenant_id: uuid.UUID) -> dict[str, PluginRow]:
    """The tenant's plugins by id, locked until the transaction ends.

    Whoever removes a plugin waits for that, and is waited for: what is looked at next, such as the
    plugin's tables, cannot go away before the row is stored.
    """
    await unit.execute("LOCK TABLE platform.plugin_state IN ROW EXCLUSIVE MODE")
    rows = await unit.fetch(f"{_ROWS} FOR UPDATE", tenant_id)
    return {row["plugin_id"]: _row(row) for row in rows}


async def plugin_rows_unlocked(unit: Unit, tenant_id: uuid.UUID) -> dict[str, PluginRow]:
    """The tenant's plugins by id, for who only tells of them."""
    return {row["plugin_id"]: _row(row) for row in await unit.fetch(_ROWS, tenant_id)}


async def store_row(unit: Unit, tenant_id: uuid.UUID, row: PluginRow) -> None:
    """Store a plugin of a tenant; processes are told when the transaction commits."""
    about = (row.plugin, row.enabled, row.version, row.data_version)
    await unit.execute(_UPSERT, tenant_id, *about, *row.settings.columns())


def stored_settings(row: Mapping[str, Any]) -> StoredSettings:
    """The settings in a row with the columns ``settings``, ``settings_version`` and ``sealed``,
    JSON as text or already read."""
    return StoredSettings(_json(row["settings"]), row["settings_version"], _json(row["sealed"]))


def _row(row: Mapping[str, Any]) -> PluginRow:
    versions = row["version"], row["data_version"]
    return PluginRow(row["plugin_id"], row["enabled"], *versions, stored_settings(row))


def _json(value: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(value) if isinstance(value, str) else value
    return found
