"""Child processes that cannot outlive the run: started together, stopped together, by pid."""

import ctypes
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

CONNECTIONS = 400
"""What a database server of a run takes at once: each world of each worker keeps those it had."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ServerFailed(RuntimeError):
    """A server or a command of its set-up failed; the message ends with its log."""


def free_port() -> int:
    """A TCP port of the loopback address that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def memory_folder(name: str) -> Iterator[Path]:
    """A new 0700 folder, in memory-backed storage where there is any, removed at the end."""
    memory = Path("/dev/shm")
    parent = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix=f"jingwei-{name}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _group(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid


def _groups(user: str | None) -> list[int] | None:
    # Without this a process that root starts for another user keeps root's groups.
    return None if user is None else []


def run_tool(command: Sequence[str], *, env: Mapping[str, str], user: str | None = None) -> str:
    """What a set-up command printed.

    Raises ServerFailed with what it said on the way out when it fails or needs over a minute.
    """
    try:
        done = subprocess.run(
            command,
            env=dict(env),
            user=user,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        said = (error.stderr + error.stdout)[-2000:]
        raise ServerFailed(f"{command[0]} exited with {error.returncode}: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise ServerFailed(f"{command[0]} did not finish within 60 s") from error
    return done.stdout


class Daemons:
    """The processes of one server. They die with the process that made this, whatever ends it."""

    def __init__(self, log: Path, *, env: Mapping[str, str], user: str | None = None) -> None:
        self._log = log
        self._env = dict(env)
        self._user = user
        self._running: list[tuple[subprocess.Popen[bytes], signal.Signals]] = []

    def start(self, command: Sequence[str], *, stop: signal.Signals = signal.SIGTERM) -> None:
        """Start a process that stays in the foreground; `stop` is the signal it ends on."""
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                command,
                env=self._env,
                user=self._user,
                group=_group(self._user),
                extra_groups=_groups(self._user),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A Ctrl-C reaches us only; we then stop them in order.
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        self._running.append((process, stop))

    def wait_until(self, ready: Callable[[], bool], *, timeout_s: float) -> None:
        """Return once `ready()`; ServerFailed when a process ends before, or time runs out."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            ended = [process for process, _ in self._running if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                why = f"{ended[0].args!r} ended" if ended else f"not ready after {timeout_s:.0f} s"
                tail = self._log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise ServerFailed(f"{why}\n{tail}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Stop the processes, the last started first; one that stays for 5 s is killed."""
        for process, how in reversed(self._running):
            if process.poll() is None:
                process.send_signal(how)
            try:
                process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._running.clear()
