"""Workers and servers: one, two and four processes under uvicorn and granian."""

from importlib.util import find_spec

from tests.bench import tables
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.peers_series import running
from tests.bench.pool import Pool
from tests.bench.rounds import loads_of, run_rounds, told

TITLE = "Workers and servers"
_TOLD = """
The same application under uvicorn (`jingwei serve`) and under granian, with 1, 2 and 4 processes
that share sixteen database connections; two cores hold all of them, PostgreSQL and the load.
`list` is mostly work of the database, `detail` mostly work of the server.
"""
_WORKLOADS = ("list", "detail")
COUNTS = (1, 2, 4)


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    pool = Pool(cluster, range(cluster.fills[0].first, cluster.fills[0].last + 1))
    servers = [Jingwei(count) for count in COUNTS]
    if find_spec("granian"):
        servers += [Jingwei(count, "granian") for count in COUNTS]
    else:
        told("granian is not installed: uvicorn only")
    workloads = [name for name in _WORKLOADS if name in choices.workloads]
    with running(servers, cluster):
        loads = {w: loads_of(cluster, pool, servers, w) for w in workloads}
        pace = choices.pace.shorter(4)
        results = run_rounds(loads, pace)
        results.memory = {server.name: server.memory_mb() for server in servers}
    parts = [_TOLD.strip(), str(pace), tables.rates(results, ("jingwei",))]
    return "\n\n".join([*parts, tables.memory(results)])
