"""``jingwei demo`` (演示): two cities on this machine, and one event through its whole life."""

import asyncio
import os
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from jingwei_core.cli.output import Json, say
from jingwei_core.settings import Settings

app = typer.Typer(
    no_args_is_help=True, help="演示 · Demo: two cities on this machine, one event walked through."
)

PORT = 8000
URL = f"http://127.0.0.1:{PORT}"


@app.command()
def up(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port on the loopback address; 0: a free one.")
    ] = PORT,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Prepare the data and end.")] = False,
    tenants: Annotated[
        Path | None, typer.Option(help="Folder with the packages; default: the checkout's.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """启动演示 · Start database, two cities, job worker and API; Ctrl-C ends what was started.

    The demo events come in while the server answers already. A second start skips what is there.
    """
    # Slow to import: --help does not need it.
    from jingwei_api.demo.starting import Start

    start = Start(Settings(), tenants, as_json=as_json)
    if no_serve:
        _run(start.prepare())
    else:
        _run(start.serve(port))


@app.command()
def down(*, as_json: Json = False) -> None:
    """结束演示 · Stop the demo server and the embedded database, if they run; data stays."""
    from jingwei_api.demo import process_file
    from jingwei_core.database.urls import embedded_server, is_embedded

    settings = Settings()
    server = process_file.find(settings)
    ended = server is not None and process_file.end(server, within_s=40)
    database = is_embedded(settings) and embedded_server(settings).stop()
    done = {"server": ended, "database": database}
    lines = [f"stopped {name}" for name, stopped in done.items() if stopped]
    # The server stops the database that it started.
    say(as_json, done, *(lines or ["没有在运行。Nothing was running."]))
    if server is not None and not ended:
        raise typer.Exit(1)


@app.command()
def walk(
    url: Annotated[str, typer.Option(help="Where the API listens.")] = URL,
    tenant: Annotated[str, typer.Option(help="yichang or changzhi.")] = "yichang",
    accounts: Annotated[
        Path | None, typer.Option(help="File of the demo accounts; default: the data folder's.")
    ] = None,
    start: Annotated[
        bool, typer.Option("--start", help="Start a server for the walk if none answers.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show requests and responses.")
    ] = False,
    *,
    as_json: Json = False,
) -> None:
    """走完一件事 · Play one event through its life over HTTP, each step by its own account."""
    from jingwei_api.demo.telling import tell_exchange, tell_walk
    from jingwei_api.demo.walking import Wanted, walk_through

    wanted = Wanted(url.rstrip("/"), tenant, accounts, start_if_silent=start)
    done = walk_through(Settings(), wanted, tell_exchange if verbose else _tell_nothing)
    if as_json:
        say(True, asdict(done))
    else:
        tell_walk(done)


def _run(work: Any) -> None:
    factory = None
    if os.name == "posix":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work)


def _tell_nothing(what: str, sent: object, received: object) -> None:
    """Exchanges are not shown."""
