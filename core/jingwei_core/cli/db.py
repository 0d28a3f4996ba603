"""``jingwei db``: the database from the first start to the check before a release."""

import asyncio
import json
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer

from jingwei_core.database.drift import problems
from jingwei_core.database.errors import MigrationRefused
from jingwei_core.database.migrate import migrate, migration_faults, migration_status
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.migration_files import MigrationApp
from jingwei_core.database.migration_new import new_migration
from jingwei_core.database.migration_plan import MigrationFault
from jingwei_core.database.urls import app_url, embedded_server, is_embedded, owner_url
from jingwei_core.settings import Settings

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

app = typer.Typer(
    help="Database 数据库: start, migrate, check.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("migrate")
def migrate_command(as_json: AsJson = False) -> None:
    """Bring the database up to date, all packages in one transaction; safe to run twice at once.

    Starts the embedded server if no JINGWEI_DATABASE_URL is set. On a failure nothing is changed; a
    plugin that fails is left as it was, told and ends with exit code 1: everything else is applied.
    """
    report = asyncio.run(migrate(Settings(), installed_apps()))
    say(
        as_json,
        {
            "applied": report.applied,
            "roles_made": report.roles,
            "secured": len(report.secured),
            "faults": [_fault(fault) for fault in report.faults],
        },
        *(f"made role {role}" for role in report.roles),
        *(f"applied {name}" for name in report.applied),
        f"{len(report.applied)} migrations applied, {len(report.secured)} rules put in place",
        *_fault_lines(report.faults),
        "next: jingwei db check" if report.applied else "the database was up to date",
    )
    if report.faults:
        raise typer.Exit(1)


@app.command("status")
def status_command(as_json: AsJson = False) -> None:
    """List every migration of the installed packages and when it ran."""
    apps = installed_apps()
    statuses = asyncio.run(migration_status(Settings(), apps))
    faults = asyncio.run(migration_faults(Settings(), apps))
    waiting = sum(1 for status in statuses if status.applied_at is None)
    say(
        as_json,
        {
            "migrations": [
                {"app": s.app, "id": s.id, "applied_at": s.applied_at} for s in statuses
            ],
            "waiting": waiting,
            "faults": [_fault(fault) for fault in faults],
        },
        *(f"{s.applied_at or 'waiting':<32}  {s.id}" for s in statuses),
        *_fault_lines(faults),
        f"{waiting} waiting; next: jingwei db migrate" if waiting else "up to date",
    )


@app.command("check")
def check_command(as_json: AsJson = False) -> None:
    """Compare table classes, migrations and database, and prove the rules of tenancy.

    Exit code 1 with a list of what differs.
    """
    found = asyncio.run(problems(Settings(), installed_apps()))
    say(
        as_json,
        {"ok": not found, "problems": found},
        *found,
        f"{len(found)} problems" if found else "declarations, migrations and database agree",
    )
    if found:
        raise typer.Exit(1)


@app.command("url")
def url_command(
    role: Annotated[str, typer.Option(help="app, or owner (may create roles)")] = "app",
    as_json: AsJson = False,
) -> None:
    """Print the connection URL, with its password: for psql, or for JINGWEI_APP_DATABASE_URL."""
    if role not in ("app", "owner"):
        raise typer.BadParameter("app or owner", param_hint="--role")
    settings = Settings()
    url = owner_url(settings) if role == "owner" else app_url(settings)
    say(as_json, {"url": url, "role": role, "embedded": is_embedded(settings)}, url)


@app.command("new")
def new_command(
    package: Annotated[str, typer.Argument(help="core, or the plugin's id")],
    auto: Annotated[bool, typer.Option(help="Write what the table classes changed.")] = False,
    topic: Annotated[str, typer.Option(help="A few words for the file's name.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write a migration file into the package's folder; needs no database."""
    target = _app_named(package)
    name = "_".join("".join(c if c.isalnum() else " " for c in topic.lower()).split())
    path = asyncio.run(new_migration(target, auto=auto, topic=name))
    if path is None:
        say(as_json, {"file": None}, "the table classes say nothing new; no file written")
        return
    say(as_json, {"file": str(path)}, f"wrote {path}", "next: read it, then jingwei db migrate")


@app.command("start")
def start_command(as_json: AsJson = False) -> None:
    """Start the embedded server, or find it running; it stays when this command ends."""
    settings = Settings()
    if not is_embedded(settings):
        say(as_json, {"embedded": False}, "JINGWEI_DATABASE_URL is set: nothing to start")
        return
    address = embedded_server(settings).start()
    say(
        as_json,
        {"embedded": True, "sockets": str(address.sockets), "folder": str(settings.data_dir)},
        f"running in {settings.data_dir}, socket in {address.sockets}",
        "next: jingwei db migrate",
    )


@app.command("stop")
def stop_command(as_json: AsJson = False) -> None:
    """Stop the embedded server; open sessions are ended."""
    settings = Settings()
    stopped = is_embedded(settings) and embedded_server(settings).stop()
    say(as_json, {"stopped": stopped}, "stopped" if stopped else "no embedded server was running")


def say(as_json: bool, document: Mapping[str, Any], *lines: str) -> None:
    """Print the document as JSON for scripts, or else the lines."""
    if as_json:
        typer.echo(json.dumps(document, ensure_ascii=False, indent=2, default=str))
        return
    for line in lines:
        typer.echo(line)


def _fault(fault: MigrationFault) -> dict[str, str]:
    return {"plugin": fault.plugin, "reason": fault.reason}


def _fault_lines(faults: Iterable[MigrationFault]) -> list[str]:
    return [f"plugin left as it was: {fault.plugin}: {fault.reason}" for fault in faults]


def _app_named(package: str) -> MigrationApp:
    wanted = package.replace("-", "_")
    apps = {found.name: found for found in installed_apps()}
    if wanted not in apps:
        raise MigrationRefused("APP_UNKNOWN", app=package, installed=", ".join(sorted(apps)))
    return apps[wanted]
