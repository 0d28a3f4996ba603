import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.server_process import is_alive, postmaster
from jingwei_sdk.errors import Unavailable

# Becomes the account first if it is told to: everything is imported while the files are readable.
START = """
import asyncio, encodings.idna, os, sys, asyncpg, uuid, typing
from pathlib import Path
from jingwei_core.database.embedded import EmbeddedServer
folder, uid, then = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
if uid:
    os.setgroups([]); os.setgid(uid); os.setuid(uid)
print(EmbeddedServer(folder).start().url(), flush=True)
if then == "die":
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A new folder in memory; the server in it, if any, is stopped."""
    base = "/dev/shm" if Path("/dev/shm").is_dir() else None
    made = Path(tempfile.mkdtemp(prefix="jingwei-embedded-", dir=base))
    made.chmod(0o711)
    yield made
    for cluster in made.rglob("postmaster.pid"):
        EmbeddedServer(cluster.parent.parent).stop()
    shutil.rmtree(made)


def ask(url: str, sql: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def start_elsewhere(folder: Path, *, uid: int = 0, then: str = "end") -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, str(folder), str(uid), then],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_server_starts_stops_and_keeps_its_data(folder: Path):
    server = EmbeddedServer(folder)
    url = server.start().url()
    assert str(ask(url, "SHOW server_version")).startswith("18")
    assert ask(url, "SHOW listen_addresses") == ""
    assert ask(url, "SELECT 'ä' < 'z' COLLATE \"default\"") is False
    ask(url, "CREATE TABLE kept (a int)")
    assert server.stop() is True
    assert server.address() is None
    assert server.stop() is False
    assert ask(server.start().url(), "SELECT count(*) FROM kept") == 0


def test_the_server_gives_way_to_those_who_ask_it(folder: Path):
    server = EmbeddedServer(folder)
    url = server.start().url()
    # A session of its own, begun after the server was told: what the kernel says of it.
    policy = "SELECT split_part(pg_read_file('/proc/self/stat'), ' ', 41)"
    assert ask(url, policy) == str(os.SCHED_BATCH)
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_nobody_enters_without_the_password_or_through_the_folder(folder: Path):
    server = EmbeddedServer(folder)
    address = server.start()
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(address.url(password="wrong"), "SELECT 1")
    for private in (address.sockets, server.cluster):
        assert private.stat().st_mode & 0o077 == 0
    assert (folder / "server.json").stat().st_mode & 0o077 == 0
    assert "trust" not in (server.cluster / "pg_hba.conf").read_text().split("# TYPE")[1]
    assert address.password not in repr(address)


def test_folders_above_keep_their_permissions(folder: Path):
    above = folder / "above"
    above.mkdir(mode=0o751)
    above.chmod(0o751)
    EmbeddedServer(above / "inner").start()
    assert above.stat().st_mode & 0o777 == 0o751
    assert folder.stat().st_mode & 0o777 == 0o711


def test_a_second_process_joins_and_two_starters_do_not_collide(folder: Path):
    starters = [start_elsewhere(folder) for _ in range(4)]
    answers = {starter.communicate(timeout=60)[0] for starter in starters}
    assert {starter.returncode for starter in starters} == {0}
    assert answers == {EmbeddedServer(folder).start().url() + "\n"}


def test_the_server_outlives_an_owner_that_was_killed(folder: Path):
    owner = start_elsewhere(folder, then="die")
    url = owner.communicate(timeout=60)[0].strip()
    assert owner.returncode == -signal.SIGKILL
    assert ask(url, "SELECT 1") == 1
    assert EmbeddedServer(folder).start().url() == url


def test_a_killed_server_is_started_again_with_what_was_committed(folder: Path):
    server = EmbeddedServer(folder)
    url = server.start().url()
    ask(url, "CREATE TABLE kept (a int)")
    pid = postmaster(server.cluster)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert server.address() is None
    assert ask(server.start().url(), "SELECT count(*) FROM kept") == 0


def test_a_lock_of_another_programs_process_does_not_block(folder: Path):
    server = EmbeddedServer(folder)
    server.start()
    lock = (server.cluster / "postmaster.pid").read_text().splitlines()
    pid = postmaster(server.cluster)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.01)
    stale = "\n".join([str(os.getpid()), *lock[1:]]) + "\n"
    (server.cluster / "postmaster.pid").write_text(stale)
    assert ask(server.start().url(), "SELECT 1") == 1


def test_a_long_path_gets_a_short_private_socket_folder(folder: Path):
    deep = folder / ("x" * 120) / 'it\'s "quoted", and spaced'
    server = EmbeddedServer(deep)
    address = server.start()
    assert len(str(address.sockets)) < 90
    assert address.sockets.stat().st_mode & 0o777 == 0o700
    assert ask(address.url(), "SELECT 1") == 1
    server.stop()
    assert server.start().sockets == address.sockets
    server.stop()
    shutil.rmtree(address.sockets)


def test_sync_is_off_in_memory_only(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    assert ask(EmbeddedServer(folder).start().url(), "SHOW fsync") == "off"
    on_disk = Path(tempfile.mkdtemp(prefix="jingwei-disk-", dir="/var/tmp"))
    on_disk.chmod(0o711)
    server = EmbeddedServer(on_disk)
    try:
        assert ask(server.start().url(), "SHOW fsync") == "on"
    finally:
        server.stop()
        shutil.rmtree(on_disk)


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes the account")


@needs_root
def test_root_runs_the_server_as_an_ordinary_account(folder: Path):
    server = EmbeddedServer(folder, account="nobody")
    server.start()
    pid = postmaster(server.cluster)
    assert Path(f"/proc/{pid}").stat().st_uid == pwd.getpwnam("nobody").pw_uid
    assert server.cluster.stat().st_uid == pwd.getpwnam("nobody").pw_uid
    server.stop()
    assert EmbeddedServer(folder, account="postgres").start()
    again = postmaster(server.cluster)
    assert Path(f"/proc/{again}").stat().st_uid == pwd.getpwnam("nobody").pw_uid


@needs_root
def test_root_is_told_which_folder_the_account_cannot_pass(folder: Path):
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(Unavailable) as refusal:
        EmbeddedServer(closed / "inner").start()
    assert refusal.value.code == "SERVER_FOLDER_CLOSED"
    assert refusal.value.params["closed"] == str(closed)
    assert closed.stat().st_mode & 0o777 == 0o700
    assert list(closed.iterdir()) == []


@needs_root
def test_unreadable_programs_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch):
    from jingwei_core.database import embedded, server_binaries

    hidden = folder / "hidden"
    hidden.mkdir(mode=0o700)
    source = server_binaries.copy_binaries(server_binaries.find_binaries(), hidden)
    monkeypatch.setattr(embedded, "find_binaries", lambda: source)
    server = EmbeddedServer(folder / "data")
    assert ask(server.start().url(), "SELECT 1") == 1
    pid = postmaster(server.cluster)
    program = os.readlink(f"/proc/{pid}/exe")
    assert program.startswith(str(folder / "data" / "binaries"))
    assert hidden.stat().st_mode & 0o777 == 0o700


@needs_root
def test_an_ordinary_user_runs_it_for_himself(folder: Path):
    uid = pwd.getpwnam("nobody").pw_uid
    home = folder / "home"
    home.mkdir(mode=0o700)
    os.chown(home, uid, uid)
    user = start_elsewhere(home / "data", uid=uid)
    url, errors = user.communicate(timeout=60)
    assert user.returncode == 0, errors
    assert ask(url.strip(), "SELECT 1") == 1
    other = start_elsewhere(home / "data", uid=pwd.getpwnam("postgres").pw_uid)
    _, refusal = other.communicate(timeout=60)
    assert other.returncode == 1
    assert "SERVER_FOLDER" in refusal or "PermissionError" in refusal
