"""The snapshot of a tenant's plugins (插件快照): one numbered object for everything that asks.

Hooks, jobs, GraphQL and commands of a request all read the same snapshot, so they cannot disagree.
The number grows by one with each switch; a process that missed a notification sees it in the
number.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any

import msgspec

from jingwei_core.plugins.host import PluginHost
from jingwei_core.plugins.off import Off
from jingwei_core.plugins.plugin_rows import stored_settings
from jingwei_core.plugins.sealing import TenantVault, Vault
from jingwei_core.plugins.standing import standing
from jingwei_core.plugins.tenant_settings import TenantSettings
from jingwei_sdk.settings import Secret

Rows = Mapping[str, Mapping[str, Any]]

PLUGINS_JSON = """
'number', (SELECT e.epoch FROM platform.plugin_epoch e WHERE e.tenant_id = t.id),
'plugins', (
    SELECT jsonb_object_agg(p.plugin_id, jsonb_build_object(
               'version', p.version, 'data_version', coalesce(p.data_version, p.version),
               'settings', p.settings,
               'settings_version', p.settings_version, 'sealed', p.sealed))
      FROM platform.plugin_state p WHERE p.tenant_id = t.id AND p.enabled),
'deployment', (
    SELECT jsonb_object_agg(d.plugin_id, jsonb_build_object(
               'version', d.version, 'data_version', coalesce(r.data_version, r.version, d.version),
               'settings', d.settings, 'settings_version', d.settings_version, 'sealed', d.sealed))
      FROM platform.plugin_deployment d
      LEFT JOIN platform.plugin_state r ON r.tenant_id = t.id AND r.plugin_id = d.plugin_id
     WHERE d.enabled),
'breakers', (
    SELECT jsonb_agg(jsonb_build_array(o.plugin_id, o.hook))
      FROM platform.plugin_outcome o WHERE o.tenant_id = t.id AND o.opened_until > now())
"""
"""Keys and values of ``json_build_object`` for the tenant ``t``; :class:`Snapshots` reads them.
Rows of a tenant that was never upgraded are those of the version that was switched on."""

ENABLED = """
SELECT p.plugin_id FROM platform.plugin_state p WHERE p.tenant_id = t.id AND p.enabled
UNION SELECT d.plugin_id FROM platform.plugin_deployment d WHERE d.enabled
"""
"""The plugins that are on for the tenant ``t``, by itself or for everybody."""

_NO_SETTINGS = TenantSettings((), {}, lambda plugin, name, text: Secret(""))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The plugins of a tenant at one moment.

    ``enabled`` are those that may be served here; ``versions`` says in which version each was
    switched on; ``held_back`` says why some that the tenant has on are not for this process;
    ``open_breakers`` are pairs of plugin and point.
    """

    number: int = 0
    enabled: frozenset[str] = frozenset()
    versions: Mapping[str, str] = field(default_factory=dict)
    typed: TenantSettings = _NO_SETTINGS
    open_breakers: frozenset[tuple[str, str]] = frozenset()
    held_back: Mapping[str, Off] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """The settings by plugin id, without secrets, completed by defaults."""
        return self.typed.shown


class Snapshots:
    """Makes snapshots for one process; rows that say the same as last time are not read again."""

    def __init__(self, host: Callable[[], PluginHost], vault: Vault) -> None:
        self._host = host
        self._vault = vault
        self._last: dict[uuid.UUID, tuple[object, Snapshot]] = {}

    def read(self, tenant_id: uuid.UUID, row: Mapping[str, Any]) -> Snapshot:
        """The snapshot that a row with :data:`PLUGINS_JSON` says.

        A tenant's own settings count before those of the deployment. A plugin whose rows or
        settings are not of the version that this process runs is held back.
        """
        host, own, everywhere = self._host(), row["plugins"] or {}, row["deployment"] or {}
        # Only what the rows amount to is kept: of hundreds of tenants they are megabytes.
        told = (host, sha256(msgspec.json.encode((own, everywhere))).digest())
        known = self._last.get(tenant_id)
        if known is None or known[0] != told:
            made = self._made(tenant_id, host, own, everywhere)
            known = self._last[tenant_id] = (told, made)
        breakers = frozenset((plugin, point) for plugin, point in row["breakers"] or ())
        return replace(known[1], number=row["number"] or 0, open_breakers=breakers)

    def _made(
        self, tenant_id: uuid.UUID, host: PluginHost, own: Rows, everywhere: Rows
    ) -> Snapshot:
        found = {**everywhere, **own}
        stored = {plugin: stored_settings(each) for plugin, each in found.items()}
        vaults = {True: TenantVault(self._vault, tenant_id), False: TenantVault(self._vault, None)}
        installed = [one for one in host.installed() if one.id in found]
        typed = TenantSettings(
            installed,
            stored,
            lambda plugin, name, text: vaults[plugin in own].open(plugin, name, text),
        )
        held = {plugin: Off(plugin, "outdated", reason) for plugin, reason in typed.misfits.items()}
        for one in installed:
            off = standing(one, found[one.id]["data_version"])
            if off is not None:
                held[one.id] = off
        return Snapshot(
            enabled=frozenset(found.keys() - held.keys()),
            versions={plugin: each["version"] for plugin, each in found.items() if each["version"]},
            typed=typed,
            held_back=held,
        )
