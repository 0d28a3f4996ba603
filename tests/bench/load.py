"""The load: ``wrk`` over HTTP, ``pgbench`` for the limit; both are closed loops."""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from jingwei_core.database.server_binaries import find_binaries
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.pool import Pool, Sample
from tests.bench.servers import KEY, Request, Server

LUA = Path(__file__).parent / "load.lua"
LIMITS = Path(__file__).parent / "limits"
# How many requests a connection of pgbench makes with one set of parameters.
_KEPT = 16
# The server's children end a moment after their clients; until then their time is not counted.
_PARTING_S = 0.3


@dataclass(frozen=True, slots=True)
class Measured:
    """One stretch of load; ``server_ms`` and ``database_ms`` are CPU time of each request."""

    rate: float
    median_ms: float
    p99_ms: float
    bytes_each: float
    server_ms: float
    database_ms: float


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
            raise LoadFailed(f"{self.server.name}: {told}")
        return Measured(
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


class Limit:
    """The best SQL of a workload, sent by ``pgbench`` as the application's role.

    ``trips`` is 1 (everything in one pipelined round trip, generic plans) or 4 (BEGIN, the tenant,
    the statement, COMMIT).
    """

    def __init__(self, cluster: Cluster, trips: int) -> None:
        self._cluster = cluster
        self._trips = trips
        self.name = "pgbench" if trips == 1 else "pgbench, 4 trips"

    def load(self, workload: str, pool: Pool, seconds: float) -> Measured:
        """Run the workload's statement for so long, over the samples of the pool."""
        self._keep(workload, pool.samples[workload])
        with tempfile.TemporaryDirectory(dir=self._cluster.folder) as folder:
            script = Path(folder) / "script.sql"
            script.write_text(self._script(workload, len(pool.samples[workload])), encoding="utf-8")
            command = [find_binaries().program("pgbench"), "-n", "-M", "prepared", "-f"]
            command += [str(script), "-c", str(CONNECTIONS), "-j", "1", "-T", f"{seconds:.0f}"]
            command += ["-D", "turn=-1", "--log", f"--log-prefix={folder}/log"]
            command.append(self._cluster.app_url)
            plans = {"PGOPTIONS": "-c plan_cache_mode=force_generic_plan"}
            before = self._cluster.cpu_s()
            done = subprocess.run(command, check=False, capture_output=True, text=True, env=plans)
            time.sleep(_PARTING_S)
            spent_s = self._cluster.cpu_s() - before
            if done.returncode != 0:
                raise LoadFailed(done.stderr[-2000:])
            rate = next(line for line in done.stdout.splitlines() if line.startswith("tps = "))
            times = sorted(
                int(line.split(" ", 3)[2]) / 1000
                for log in Path(folder).glob("log*")
                for line in log.read_text().splitlines()
            )
        p99 = times[int(len(times) * 0.99)]
        database_ms = spent_s * 1000 / len(times)
        return Measured(float(rate.split()[2]), statistics.median(times), p99, 0, 0, database_ms)

    def _script(self, workload: str, size: int) -> str:
        """Parameters are fetched anew after every so many requests, so that their cost is small."""
        narrow, wide = LIMITS / f"{workload}.sql", LIMITS / f"{workload}.wide.sql"
        asked = self._asked(narrow)
        if wide.exists():
            asked = f"\\if :is_wide\n{self._asked(wide)}\\else\n{asked}\\endif\n"
        return (
            "\\set turn :turn + 1\n"
            f"\\if :turn % {_KEPT} = 0\n\\set number random(1, {size})\n"
            "SELECT * FROM bench.sample"
            f" WHERE workload = '{workload}' AND number = :number \\gset\n"
            f"\\endif\n{asked}"
        )

    def _asked(self, file: Path) -> str:
        statement = file.read_text(encoding="utf-8")
        bind = "SELECT set_config('app.tenant', :tenant, true);\n"
        if self._trips == 1:
            return f"\\startpipeline\n{bind}{statement}\\endpipeline\n"
        return f"BEGIN;\n{bind}{statement}COMMIT;\n"

    def _keep(self, workload: str, samples: Sequence[Sample]) -> None:
        rows = "\n".join(
            f"{workload}\t{at}\t{s.tenant_id}\t{s.low}\t{s.high}\t{s.event}\t{s.account_id}"
            f"\t{s.grid_id}\t{s.kind}\t{s.workflow}\t{int(s.is_wide)}"
            for at, s in enumerate(samples, start=1)
        )
        script = Path(tempfile.mkstemp(suffix=".sql", dir=self._cluster.folder)[1])
        script.write_text(
            "SET client_min_messages = warning;\n"
            "CREATE TABLE IF NOT EXISTS bench.sample (workload text, number int, tenant text,"
            " low text, high text, event text, account text, place text, kind text, workflow text,"
            " is_wide int,"
            " PRIMARY KEY (workload, number));\n"
            "GRANT SELECT ON bench.sample TO jingwei_app;\n"
            f"DELETE FROM bench.sample WHERE workload = '{workload}';\n"
            f"COPY bench.sample FROM stdin;\n{rows}\n\\.\n",
            encoding="utf-8",
        )
        self._cluster.psql("-f", str(script))
        script.unlink()
