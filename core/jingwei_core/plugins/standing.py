"""Whether this process may serve a plugin to one tenant (版本是否相符).

While a deployment is brought to new code, processes of two versions serve one tenant. Its row says
which version its data was brought to: code that is older, or that is newer and has data migrations
still to run, leaves the plugin off for that tenant and writes nothing.
"""

from packaging.version import Version

from jingwei_core.database.migration_faults import kept_faults
from jingwei_core.database.unit import Unit
from jingwei_core.plugins.discovery import Installed
from jingwei_core.plugins.off import Off
from jingwei_sdk.errors import Conflict
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.upgrades import DataMigration


def pending_upgrades(found: Installed, data_version: str | None) -> tuple[DataMigration, ...]:
    """The data migrations that bring rows of ``data_version`` to the installed version, in order.

    Rows of a plugin that was never upgraded (``None``) are those of the first version.
    """
    if found.plugin is None or found.manifest is None:
        return ()
    reached = Version(data_version) if data_version else None
    last = Version(found.manifest.version)
    waiting = [
        step
        for step in found.plugin.upgrades
        if Version(step.to_version) <= last
        and (reached is None or Version(step.to_version) > reached)
    ]
    return tuple(sorted(waiting, key=lambda step: Version(step.to_version)))


def standing(found: Installed, data_version: str | None) -> Off | None:
    """Why this process leaves the plugin off for a tenant whose rows have that version."""
    if found.manifest is None or data_version is None:
        return None
    if Version(found.manifest.version) < Version(data_version):
        reason = f"the tenant's data is of version {data_version}, this is {found.manifest.version}"
        return Off(found.id, "outdated", reason)
    waiting = pending_upgrades(found, data_version)
    if waiting:
        reason = f"its data has to be upgraded from {data_version} to {found.manifest.version}"
        return Off(found.id, "not_migrated", reason)
    return None


async def require_tables(unit: Unit, plugin: Plugin) -> None:
    """Raise ``Conflict`` unless the plugin's tables are there: ``PLUGIN_MIGRATION_FAILED``,
    ``PLUGIN_NOT_MIGRATED``."""
    fault = (await kept_faults(unit)).get(plugin.id)
    if fault is not None:
        raise Conflict("PLUGIN_MIGRATION_FAILED", plugin=plugin.id, reason=fault)
    for table in plugin.tables:
        name = f'"{table._meta.schema}"."{table._meta.tablename}"'
        if await unit.fetchval("SELECT to_regclass($1) IS NULL", name):
            raise Conflict("PLUGIN_NOT_MIGRATED", plugin=plugin.id, table=name)
