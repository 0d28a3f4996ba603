"""The limit: what PostgreSQL itself can do, told by ``pgbench`` with the best SQL we know."""

import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from jingwei_core.database.server_binaries import find_binaries
from jingwei_core.events.records import EVENT
from jingwei_core.rollups.cubes import source_of
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.load import LoadFailed, Measured
from tests.bench.pool import Pool, Sample

LIMITS = Path(__file__).parent / "limits"
VARIANTS = {"kept": ", kept counts", "same": ", same work"}
# How many requests a connection makes with one set of parameters.
_SAME = 16
# The server's children end a moment after their clients; until then their time is not counted.
_PARTING_S = 0.3


class Limit:
    """The best SQL of a workload, sent by ``pgbench`` as the application's role.

    ``trips`` is 1 (everything in one pipelined round trip, generic plans) or 4 (BEGIN, the tenant,
    the statement, COMMIT). Variants, for some workloads: ``kept`` reads the counts that are kept
    instead of the rows, ``same`` stores everything that the platform stores.
    """

    def __init__(self, cluster: Cluster, trips: int = 1, variant: str = "") -> None:
        self._cluster = cluster
        self._trips = trips
        self._variant = variant
        self.name = "pgbench" if trips == 1 else "pgbench, 4 trips"
        self.name += VARIANTS.get(variant, "")

    def can(self, workload: str) -> bool:
        """Whether there is such a statement for the workload."""
        return self._file(workload).exists()

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
        per_s, middle = float(rate.split()[2]), statistics.median(times)
        return Measured(len(times), per_s, middle, p99, 0, 0, database_ms)

    def _script(self, workload: str, size: int) -> str:
        """Parameters are fetched anew after every so many requests, so that their cost is small."""
        asked, wide = self._asked(self._file(workload)), LIMITS / f"{workload}.wide.sql"
        if wide.exists():
            asked = f"\\if :is_wide\n{self._asked(wide)}\\else\n{asked}\\endif\n"
        return (
            "\\set turn :turn + 1\n"
            f"\\if :turn % {_SAME} = 0\n\\set number random(1, {size})\n"
            "SELECT * FROM bench.sample"
            f" WHERE workload = '{workload}' AND number = :number \\gset\n"
            f"\\endif\n{asked}"
        )

    def _file(self, workload: str) -> Path:
        parts = [part for part in (workload, self._variant, "sql") if part]
        return LIMITS / ".".join(parts)

    def _asked(self, file: Path) -> str:
        statement = file.read_text(encoding="utf-8")
        if self._variant == "kept":
            statement = statement.format(**_names_of_counts())
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


def _names_of_counts() -> dict[str, object]:
    """What the counts of events by kind and state are called."""
    source = source_of(EVENT)
    assert source is not None
    cube = next(cube for cube in source.cubes if set(cube.columns) == {"kind", "state"})
    return {
        "source": source.id,
        "cube": cube.id,
        "cube_state": cube.columns.index("state") + 1,
        "cube_kind": cube.columns.index("kind") + 1,
        "delta_state": source.position("state"),
        "delta_kind": source.position("kind"),
    }
