"""A real S3 server on loopback: Ceph's RADOS Gateway over an in-memory cluster of one.

    with s3_server() as server:
        server.endpoint      # "127.0.0.1:port", plain HTTP
        server.access_key    # of one user that may make buckets
        server.secret_key

    python -m tests.servers.s3 up | run -- COMMAND
        sets JINGWEI_TEST_S3_ENDPOINT, JINGWEI_TEST_S3_ACCESS_KEY, JINGWEI_TEST_S3_SECRET_KEY

Needs Debian's packages radosgw, ceph-mon, ceph-mgr, ceph-osd and ceph-common. The server knows
SigV4, presigned requests, POST policies, versions and object lock. It holds no bucket at the start.
Raises ServerFailed when it does not come up.
"""

import os
import secrets
import shutil
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.servers.command import serve
from tests.servers.processes import Daemons, free_port, memory_folder, run_tool

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-mgr", "ceph-osd", "ceph-authtool")
_GIBIBYTE = 2**30


@dataclass(frozen=True)
class S3Server:
    """A running server and the keys of its one user."""

    endpoint: str
    access_key: str
    secret_key: str


def is_installed() -> bool:
    """Whether every program of the gateway and its cluster is on this machine."""
    return all(shutil.which(program) for program in PROGRAMS)


class _Cluster:
    """One Ceph cluster in a folder: every daemon stays our child and in the foreground."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._monitor_at = f"v2:127.0.0.1:{free_port()}"
        self._cluster_id = str(uuid.uuid4())
        self._keyring = folder / "keyring"
        conf = folder / "ceph.conf"
        conf.write_text(self._settings(), encoding="utf-8")
        self._env = {"PATH": os.environ.get("PATH", os.defpath), "CEPH_CONF": str(conf)}
        self.daemons = Daemons(folder / "daemons.log", env=self._env)

    def _settings(self) -> str:
        settings: dict[str, object] = {
            "fsid": self._cluster_id,
            "mon host": f"[{self._monitor_at}]",
            "public addr": "127.0.0.1",
            "keyring": self._keyring,
            "run dir": self.folder,
            "log file": "/dev/null",
            "admin socket": self.folder / "$name.$pid.sock",
            "auth allow insecure global id reclaim": "false",
            # One copy on one device is all there is, and no reason to wait for more.
            "mon allow pool size one": "true",
            "mon warn on pool no redundancy": "false",
            "osd pool default size": 1,
            "osd pool default min size": 1,
            "osd pool default pg num": 1,
            "osd crush chooseleaf type": 0,
            "osd crush initial weight": 1,
            "osd objectstore": "memstore",
            "memstore device bytes": 2 * _GIBIBYTE,
            # memstore takes no longer names than this; the OSD refuses to start otherwise.
            "osd max object name len": 256,
            "rgw frontends": f"beast endpoint=127.0.0.1:{self.port}",
            "rgw dns name": "127.0.0.1",
        }
        for kind in ("mon", "mgr", "osd", "rgw"):
            (self.folder / kind).mkdir()
            settings[f"{kind} data"] = self.folder / kind
        return "[global]\n" + "".join(f"{name} = {value}\n" for name, value in settings.items())

    def _tool(self, *command: str) -> str:
        return run_tool(command, env=self._env)

    def _admit(self, name: str, **capabilities: str) -> None:
        """Give a daemon a key of its own, in the keyring that all of them read."""
        words = [word for pair in capabilities.items() for word in pair]
        key = self._tool("ceph", "auth", "get-or-create", name, *words)
        with self._keyring.open("a", encoding="utf-8") as keyring:
            keyring.write(key)

    def start(self) -> None:
        """Bring up the parts in the order in which each needs the one before."""
        self._start_monitor()
        self._admit("mgr.x", mon="allow profile mgr", osd="allow *")
        self.daemons.start(["ceph-mgr", "-f", "-i", "x"])
        self._start_device()
        self.daemons.start(["radosgw", "-f", "-n", "client.admin"])
        self.daemons.wait_until(self._answers, timeout_s=90)

    def _start_monitor(self) -> None:
        keyring, monitors = str(self._keyring), str(self.folder / "monitors")
        new_key = ("ceph-authtool", keyring, "--gen-key", "-n")
        self._tool(*new_key, "mon.", "--create-keyring", "--cap", "mon", "allow *")
        everything = [word for part in ("mon", "osd", "mgr") for word in ("--cap", part, "allow *")]
        self._tool(*new_key, "client.admin", *everything)
        self._tool(
            *("monmaptool", "--create", "--fsid", self._cluster_id),
            *("--addv", "a", f"[{self._monitor_at}]", monitors),
        )
        self._tool("ceph-mon", "-i", "a", "--mkfs", "--monmap", monitors, "--keyring", keyring)
        self.daemons.start(["ceph-mon", "-f", "-i", "a"])

    def _start_device(self) -> None:
        device = str(uuid.uuid4())
        self._tool("ceph", "osd", "new", device)
        self._admit("osd.0", mon="allow profile osd", mgr="allow profile osd", osd="allow *")
        self._tool("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", device)
        self.daemons.start(["ceph-osd", "-f", "-i", "0"])

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def add_user(self) -> S3Server:
        """The server, with keys made for this run."""
        access, secret = secrets.token_hex(10), secrets.token_hex(20)
        self._tool(
            *("radosgw-admin", "user", "create", "--uid", "test", "--display-name", "test"),
            *("--access-key", access, "--secret-key", secret),
        )
        return S3Server(f"127.0.0.1:{self.port}", access, secret)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """A new, empty S3 server that answers; stopped and removed at the end. Takes about 10 s."""
    with memory_folder("s3") as folder:
        cluster = _Cluster(folder)
        try:
            cluster.start()
            yield cluster.add_user()
        finally:
            cluster.daemons.stop()


@contextmanager
def _environment() -> Iterator[Mapping[str, str]]:
    with s3_server() as server:
        yield {
            "JINGWEI_TEST_S3_ENDPOINT": server.endpoint,
            "JINGWEI_TEST_S3_ACCESS_KEY": server.access_key,
            "JINGWEI_TEST_S3_SECRET_KEY": server.secret_key,
        }


if __name__ == "__main__":
    sys.exit(serve(_environment(), sys.argv[1:]))
