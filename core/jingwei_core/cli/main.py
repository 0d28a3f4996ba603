"""``jingwei``: the groups of all rooms, and how their errors end a process."""

import importlib
import importlib.util
import logging
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import structlog
import typer
from typer.core import TyperGroup
from typer.main import get_command

from jingwei_core.cli.texts import tell_error
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError, Unavailable

GROUPS = (
    *("db", "tenant", "workflow", "plugin", "jobs", "audit"),
    *("access", "place", "demo", "evidence", "privacy", "rollup"),
)
ENTRY_POINT_GROUP = "jingwei.cli"
_COMPLETION = ("install_completion", "show_completion")

_HELP = """Jingwei 经纬: grid management for cities.

Settings are environment variables with the prefix JINGWEI_; without any, an embedded database in
the data folder is used. Start with: jingwei db migrate
"""


class LazyGroups(TyperGroup):
    """Imports a room when its group is called: ``jingwei db`` must work while another is broken."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The core's groups that are installed, then those of other packages."""
        core = [name for name in GROUPS if _module_of(name) is not None]
        return [*core, *sorted({point.name for point in _other_groups()} - set(core))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The group, imported now."""
        module = _module_of(cmd_name)
        if cmd_name in GROUPS and module is not None:
            return _loaded(cmd_name, lambda: importlib.import_module(module).app)
        for point in _other_groups():
            if point.name == cmd_name:
                return _loaded(cmd_name, point.load)
        return None

    def main(self, *args: object, **kwargs: object) -> object:
        """Run; a refusal ends with exit code 1, a code, a message and a next step."""
        try:
            return super().main(*args, **kwargs)  # type: ignore[arg-type]
        except JingweiError as error:
            tell_error(error, as_json="--json" in sys.argv)
            raise SystemExit(1) from error


def make_app() -> typer.Typer:
    """The command line with every group that is installed."""
    app = typer.Typer(
        name="jingwei",
        help=_HELP,
        cls=LazyGroups,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    return app


def main() -> None:
    """The entry point of the command ``jingwei``."""
    make_app()()


def _root() -> None:
    level = logging.getLevelNamesMapping()[Settings().log_level]
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        # Plain tracebacks: the default shows local variables, and one may hold a password.
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
    )


def _module_of(group: str) -> str | None:
    name = f"jingwei_core.cli.{group}"
    return name if importlib.util.find_spec(name) is not None else None


def _other_groups() -> list[EntryPoint]:
    found = entry_points(group=ENTRY_POINT_GROUP)
    return sorted(found, key=lambda point: point.name)


def _loaded(name: str, load: Callable[[], typer.Typer]) -> Any:
    """The group; one that cannot be imported stays visible and says why when it is called."""
    try:
        command = get_command(load())
    except ImportError as error:
        command = get_command(_broken(str(error)))
    command.name = name
    # Completion is installed for the whole command line: jingwei --install-completion.
    command.params = [p for p in command.params if p.name not in _COMPLETION]
    return command


def _broken(cause: str) -> typer.Typer:
    app = typer.Typer()

    @app.command(help=f"cannot be loaded: {cause}")
    def explain() -> None:
        raise Unavailable("COMMAND_GROUP_BROKEN", cause=cause)

    return app


if __name__ == "__main__":
    main()
