"""The servers of the suite end with it, and say why when they do not start."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.policy.project import ROOT
from tests.servers.processes import Daemons, ServerFailed, memory_folder, run_tool

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
ENV = {"PATH": os.defpath}


def _has_ended(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def _until(condition: Callable[[], object], *, timeout_s: float = 10) -> bool:
    deadline = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(condition())


def test_a_server_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path / "log", env=ENV)
    daemons.start([sys.executable, "-c", "raise SystemExit('no room on the device')"])
    with pytest.raises(ServerFailed, match="no room on the device"):
        daemons.wait_until(lambda: False, timeout_s=10)


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    daemons = Daemons(tmp_path / "log", env=ENV)
    daemons.start(SLEEPER)
    try:
        with pytest.raises(ServerFailed, match="not ready after 0 s"):
            daemons.wait_until(lambda: False, timeout_s=0.2)
    finally:
        daemons.stop()


def test_a_failing_tool_says_what_it_said() -> None:
    with pytest.raises(ServerFailed, match="exited with 3: bad key"):
        run_tool(["sh", "-c", "echo bad key >&2; exit 3"], env=ENV)


def test_a_server_dies_with_a_killed_run() -> None:
    program = (
        "import os, sys, time; from pathlib import Path\n"
        "from tests.servers.processes import Daemons\n"
        "daemons = Daemons(Path(os.devnull), env=dict(os.environ))\n"
        "daemons.start(['sh', '-c', 'echo $$ >' + sys.argv[1] + '; exec sleep 600'])\n"
        "time.sleep(600)\n"
    )
    with memory_folder("pid") as folder:
        note = folder / "pid"
        run = subprocess.Popen([sys.executable, "-c", program, str(note)], cwd=ROOT)
        assert _until(lambda: note.exists() and note.read_text().strip())
        server = int(note.read_text())
        assert not _has_ended(server)
        run.send_signal(signal.SIGKILL)
        run.wait()
        assert _until(lambda: _has_ended(server))
    assert not folder.exists()
