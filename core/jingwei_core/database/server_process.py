"""What the machine says about a PostgreSQL server: is it alive, is it ours, does it answer."""

import enum
import os
import signal
import socket
import struct
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_PROTOCOL = 3 << 16
_STARTING = b"57P03"
_MEMORY_FILESYSTEMS = {"tmpfs", "ramfs"}


class Answer(enum.Enum):
    """How a server on a socket reacts to a greeting."""

    NONE = "none"
    STARTING = "starting"
    READY = "ready"


def ask(socket_path: Path) -> Answer:
    """Greet the server on ``socket_path``; needs no password and no client library."""
    body = struct.pack("!i", _PROTOCOL) + b"user\0probe\0database\0postgres\0\0"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(2)
            connection.connect(str(socket_path))
            connection.sendall(struct.pack("!i", len(body) + 4) + body)
            reply = connection.recv(1024)
    except OSError:
        return Answer.NONE
    if not reply:
        return Answer.NONE
    return Answer.STARTING if reply[:1] == b"E" and _STARTING in reply else Answer.READY


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        status = (_PROC / str(pid) / "stat").read_text()
        return status.rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        if _PROC.joinpath("self").exists():
            return False
    return _is_taken(pid)


def postmaster(cluster: Path) -> int | None:
    """The process id of the live server of ``cluster``; a reused id of another program is none."""
    try:
        pid = int((cluster / "postmaster.pid").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None
    return pid if _works_in(pid, cluster) else None


def give_way(pid: int) -> None:
    """Let the server and all that it starts from now on run as batch work (``SCHED_BATCH``).

    Where a server shares the cores with those who ask it, each question would otherwise stop the
    one who asks in the middle of the next: with two cores a fifth of the throughput. Linux only,
    and only where the machine allows it.
    """
    if hasattr(os, "SCHED_BATCH"):
        with suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def left_over(cluster: Path) -> list[int]:
    """Server processes still at work in ``cluster``, for example after their parent was killed."""
    if not _PROC.joinpath("self").exists():
        return []
    return [
        int(entry.name)
        for entry in _PROC.iterdir()
        if entry.name.isdigit() and _works_in(int(entry.name), cluster)
    ]


def drop_false_lock(lock: Path) -> None:
    """Remove a lock file whose process id is taken, though no server is left that holds it.

    After a reboot or in a container, ids repeat, and a killed server that nobody reaps keeps its
    own: PostgreSQL would refuse to start for ever. A lock whose process is gone is left alone:
    PostgreSQL clears it, and its shared memory, itself. Only for callers that know no server runs.
    """
    try:
        pid = int(lock.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return
    if _is_taken(pid):
        lock.unlink(missing_ok=True)


def stop_process(pid: int, *, timeout_s: float) -> bool:
    """Ask a server to end its sessions and stop; after the time-out, at once. True: it ended."""
    for request, patience in ((signal.SIGINT, timeout_s), (signal.SIGQUIT, 10.0)):
        try:
            os.kill(pid, request)
        except ProcessLookupError:
            return True
        until = time.monotonic() + patience
        while time.monotonic() < until:
            if not is_alive(pid):
                return True
            time.sleep(0.02)
    return False


def is_memory_backed(path: Path) -> bool:
    """Whether ``path`` lies in memory, where writing safely to disk has no meaning."""
    try:
        mounts = (_PROC / "self" / "mountinfo").read_text().splitlines()
    except OSError:
        return False
    place = path.resolve()
    best, kind = -1, ""
    for mount in mounts:
        left, _, right = mount.partition(" - ")
        point = Path(left.split()[4].replace("\\040", " "))
        if (point == place or point in place.parents) and len(point.parts) >= best:
            best, kind = len(point.parts), right.split()[0]
    return kind in _MEMORY_FILESYSTEMS


def _is_taken(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _works_in(pid: int, cluster: Path) -> bool:
    if not _PROC.joinpath("self").exists():
        listing = subprocess.run(  # noqa: S603 - the argument is a number
            ["/bin/ps", "-p", str(pid), "-o", "comm="], capture_output=True, text=True, check=False
        )
        return "postgres" in listing.stdout
    try:
        folder = os.readlink(_PROC / str(pid) / "cwd")
    except OSError:
        return False
    return folder == str(cluster.resolve()) and _is_postgres(pid)


def _is_postgres(pid: int) -> bool:
    try:
        return (_PROC / str(pid) / "comm").read_text().startswith("postgres")
    except OSError:
        return False
