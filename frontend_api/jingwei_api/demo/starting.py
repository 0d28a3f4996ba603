"""Starting the demo (启动演示): what is told on the way, and what to do next."""

import time
from dataclasses import asdict
from pathlib import Path

import typer

from jingwei_api.demo import process_file
from jingwei_api.demo.serving import DemoServer, listening_socket, url_of
from jingwei_core.cli.output import say
from jingwei_core.demo.passwords import accounts_path
from jingwei_core.demo.preparing import Phase, Phases, find_packages, finish, prepared
from jingwei_core.demo.seeding import Progress
from jingwei_core.settings import Settings

_EVERY = 50


class Start:
    """One start; with ``as_json`` one JSON document goes to standard output, the rest to stderr."""

    def __init__(self, settings: Settings, tenants: Path | None, *, as_json: bool) -> None:
        self._settings = settings
        self._folders = find_packages(tenants)
        self._as_json = as_json
        self._began = time.monotonic()
        self._phases = Phases(self._tell_phase)

    async def prepare(self) -> None:
        """Bring the data to its end without serving."""
        async with prepared(self._settings, self._folders, self._phases) as (platform, unfinished):
            with self._phases.phase("events") as notes:
                await finish(platform, unfinished, self._tell_progress)
                notes.append(f"{len(unfinished)} tenants" if unfinished else "nothing to do")
        say(self._as_json, self._document(None), f"数据就绪 ready in {self._took():.1f} s")

    async def serve(self, port: int) -> None:
        """Serve until a signal comes. A server that runs already is only told of."""
        running = process_file.find(self._settings)
        if running is not None:
            told = {**self._document(running.url), "already_running": True}
            say(self._as_json, told, f"已在运行 already running: {running.url}/graphql")
            return
        with listening_socket(port) as listener:
            url = url_of(listener)
            async with prepared(self._settings, self._folders, self._phases) as found:
                server = DemoServer(*found)
                await server.run(listener, lambda: self._tell_ready(url), self._tell_progress)

    def _took(self) -> float:
        return time.monotonic() - self._began

    def _document(self, url: str | None) -> dict[str, object]:
        return {
            "url": url,
            "graphql": f"{url}/graphql" if url else None,
            "accounts": str(accounts_path(self._settings)),
            "tenants": [folder.name for folder in self._folders],
            "seconds": round(self._took(), 2),
            "phases": [asdict(phase) for phase in self._phases.done],
        }

    def _tell_phase(self, phase: Phase) -> None:
        typer.echo(f"  {phase.seconds:6.2f} s  {phase.name:<11} {phase.note}", err=self._as_json)

    def _tell_ready(self, url: str) -> None:
        names = ", ".join(folder.name for folder in self._folders)
        say(
            self._as_json,
            self._document(url),
            f"就绪 ready in {self._took():.1f} s: {names}",
            f"  GraphiQL   {url}/graphql",
            f"  accounts   {accounts_path(self._settings)}",
            "  next       jingwei demo walk   (in another terminal)",
            "  end        Ctrl-C, or jingwei demo down",
        )

    def _tell_progress(self, progress: Progress | None) -> None:
        if progress is None:
            typer.echo("  演示数据齐全 all demo rows are in", err=True)
        elif progress.done % _EVERY == 0 or progress.done == progress.total:
            line = f"  {progress.slug}: {progress.done}/{progress.total} events"
            typer.echo(line, err=True)
