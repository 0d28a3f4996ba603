"""What a run of migrations is made of (迁移计划), and which plugins are left out of it and why.

The platform and the core must be whole, or nothing runs. A plugin that is not (a file renamed or
changed, a requirement that is not installed, a circle) is left out with its reason, and so is every
plugin that requires it: everybody else's migrations run.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migration_files import (
    MigrationApp,
    MigrationFile,
    check_name,
    circle_among,
    files_of,
    ordered,
)
from jingwei_sdk.errors import JingweiError

Applied = Mapping[tuple[str, str], Any]
"""What has run, by app and migration."""


@dataclass(frozen=True, slots=True)
class MigrationFault:
    """Why a plugin's migrations are left out: ``app`` is its schema."""

    plugin: str
    app: str
    error: JingweiError

    @property
    def reason(self) -> str:
        """The code and its parameters, in one line."""
        return str(self.error)


@dataclass(frozen=True, slots=True)
class PlannedApp:
    """One package's turn, with all its migrations in order."""

    app: MigrationApp
    files: tuple[MigrationFile, ...]

    def pending(self, applied: Applied) -> list[MigrationFile]:
        """The migrations still to run.

        Raises ``MigrationRefused``: ``MIGRATION_MISSING`` when one ran that the package does not
        have, ``MIGRATION_CHANGED`` when one was changed after it ran.
        """
        known = {file.id: file for file in self.files}
        for (app, name), row in applied.items():
            if app != self.app.name:
                continue
            if name not in known:
                raise MigrationRefused("MIGRATION_MISSING", app=app, migration=name)
            if known[name].checksum != row["checksum"]:
                raise MigrationRefused("MIGRATION_CHANGED", app=app, file=known[name].path.name)
        return [file for file in self.files if (self.app.name, file.id) not in applied]


@dataclass(frozen=True, slots=True)
class Plan:
    """The packages in the one order of all processes, and the plugins that are left out."""

    apps: tuple[PlannedApp, ...]
    faults: tuple[MigrationFault, ...] = ()

    def without(self, fault: MigrationFault) -> "Plan":
        """The rest, when this plugin is left out as well, and with it those that require it."""
        faults = {known.app: known for known in (*self.faults, fault)}
        kept = {each.app.name: each for each in self.apps if each.app.name != fault.app}
        _leave_dependants(kept, {name: each.app for name, each in kept.items()}, faults)
        return Plan(tuple(kept.values()), tuple(faults.values()))


def planned(apps: Iterable[MigrationApp]) -> Plan:
    """The plan for these packages.

    Raises ``MigrationRefused`` with what :func:`ordered` and :func:`files_of` raise for the
    packages that are no plugins.
    """
    apps = list(apps)
    own = ordered(app for app in apps if not app.plugin)
    faults: dict[str, MigrationFault] = {}
    known: dict[str, PlannedApp] = {app.name: PlannedApp(app, tuple(files_of(app))) for app in own}
    plugins = _readable([app for app in apps if app.plugin], set(known), faults)
    known |= plugins
    by_name = {name: each.app for name, each in known.items()}
    while True:
        _leave_dependants(known, by_name, faults)
        circle = circle_among(by_name.values())
        if not circle:
            break
        error = MigrationRefused("APP_CYCLE", apps=" → ".join(circle))
        for name in {*circle} & by_name.keys():
            _leave(by_name[name], error, faults)
            del known[name], by_name[name]
    order = ordered(by_name.values())
    return Plan(tuple(known[app.name] for app in order), tuple(faults.values()))


def _readable(
    plugins: list[MigrationApp], taken: Collection[str], faults: dict[str, MigrationFault]
) -> dict[str, PlannedApp]:
    counts = Counter(app.name for app in plugins)
    found = {}
    for app in sorted(plugins, key=lambda app: app.name):
        try:
            check_name(app)
            if counts[app.name] > 1 or app.name in taken:
                raise MigrationRefused("APP_DUPLICATE", app=app.name)
            found[app.name] = PlannedApp(app, tuple(files_of(app)))
        except MigrationRefused as error:
            _leave(app, error, faults)
    return found


def _leave_dependants(
    known: dict[str, PlannedApp],
    by_name: dict[str, MigrationApp],
    faults: dict[str, MigrationFault],
) -> None:
    """Leave out, one after the other, every plugin that requires one which is not there."""
    left = True
    while left:
        left = False
        for app in [app for app in by_name.values() if app.plugin]:
            missing = next((each for each in app.requires if each not in by_name), None)
            if missing is None:
                continue
            code = "APP_REQUIREMENT_OFF" if missing in faults else "APP_REQUIREMENT_MISSING"
            _leave(app, MigrationRefused(code, app=app.name, required=missing), faults)
            del known[app.name], by_name[app.name]
            left = True


def _leave(app: MigrationApp, error: JingweiError, faults: dict[str, MigrationFault]) -> None:
    faults[app.name] = MigrationFault(app.plugin, app.name, error)
