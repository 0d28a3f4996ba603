"""Which packages bring tables: the platform itself, the core, and each installed plugin."""

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.plugins.discovery import discover
from jingwei_core.tables import core_records, core_tables
from jingwei_sdk.plugin import Plugin

if TYPE_CHECKING:
    from piccolo.conf.apps import AppConfig

UNMANAGED = "unmanaged"
"""Tag of a table class whose table plain SQL makes, such as a partitioned one."""

_HERE = Path(__file__).parent
_log = structlog.get_logger(__name__)


def platform_app() -> MigrationApp:
    """The list of tenants and plugin states, before everything else."""
    return MigrationApp("platform", _HERE / "platform_migrations")


def core_app() -> MigrationApp:
    """The core's own tables."""
    folder, requires = _HERE.parent / "migrations", ("platform", "jobs")
    return MigrationApp("core", folder, tuple(core_tables()), requires, tuple(core_records()))


def jobs_app() -> MigrationApp:
    """The queue of background jobs, which all tenants share."""
    return MigrationApp("jobs", _HERE.parent / "jobs" / "sql", (), ("platform",))


def plugin_app(plugin: Plugin) -> MigrationApp:
    """A plugin's tables, with its migrations in the folder ``migrations`` of its package."""
    origin = import_module(plugin.package).__file__
    assert origin is not None
    requires = ("core", *(_app_name(required) for required in plugin.requires))
    folder = Path(origin).parent / "migrations"
    name, tables = _app_name(plugin.id), tuple(plugin.tables)
    return MigrationApp(name, folder, tables, requires, tuple(plugin.records), plugin.id)


def installed_plugins() -> list[Plugin]:
    """The plugins of all installed packages; one that cannot be used is logged and left out."""
    plugins = []
    for found in discover():
        if found.plugin is None:
            _log.error("plugin_off", plugin=found.id, state=found.state, reason=found.reason)
        else:
            plugins.append(found.plugin)
    return plugins


def installed_apps(plugins: Iterable[Plugin] | None = None) -> list[MigrationApp]:
    """The apps of this installation; ``plugins`` replaces the discovery by entry point."""
    chosen = installed_plugins() if plugins is None else list(plugins)
    return [platform_app(), jobs_app(), core_app(), *(plugin_app(plugin) for plugin in chosen)]


def piccolo_config(app: MigrationApp) -> "AppConfig":
    """The app as Piccolo's commands know it."""
    from piccolo.conf.apps import AppConfig

    return AppConfig(
        app_name=app.name,
        migrations_folder_path=app.folder,
        table_classes=[table for table in app.tables if UNMANAGED not in table._meta.tags],
    )


def _app_name(plugin_id: str) -> str:
    return plugin_id.replace("-", "_")
