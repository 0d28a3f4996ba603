"""From the command line to a walk: a server to walk on, the accounts, and the way (走流程)."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import typer

from jingwei_api.demo.casting import read_parts
from jingwei_api.demo.frontend import Watch, answers, open_http
from jingwei_api.demo.process_file import find
from jingwei_api.demo.walk import Walk, Walker
from jingwei_core.demo.passwords import accounts_path
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

START_WITHIN_S = 180.0
STOP_WITHIN_S = 45.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Where to walk, in which tenant, as whom, and whether to start a server when none answers."""

    url: str
    tenant: str
    accounts: Path | None
    start_if_silent: bool = False


def walk_through(settings: Settings, wanted: Wanted, watch: Watch) -> Walk:
    """Walk one event through.

    Raises ``Unavailable`` (``DEMO_SERVER_SILENT``, ``DEMO_START_FAILED``) and what
    :class:`~jingwei_api.demo.walk.Walker` raises.
    """
    with _server(settings, wanted) as url, open_http(url) as http:
        parts = read_parts(wanted.accounts or accounts_path(settings), wanted.tenant)
        return Walker(http, wanted.tenant, parts, watch).run()


@contextmanager
def _server(settings: Settings, wanted: Wanted) -> Iterator[str]:
    """The address of a server that answers; one that is started here ends here."""
    if answers(wanted.url):
        yield wanted.url
        return
    if not wanted.start_if_silent:
        raise Unavailable("DEMO_SERVER_SILENT", url=wanted.url)
    running = find(settings)
    if running is not None and answers(running.url):
        typer.echo(f"演示服务在 the demo server is at {running.url}", err=True)
        yield running.url
        return
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    log = settings.data_dir / "demo-server.log"
    typer.echo(f"启动演示服务 starting a server at {wanted.url} (log: {log})", err=True)
    port = str(urlsplit(wanted.url).port or 80)
    command = [sys.executable, "-m", "jingwei_core.cli.main", "demo", "up", "--port", port]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)  # noqa: S603
    try:
        _await_ready(process, wanted.url, log)
        yield wanted.url
    finally:
        process.terminate()
        try:
            process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()


def _await_ready(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + START_WITHIN_S
    while not answers(url):
        if process.poll() is not None or time.monotonic() > until:
            raise Unavailable("DEMO_START_FAILED", file=str(log))
        time.sleep(0.1)
