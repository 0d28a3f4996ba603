"""The life of an event, in a tenant of 100,000 events and in one of 1,000,000."""

from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.growth_series import LARGE, ONE, TENANTS
from tests.bench.jingwei import Jingwei
from tests.bench.lifecycle_profile import Cost, profile
from tests.bench.lifecycles import Lifecycles
from tests.bench.markdown import markdown
from tests.bench.peers_series import running
from tests.bench.pool import Pool
from tests.bench.rounds import Results, run_rounds

TITLE = "Lifecycle"
WORKLOAD = "lifecycle"
RATE, GROWN = 100, 0.9
"""Lives a second, and the rate in the large tenant in that of the other."""
_TOLD = """
One life: a grid worker reports an event (登记); the community chief files and verifies it
(立案, 核实); an operator of the street's centre dispatches it to a department (派遣), whose member
handles it (处理); a checker checks it (核查); the operator closes it (结案); the grid worker finds
it by its number, beside the ten newest of its kind in the grid. That is the shortest way to the end
of the city's standard loop without photos: seven mutations and a query over HTTP, by five accounts
with tokens of their own, each sent when the one before is answered; sixteen connections, one
tenant. DIGIT takes four requests for a life, and did 37 a second on an empty table and 6.3 at
1,006,743 events, on 16 cores.
"""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    server = Jingwei()
    with running([server], cluster):
        asked = {
            name: Lifecycles(server, Pool(cluster, TENANTS[name]), cluster) for name in (ONE, LARGE)
        }
        costs = profile(server, cluster, asked[LARGE])
        loads = {WORKLOAD: {name: each.load for name, each in asked.items()}}
        results = run_rounds(loads, choices.pace, cluster.fold_counts)
    parts = [_TOLD.strip(), str(choices.pace), _verdicts(results), _rates(results)]
    return "\n\n".join([*parts, _profile(costs)])


def _verdicts(results: Results) -> str:
    ratio = results.ratio(WORKLOAD, LARGE, ONE)
    assert ratio is not None
    rows = [
        [
            f"lives a second, {name}",
            f"{results.rate(WORKLOAD, name):.0f}",
            f"≥ {RATE}",
            _mark(results.rate(WORKLOAD, name) >= RATE),
        ]
        for name in (ONE, LARGE)
    ]
    told = f"{ratio[0]:.2f} ({ratio[1]:.2f}–{ratio[2]:.2f})"
    rows.append([f"{LARGE} ÷ {ONE}", told, f"≥ {GROWN}", _mark(ratio[0] >= GROWN)])
    return markdown(["", "measured", "target", ""], rows)


def _rates(results: Results) -> str:
    rows = []
    for name in (ONE, LARGE):
        low, high = results.spread(WORKLOAD, name)
        server_ms, database_ms = results.cpu_ms(WORKLOAD, name)
        rows.append(
            [
                name,
                f"{results.rate(WORKLOAD, name):.0f}",
                f"{low:.0f}–{high:.0f}",
                f"{results.p99_ms(WORKLOAD, name):.0f}",
                f"{server_ms:.1f} + {database_ms:.1f}",
            ]
        )
    table = markdown(["", "lives/s", "spread", "p99 ms of a request", "CPU ms*"], rows)
    return f"{table}\n\n\\* of each life, in the server + in the database."


def _profile(costs: list[Cost]) -> str:
    rows = [
        [one.step, str(one.messages), f"{one.server_ms:.2f}", f"{one.database_ms:.2f}"]
        for one in costs
    ]
    server_ms = sum(one.server_ms for one in costs)
    database_ms = sum(one.database_ms for one in costs)
    messages = str(sum(one.messages for one in costs))
    rows.append(["all", messages, f"{server_ms:.2f}", f"{database_ms:.2f}"])
    head = ["step", "messages to the database", "CPU ms, server", "CPU ms, database"]
    return f"Step by step, in the large tenant:\n\n{markdown(head, rows)}"


def _mark(reached: bool) -> str:
    return "reached" if reached else "not yet"
