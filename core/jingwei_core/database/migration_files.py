"""Migrations as files of independent packages: found, checked, and loaded without collision.

Piccolo imports migration files by their bare name, so of two plugins with ``0001_initial.py`` one
would run twice. Here a file's name starts with its app's, and each is loaded under a module name of
its own. Plain SQL (``3_grants.sql``, in the order of the numbers) is for what Piccolo cannot say;
``{app}`` stands for the application's role there.
"""

import hashlib
import importlib.util
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType

from piccolo.table import Table

from jingwei_core.database.errors import MigrationRefused
from jingwei_sdk.records import Record

APP_NAME = re.compile(r"^[a-z][a-z0-9_]*$")
_STAMP = r"\d{4}_\d{2}_\d{2}t\d{2}_\d{2}_\d{2}(_\d+)?"
_NUMBERED = re.compile(r"^\d+_[a-z0-9_]+\.sql$")


@dataclass(frozen=True, slots=True)
class MigrationApp:
    """A package's tables, its migrations, and the records whose counts are kept: ``name`` is also
    the schema of its tables. ``plugin`` is the id of the plugin that it is, empty for what the
    platform cannot do without."""

    name: str
    folder: Path
    tables: tuple[type[Table], ...] = field(default=())
    requires: tuple[str, ...] = ()
    records: tuple[Record, ...] = ()
    plugin: str = ""


@dataclass(frozen=True, slots=True)
class MigrationFile:
    """One migration; ``id`` is the file's name without its ending, unique across all packages."""

    app: str
    id: str
    path: Path
    checksum: str

    def load(self) -> ModuleType:
        """The Python module, under a name no other migration has.

        Raises ``MigrationRefused`` (``MIGRATION_FAILED``) if it cannot be imported.
        """
        name = f"jingwei_migration_{self.checksum[:12]}_{self.id}"
        if name in sys.modules:
            return sys.modules[name]
        spec = importlib.util.spec_from_file_location(name, self.path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            del sys.modules[name]
            raise MigrationRefused(
                "MIGRATION_FAILED", app=self.app, file=self.path.name, cause=repr(error)
            ) from error
        return module


def ordered(apps: Iterable[MigrationApp]) -> list[MigrationApp]:
    """The apps in the one order of all processes: what is required first, then by name.

    Raises ``MigrationRefused``: ``APP_NAME_INVALID``, ``APP_DUPLICATE``, ``APP_CYCLE``,
    ``APP_REQUIREMENT_MISSING``.
    """
    by_name: dict[str, MigrationApp] = {}
    for app in apps:
        check_name(app)
        if app.name in by_name:
            raise MigrationRefused("APP_DUPLICATE", app=app.name)
        by_name[app.name] = app
    for app in by_name.values():
        for required in app.requires:
            if required not in by_name:
                raise MigrationRefused("APP_REQUIREMENT_MISSING", app=app.name, required=required)
    circle = circle_among(by_name.values())
    if circle:
        raise MigrationRefused("APP_CYCLE", apps=" → ".join(circle))
    sorter = TopologicalSorter({app.name: app.requires for app in by_name.values()})
    sorter.prepare()
    order: list[MigrationApp] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += [by_name[name] for name in ready]
        sorter.done(*ready)
    return order


def check_name(app: MigrationApp) -> None:
    """Raise ``MigrationRefused`` (``APP_NAME_INVALID``) for a name that cannot be a schema's."""
    if not APP_NAME.match(app.name):
        raise MigrationRefused("APP_NAME_INVALID", app=app.name)


def circle_among(apps: Iterable[MigrationApp]) -> list[str]:
    """Names of apps that require one another in a circle, the first one twice; empty for none."""
    try:
        TopologicalSorter({app.name: app.requires for app in apps}).prepare()
    except CycleError as error:
        found: list[str] = error.args[1]
        return found
    return []


def files_of(app: MigrationApp) -> list[MigrationFile]:
    """The app's migrations in order.

    Raises ``MigrationRefused``: ``MIGRATION_NAME`` (not ``<app>_<time>…``), ``MIGRATION_DUPLICATE``
    (two files of one name, or two Piccolo migrations of one ID).
    """
    pattern = re.compile(rf"^{re.escape(app.name)}_{_STAMP}(_[a-z0-9_]+)?\.(py|sql)$")
    found: dict[str, MigrationFile] = {}
    paths = sorted(app.folder.iterdir(), key=_natural) if app.folder.is_dir() else []
    for path in paths:
        if path.suffix not in (".py", ".sql") or path.name == "__init__.py":
            continue
        numbered = _NUMBERED.match(path.name) is not None
        if not (numbered or pattern.match(path.name)):
            raise MigrationRefused("MIGRATION_NAME", app=app.name, file=path.name)
        identifier = f"{app.name}_{path.stem}" if numbered else path.stem
        if identifier in found:
            raise MigrationRefused("MIGRATION_DUPLICATE", app=app.name, file=path.name)
        found[identifier] = MigrationFile(app.name, identifier, path, _checksum(path))
    files = list(found.values())
    _check_piccolo_ids(files)
    return files


def piccolo_modules(files: Iterable[MigrationFile]) -> dict[str, ModuleType]:
    """The Python migrations among ``files`` by the ID that Piccolo knows them by."""
    modules = {}
    for file in files:
        if file.path.suffix == ".py":
            module = file.load()
            modules[str(getattr(module, "ID", file.id))] = module
    return modules


def _check_piccolo_ids(files: list[MigrationFile]) -> None:
    python = [file for file in files if file.path.suffix == ".py"]
    seen: dict[str, MigrationFile] = {}
    for file in python:
        identifier = str(getattr(file.load(), "ID", file.id))
        if identifier in seen:
            raise MigrationRefused("MIGRATION_DUPLICATE", app=file.app, file=file.path.name)
        seen[identifier] = file


def _natural(path: Path) -> tuple[int, str]:
    number = re.match(r"\d+(?=_)", path.name)
    return (int(number.group()) if number else -1, path.name)


def _checksum(path: Path) -> str:
    # A checkout on another system may change line ends; that is no change of the migration.
    return hashlib.sha256(path.read_bytes().replace(b"\r\n", b"\n")).hexdigest()
