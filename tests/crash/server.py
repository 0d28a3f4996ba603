"""A server process as it is deployed, that can be killed between two instructions."""

import ctypes
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

from jingwei_core.settings import Settings
from tests.servers.processes import ServerFailed, free_port

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class ApplicationServer:
    """One uvicorn process over a database; it dies with the tests, whatever ends them.

    ``variables`` are put into its environment, from its next start on when they are replaced.
    """

    def __init__(
        self, settings: Settings, log: Path, variables: Mapping[str, str] | None = None
    ) -> None:
        self.port = free_port()
        self.variables = variables or {}
        self._log = log
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it, on the same port each time."""
        command = ["-m", "uvicorn", "jingwei_api.asgi:app", "--port", str(self.port)]
        quiet = ["--log-level", "warning", "--no-access-log", "--ws", "websockets-sansio"]
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command, *quiet],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_die_with_parent,
            )

    def wait(self, timeout_s: float = 90) -> None:
        """Return once it can serve; raises ``ServerFailed`` with its log."""
        assert self._process is not None
        deadline = time.monotonic() + timeout_s
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise ServerFailed(self._log.read_text(encoding="utf-8", errors="replace")[-3000:])
            time.sleep(0.05)

    def kill(self) -> None:
        """SIGKILL: no handler runs, no connection is closed in order."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
        self._process = None

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        assert settings.database_url is not None
        own = {
            "JINGWEI_DATABASE_URL": settings.database_url,
            "JINGWEI_DATA_DIR": str(settings.data_dir),
            "JINGWEI_ROLE_PREFIX": settings.role_prefix,
            "JINGWEI_POOL_SIZE": str(settings.pool_size),
            "JINGWEI_API_SUBSCRIPTION_CHECK_S": "2",
            # The limits of documents are not what these tests are about.
            "JINGWEI_API_MAX_ALIASES": "2000",
            "JINGWEI_API_MAX_TOKENS": "20000",
            "JINGWEI_API_MAX_COST": "10000000",
            "JINGWEI_API_COST_PER_MINUTE": "0",
        }
        kept = {name: value for name, value in os.environ.items() if name[:8] != "JINGWEI_"}
        return {**kept, **own, **self.variables}


@contextmanager
def application_servers(
    settings: Settings, count: int = 1, variables: Sequence[Mapping[str, str]] = ()
) -> Iterator[list[ApplicationServer]]:
    """So many servers over one database; killed at the end. Each has its own ``variables``."""
    with tempfile.TemporaryDirectory(prefix="jingwei-servers-") as folder:
        own = [*variables, *[{}] * (count - len(variables))]
        servers = [
            ApplicationServer(settings, Path(folder) / f"{number}.log", own[number])
            for number in range(count)
        ]
        try:
            for server in servers:
                server.start()
            for server in servers:
                server.wait()
            yield servers
        finally:
            for server in servers:
                server.kill()


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
