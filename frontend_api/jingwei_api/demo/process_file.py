"""Which demo server runs (进程文件): its process and address, so that it can be found and ended."""

import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from jingwei_core.settings import Settings

FILE_NAME = "demo-server.json"
_STARTED = 19
"""Where /proc/<pid>/stat says when a process began: field 22 of proc(5), from behind the name."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A demo server; ``started`` tells it from a later process with its number."""

    pid: int
    started: str
    url: str


def remember(settings: Settings, url: str) -> None:
    """Write down that this process serves at ``url``."""
    server = RunningServer(os.getpid(), _started(os.getpid()), url)
    _path(settings).write_text(json.dumps(asdict(server)))


def forget(settings: Settings) -> None:
    """This process no longer serves."""
    _path(settings).unlink(missing_ok=True)


def find(settings: Settings) -> RunningServer | None:
    """The server that runs on this data folder, if one does."""
    try:
        server = RunningServer(**json.loads(_path(settings).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return server if _is_alive(server) else None


def end(server: RunningServer, *, within_s: float) -> bool:
    """Ask the server to end; whether it did in time."""
    os.kill(server.pid, signal.SIGTERM)
    until = time.monotonic() + within_s
    while _is_alive(server) and time.monotonic() < until:
        time.sleep(0.05)
    return not _is_alive(server)


def _path(settings: Settings) -> Path:
    return settings.data_dir / FILE_NAME


def _is_alive(server: RunningServer) -> bool:
    try:
        os.kill(server.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return _started(server.pid) == server.started


def _started(pid: int) -> str:
    """When the process began, in the machine's ticks; empty where there is no /proc."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if status[0] in "ZX" else status[_STARTED]
