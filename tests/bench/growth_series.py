"""As data grows: ten times the rows in a tenant, ten times the tenants."""

from tests.bench import tables
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.limit import Limit
from tests.bench.load import Load
from tests.bench.peers_series import running
from tests.bench.pool import Pool
from tests.bench.rounds import loads_of, run_rounds

TITLE = "As data grows"
BEFORE = "20 tenants × 100,000"
ROWS = "1 tenant × 1,000,000"
TENANTS = "200 tenants"
_TOLD = """
One database with twenty tenants of 100,000 events, one of 1,000,000 and 180 more of 5,000. The
same server is asked for the twenty, for the large one, and for all but the large one.
"""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    pools = {
        BEFORE: Pool(cluster, range(1, 21)),
        ROWS: Pool(cluster, range(21, 22)),
        TENANTS: Pool(cluster, [*range(1, 21), *range(22, 202)]),
    }
    server, limit = Jingwei(), Limit(cluster, 1)
    with running([server], cluster):
        loads: dict[str, dict[str, Load]] = {}
        for workload in choices.workloads:
            if workload in server.workloads:
                loads[workload] = {}
                for name, pool in pools.items():
                    found = loads_of(cluster, pool, [server], workload, [limit])
                    loads[workload][name] = found[server.name]
                    loads[workload][f"{name}, {limit.name}"] = found[limit.name]
        pace = choices.pace.shorter()
        results = run_rounds(loads, pace, cluster.fold_counts)
        results.memory = {server.name: server.memory_mb()}
    parts = [_TOLD.strip(), str(pace)]
    table = tables.rates(results, (BEFORE, f"{BEFORE}, {limit.name}"))
    return "\n\n".join([*parts, table, tables.memory(results)])
