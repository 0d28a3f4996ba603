"""A throw-away PostgreSQL 15 from Debian's package, in memory, on a loopback port with a password.

    with debian_postgres() as server:
        server.url        # postgresql://postgres:…@127.0.0.1:port/postgres, a superuser
        server.port       # int
        server.log        # Path of the server's log

    python -m tests.servers.debian_postgres up | run -- COMMAND
        sets JINGWEI_TEST_DATABASE_URL to server.url

The cluster encodes UTF-8, sorts by C.UTF-8, speaks SCRAM to everybody and never syncs to a disk.
Started by root, it runs as the system user `postgres`. Raises ServerFailed when it does not come
up.
"""

import os
import pwd
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.command import serve
from tests.servers.processes import CONNECTIONS, Daemons, free_port, memory_folder, run_tool

BINARIES = Path("/usr/lib/postgresql/15/bin")
_TUNING = {
    "listen_addresses": "127.0.0.1",
    "max_connections": str(CONNECTIONS),
    "shared_buffers": "128MB",
    # Nothing in here is worth a disk access: the cluster is gone with the run.
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "log_min_messages": "warning",
    # Segments are files of the cluster's folder, so they cannot outlive it.
    "dynamic_shared_memory_type": "mmap",
}


@dataclass(frozen=True)
class PostgresServer:
    """A running server: its address for a superuser, its port, and where it logs."""

    url: str
    port: int
    log: Path


def is_installed() -> bool:
    """Whether Debian's PostgreSQL 15 server is on this machine."""
    return (BINARIES / "postgres").exists()


def _owner() -> str | None:
    """The user the server runs as: PostgreSQL refuses to be root."""
    return "postgres" if os.geteuid() == 0 else None


def _make_cluster(folder: Path, password: str, env: Mapping[str, str]) -> Path:
    data, secret = folder / "data", folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="utf-8")
    if owner := _owner():
        account = pwd.getpwnam(owner)
        for path in (folder, secret):
            os.chown(path, account.pw_uid, account.pw_gid)
    run_tool(
        [
            *(str(BINARIES / "initdb"), "--pgdata", str(data), "--username", "postgres"),
            *("--auth", "scram-sha-256", "--pwfile", str(secret), "--no-sync"),
            *("--encoding", "UTF8", "--locale", "C.UTF-8"),
        ],
        env=env,
        user=_owner(),
    )
    secret.unlink()
    return data


@contextmanager
def debian_postgres() -> Iterator[PostgresServer]:
    """A new, empty cluster that answers; stopped and removed at the end."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    with memory_folder("postgres15") as folder:
        password, port, log = secrets.token_hex(16), free_port(), folder / "server.log"
        data = _make_cluster(folder, password, env)
        daemons = Daemons(log, env=env, user=_owner())
        ready = [str(BINARIES / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
        settings = {**_TUNING, "port": str(port), "unix_socket_directories": str(folder)}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        try:
            # SIGINT is PostgreSQL's fast stop: it waits for no client and leaves no shared memory.
            daemons.start(
                [str(BINARIES / "postgres"), "-D", str(data), *options], stop=signal.SIGINT
            )
            daemons.wait_until(lambda: _answers(ready, env), timeout_s=30)
            url = f"postgresql://postgres:{password}@127.0.0.1:{port}/postgres"
            yield PostgresServer(url, port, log)
        finally:
            daemons.stop()


def _answers(command: list[str], env: Mapping[str, str]) -> bool:
    return subprocess.run(command, env=dict(env), check=False).returncode == 0


@contextmanager
def _environment() -> Iterator[dict[str, str]]:
    with debian_postgres() as server:
        yield {"JINGWEI_TEST_DATABASE_URL": server.url}


if __name__ == "__main__":
    sys.exit(serve(_environment(), sys.argv[1:]))
