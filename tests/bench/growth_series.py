"""As data grows: ten times the rows in a tenant, ten times the tenants."""

from tests.bench import tables
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.load import Load
from tests.bench.markdown import markdown
from tests.bench.peers_series import running
from tests.bench.pool import Pool
from tests.bench.rounds import Results, loads_of, run_rounds, told

TITLE = "As data grows"
FEW, MANY = "20 × 5,000", "200 × 5,000"
TWENTY, LARGE, ONE = "20 × 100,000", "1 × 1,000,000", "1 × 100,000"
TENANTS = {
    FEW: range(22, 42),
    MANY: range(22, 222),
    TWENTY: range(1, 21),
    LARGE: range(21, 22),
    ONE: range(1, 2),
}
# What is compared with what, and whether it has to stay as it was. In one tenant those who create
# wait for one another; so the large tenant is compared with a single one first of all.
GROWN = (
    ("ten times the rows in the tenant", LARGE, ONE, True),
    ("ten times the tenants", MANY, FEW, True),
    ("one large against twenty", LARGE, TWENTY, False),
)
TARGET = 0.9
_TOLD = """
One database with 20 tenants of 100,000 events, one of 1,000,000 and 200 of 5,000. One server is
asked for some of the tenants at a time, with the same mix of requests; before it is measured,
each request was sent once.
"""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    pools = {name: Pool(cluster, tenants) for name, tenants in TENANTS.items()}
    server = Jingwei()
    with running([server], cluster):
        loads: dict[str, dict[str, Load]] = {}
        for workload in choices.workloads:
            if workload in server.workloads:
                loads[workload] = {
                    name: loads_of(cluster, pool, [server], workload)[server.name]
                    for name, pool in pools.items()
                }
                told(f"{workload}: answers compared")
        pace = choices.pace.shorter(asks_all=True)
        results = run_rounds(loads, pace, cluster.fold_counts)
        results.memory = {server.name: server.memory_mb()}
    parts = [_TOLD.strip(), str(pace), _verdicts(results)]
    return "\n\n".join([*parts, tables.rates(results, ()), tables.memory(results)])


def _verdicts(results: Results) -> str:
    """Throughput after growing, in that of before."""
    rows = []
    for what, after, before, is_promised in GROWN:
        for workload in results.measured:
            found = results.ratio(workload, after, before)
            assert found is not None
            told_ratio = f"{found[0]:.2f} ({found[1]:.2f}–{found[2]:.2f})"
            mark = "reached" if found[0] >= TARGET else "not yet"
            promised = [f"≥ {TARGET}", mark] if is_promised else ["", ""]
            was, now = (sum(results.cpu_ms(workload, name)) for name in (before, after))
            cpu = f"{was:.2f} → {now:.2f}"
            rows.append([what, workload, f"{after} ÷ {before}", told_ratio, *promised, cpu])
    head = ["", "workload", "tenants × events", "throughput", "target", "", "CPU ms of a request"]
    return markdown(head, rows)
