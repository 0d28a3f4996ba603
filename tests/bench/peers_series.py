"""The main series: everybody, every workload."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from tests.bench import tables
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.limit import Limit
from tests.bench.peers.bare_server import Bare
from tests.bench.peers.postgraphile_server import PostGraphile
from tests.bench.peers.strawberry_server import CachedStrawberry, Strawberry
from tests.bench.pool import Pool
from tests.bench.rounds import loads_of, run_rounds
from tests.bench.servers import Server

TITLE = "Against the peers and the limit"
MAKERS: dict[str, Callable[[], Server]] = {
    "jingwei": Jingwei,
    "postgraphile": PostGraphile,
    "strawberry": Strawberry,
    "strawberry-cached": CachedStrawberry,
    "bare": Bare,
    "bare-same": lambda: Bare("same"),
}
LIMITS: dict[str, Callable[[Cluster], Limit]] = {
    "pgbench": Limit,
    "pgbench-kept": lambda cluster: Limit(cluster, variant="kept"),
    "pgbench-same": lambda cluster: Limit(cluster, variant="same"),
    "pgbench-4": lambda cluster: Limit(cluster, 4),
}
_TOLD = """
Twenty tenants with 100,000 events each, spread over a year and lying between one another; a tree of
1,131 places and 1,126 accounts in each; every twentieth event has ten timeline entries and three
photos. 16 connections. `list`: the 50 newest events in the caller's area (a grid for 40 % of the
callers, a community for 30 %, a street for 20 %, the city for 10 %), with grids and reporters.
`detail`: an event with ten entries and three photos. `dashboard`: counts by state and kind in a
street (70 %) or community. `create`: an event with its first entry.

Jingwei answers through its whole stack: token, permissions, limits, row security; for `create` also
number, deadlines, idempotency key, audit chain and notices. PostGraphile and Strawberry are handed
tenant and area and store the two rows. `pgbench` sends the best SQL for the workload, tenant and
statement in one pipelined trip with generic plans, the two rows for `create`; with kept counts it
reads for `dashboard` what the platform keeps, like Jingwei, and otherwise the rows; with the same
work it stores for `create` all that Jingwei stores. Bare ASGI is a Python server of a few lines
that sends `pgbench`'s SQL and returns its bytes: no GraphQL, no token, no permissions; where it
stays below a target, no server in one Python process reaches it. What a worker would fold into the
kept counts is folded between the rounds.
"""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    pool = Pool(cluster, range(cluster.fills[0].first, cluster.fills[0].last + 1))
    servers = [MAKERS[name]() for name in choices.contenders if name in MAKERS]
    limits = [LIMITS[name](cluster) for name in choices.contenders if name in LIMITS]
    with running(servers, cluster):
        loads = {w: loads_of(cluster, pool, servers, w, limits) for w in choices.workloads}
        results = run_rounds(loads, choices.pace, cluster.fold_counts)
        results.memory = {server.name: server.memory_mb() for server in servers}
    parts = [_TOLD.strip(), str(choices.pace), tables.verdicts(results)]
    return "\n\n".join([*parts, tables.rates(results), tables.memory(results)])


@contextmanager
def running(servers: Sequence[Server], cluster: Cluster) -> Iterator[None]:
    """The servers, started and stopped."""
    with ExitStack() as stack:
        for server in servers:
            stack.callback(server.stop)
            server.start(cluster)
        yield
