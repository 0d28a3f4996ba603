"""Folders of running platforms (运行目录): in memory where there is such, gone with their process.

A run that was killed leaves its server behind; the next run of the same user ends it.
"""

import os
import shutil
import tempfile
from pathlib import Path

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.server_process import is_alive
from jingwei_sdk.errors import JingweiError

_PREFIX = "jingwei-kit-"
_OWNER = "owner"


def new_folder() -> Path:
    """A folder that this process owns."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_place()))
    # The server may run as an account of its own and has to pass.
    folder.chmod(0o711)
    (folder / _OWNER).write_text(f"{os.getpid()} {_numbering()}", encoding="utf-8")
    return folder


def remove_left_over() -> int:
    """End the servers of dead processes of this user, and remove their folders; how many."""
    removed = 0
    for folder in _place().glob(f"{_PREFIX}*"):
        try:
            mine = folder.stat().st_uid == os.geteuid()
            pid, numbering = (folder / _OWNER).read_text(encoding="utf-8").split()
            if not mine or numbering != _numbering() or is_alive(int(pid)):
                continue
            EmbeddedServer(folder / "postgres").stop()
        except (OSError, ValueError, JingweiError):
            # Being made just now, or not to be ended by us.
            continue
        shutil.rmtree(folder, ignore_errors=True)
        removed += 1
    return removed


def _numbering() -> str:
    """Which processes a number is among: containers may share a folder and not their processes."""
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return "-"


def _place() -> Path:
    memory = Path("/dev/shm")  # noqa: S108 - folders of our own are made in it
    return memory if memory.is_dir() else Path(tempfile.gettempdir())
