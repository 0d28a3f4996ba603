"""New migrations (新迁移), and what the table classes say that no migration makes."""

import io
from collections.abc import Iterable
from contextlib import redirect_stdout
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

import black
from piccolo.apps.migrations.auto import AlterStatements
from piccolo.apps.migrations.commands.new import AutoMigrationManager, render_template

from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migration_apps import piccolo_config
from jingwei_core.database.migration_files import MigrationApp, files_of, piccolo_modules
from jingwei_core.database.piccolo_engine import install_engine

_LINE_LENGTH = 100


class _Differ(AutoMigrationManager):
    """Piccolo's comparison, with our way of loading files."""

    def __init__(self, app: MigrationApp, answer: str | None) -> None:
        super().__init__(auto_input=answer)
        self._app = app

    def get_migration_modules(self, folder_path: str) -> dict[str, Any]:
        """The app's Python migrations by their ID."""
        return dict(piccolo_modules(files_of(self._app)))


async def new_migration(app: MigrationApp, *, auto: bool, topic: str) -> Path | None:
    """Write a migration file for ``app``; with ``auto``, from the difference to its tables.

    Needs no database. Returns the file, or ``None`` if ``auto`` found no difference.
    """
    differences = await _differences(app, answer=None) if auto else []
    if auto and not any(d.statements for d in differences):
        return None
    now = datetime.now(UTC)
    stamp = now.strftime("%Y_%m_%dt%H_%M_%S_%f")
    ending = f"_{topic}" if topic else ""
    path = app.folder / f"{app.name}_{stamp}{ending}.py"
    render: Any = render_template  # without annotations in Piccolo
    text = render(
        migration_id=now.strftime("%Y-%m-%dT%H:%M:%S:%f"),
        auto=auto,
        app_name=app.name,
        description=topic.replace("_", " "),
        alter_statements=list(chain(*(d.statements for d in differences))),
        extra_imports=sorted(set(chain(*(d.extra_imports for d in differences))), key=repr),
        extra_definitions=sorted(set(chain(*(d.extra_definitions for d in differences)))),
    )
    app.folder.mkdir(parents=True, exist_ok=True)
    path.write_text(
        black.format_str(text, mode=black.FileMode(line_length=_LINE_LENGTH)), encoding="utf-8"
    )
    try:
        files_of(app)
    except MigrationRefused:
        path.unlink()
        raise
    return path


async def undeclared_changes(apps: Iterable[MigrationApp]) -> list[str]:
    """What the table classes have that no migration makes, one line for each; empty is right."""
    return [
        f"{app.name}: {' '.join(statement.split())}"
        for app in apps
        for difference in await _differences(app, answer="n")
        for statement in difference.statements
    ]


async def _differences(app: MigrationApp, *, answer: str | None) -> list[AlterStatements]:
    install_engine()
    if answer is None:
        return await _Differ(app, answer).get_alter_statements(piccolo_config(app))
    with redirect_stdout(io.StringIO()):
        return await _Differ(app, answer).get_alter_statements(piccolo_config(app))
