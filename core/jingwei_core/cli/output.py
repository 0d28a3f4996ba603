"""How commands speak: lines for people, JSON for scripts, and one way to run async work."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

from jingwei_core.settings import Settings

if TYPE_CHECKING:
    from jingwei_core.platform import Platform

R = TypeVar("R")
Json = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


def with_platform(work: Callable[["Platform"], Awaitable[R]]) -> R:
    """Open the platform that the settings name, do the work, close it."""

    from jingwei_core.platform import open_platform  # slow to import: --help does not need it

    async def run() -> R:
        async with open_platform(Settings()) as platform:
            return await work(platform)

    return asyncio.run(run())


def tenant_rows(slug: str, sql: str, *args: object) -> list[dict[str, Any]]:
    """The rows of a reading statement in a unit of work of that tenant."""

    async def read(platform: "Platform") -> list[dict[str, Any]]:
        state = await platform.state(slug)
        async with platform.database.unit(state.tenant.id) as unit:
            return [dict(row) for row in await unit.fetch(sql, *args)]

    return with_platform(read)


def say(as_json: bool, value: object, *lines: str) -> None:
    """Print ``value`` as JSON for a script, or ``lines`` for a person."""
    if as_json:
        typer.echo(json.dumps(value, ensure_ascii=False, default=str, indent=2))
        return
    for line in lines:
        typer.echo(line)


def say_rows(as_json: bool, rows: Sequence[Mapping[str, Any]], empty: str) -> None:
    """Print rows as JSON or as a table; ``empty`` says what to do when there are none."""
    if as_json or not rows:
        say(as_json, list(rows), empty)
        return
    table = Table(show_edge=False, pad_edge=False)
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)
