"""The servers that are measured, and how each is asked for the same thing."""

import json
import os
import sys
import urllib.error
import urllib.request
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.pool import Pool
from tests.servers.processes import Daemons, ServerFailed, free_port

HERE = Path(__file__).parent
KEY = "ffffffff-ffff-7fff-bfff-ffffffffffff"
"""Stands for an id of the client's in a body; whoever sends it puts a new one there."""
TITLE = "占道堆物，请及时处理"
NOTE = "巡查时发现，已拍照上传"


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request to ``/graphql``; ``KEY`` may stand in the body."""

    headers: Mapping[str, str]
    body: str


class Server(ABC):
    """A contender: a child process that listens on a port of its own."""

    name = ""
    workloads: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.port = free_port()
        self.daemons: Daemons | None = None
        self._started: list[psutil.Process] = []
        self._log = Path()

    @abstractmethod
    def start(self, cluster: Cluster) -> None:
        """Start, and return when it answers."""

    @abstractmethod
    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """The pool's samples of a workload as this server is asked."""

    @abstractmethod
    def rows(self, workload: str, answer: Mapping[str, Any]) -> Sequence[object]:
        """What of an answer must be the same for every contender, in its order."""

    @property
    def url(self) -> str:
        """Where it answers GraphQL."""
        return f"http://127.0.0.1:{self.port}/graphql"

    def launch(self, cluster: Cluster, command: Sequence[str], env: Mapping[str, str]) -> None:
        """Start the command and wait until its port is open."""
        self._log = cluster.folder / f"{self.name.replace(' ', '-')}.log"
        self.daemons = Daemons(self._log, env=env)
        before = set(psutil.Process().children())
        self.daemons.start(command)
        self.daemons.wait_until(self._listens, timeout_s=60)
        self._started = [p for p in psutil.Process().children() if p not in before]

    def stop(self) -> None:
        """Stop the process, if it runs."""
        if self.daemons is not None:
            self.daemons.stop()
            self.daemons = None

    def memory_mb(self) -> list[float]:
        """The proportional memory (PSS) of each of its processes, largest first."""
        return sorted((p.memory_full_info().pss / 1e6 for p in self._processes()), reverse=True)

    def cpu_s(self) -> float:
        """The CPU time that its processes have spent."""
        times = [process.cpu_times() for process in self._processes()]
        return sum(time.user + time.system for time in times)

    def ask(self, request: Request) -> dict[str, Any]:
        """The answer to one request; raises ``ServerFailed`` with what the server said of it."""
        body = request.body.replace(KEY, str(uuid.uuid4())).encode()
        call = urllib.request.Request(self.url, body, dict(request.headers), method="POST")
        try:
            with urllib.request.urlopen(call, timeout=30) as answer:
                found: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            raise ServerFailed(f"{self.name}: {error}\n{self.last_words()}") from error
        return found

    def last_words(self) -> str:
        """The end of what it has logged."""
        return self._log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def _processes(self) -> list[psutil.Process]:
        return [
            process
            for parent in self._started
            for process in (parent, *parent.children(recursive=True))
        ]

    def _listens(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=1).close()
        except urllib.error.HTTPError:
            return True
        except OSError:
            return False
        return True


def uvicorn(application: str, port: int) -> list[str]:
    """The command of one worker, as ``jingwei serve`` sets it up."""
    command = [str(Path(sys.executable).parent / "uvicorn"), "--port", str(port)]
    command += ["--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    return [*command, "--log-level", "warning", application]


def peer_environment(cluster: Cluster, **more: str) -> dict[str, str]:
    """What a peer of this checkout is told by its environment: where the database is."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": os.pathsep.join([str(HERE.parents[1]), *sys.path]),
        "BENCH_DATABASE_URL": cluster.app_url,
        "BENCH_CONNECTIONS": str(CONNECTIONS),
        **more,
    }


def body_of(document: str, variables: Mapping[str, object]) -> str:
    """The body of a request; comments of the document are not sent."""
    lines = (line.strip() for line in document.splitlines())
    query = " ".join(line for line in lines if line and not line.startswith("#"))
    return json.dumps({"query": query, "variables": variables}, ensure_ascii=False)
