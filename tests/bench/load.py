"""The load over HTTP: ``wrk``, a closed loop of sixteen connections."""

import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.servers import KEY, Request, Server

LUA = Path(__file__).parent / "load.lua"


@dataclass(frozen=True, slots=True)
class Measured:
    """One stretch of load; ``server_ms`` and ``database_ms`` are CPU time of each request."""

    requests: int
    rate: float
    median_ms: float
    p99_ms: float
    bytes_each: float
    server_ms: float
    database_ms: float


Load = Callable[[float], Measured]
"""Runs for so many seconds."""


class LoadFailed(RuntimeError):
    """Requests were lost, or answered with another status than 200."""


def require_wrk() -> None:
    """Stop the run with a word on what to install."""
    if shutil.which("wrk") is None:
        sys.exit("make bench needs the load generator wrk: apt-get install wrk")


class PreparedRequests:
    """The requests of a workload as ``load.lua`` reads them."""

    def __init__(self, server: Server, requests: Sequence[Request], cluster: Cluster) -> None:
        self.server = server
        self.requests = requests
        self._cluster = cluster
        self._file = Path(tempfile.mkstemp(suffix=".lua", dir=cluster.folder)[1])
        texts = (self._parts(request) for request in requests)
        self._file.write_text("return {\n" + ",\n".join(texts) + "\n}\n", encoding="utf-8")

    def load(self, seconds: float, connections: int = CONNECTIONS) -> Measured:
        """Send them round and round for so long."""
        salt = str(uuid.uuid4())[:-12]
        start = str(uuid.uuid4().int % len(self.requests))
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "30s"]
        command += ["-s", str(LUA), self.server.url, "--", str(self._file), salt, start]
        before = self.server.cpu_s(), self._cluster.cpu_s()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        after = self.server.cpu_s(), self._cluster.cpu_s()
        told = json.loads(done.stdout.splitlines()[-1])
        if told["failed"] or told["lost"] or not told["requests"]:
            raise LoadFailed(f"{self.server.name}: {told}\n{self.server.last_words()}")
        return Measured(
            told["requests"],
            told["requests"] / told["seconds"],
            told["median_ms"],
            told["p99_ms"],
            told["bytes"] / told["requests"],
            (after[0] - before[0]) * 1000 / told["requests"],
            (after[1] - before[1]) * 1000 / told["requests"],
        )

    def _parts(self, request: Request) -> str:
        place = urlsplit(self.server.url)
        length = len(request.body.encode())
        lines = [f"POST {place.path} HTTP/1.1", f"Host: {place.netloc}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        text = "\r\n".join([*lines, f"Content-Length: {length}", "", request.body])
        # A JSON text is a Lua text: nothing in it is spelt in a way that Lua reads otherwise.
        parts = (json.dumps(part, ensure_ascii=False) for part in text.split(KEY))
        return "{" + ", ".join(parts) + "}"
