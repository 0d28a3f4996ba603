"""Tables of a run, as Markdown that is read in a terminal as well."""

from collections.abc import Sequence

from tests.bench.limit import VARIANTS
from tests.bench.markdown import markdown
from tests.bench.rounds import Results

OURS = "jingwei"
PEER = "postgraphile"
LIMIT = "pgbench"
FLOOR = "bare ASGI"
SAME_WORK = VARIANTS["same"]
# Against the peer, and against the limit: what the product promises.
TARGETS = {
    "list": (3.0, 0.65),
    "detail": (2.5, 0.5),
    "dashboard": (1.7, 0.85),
    "create": (1.5, 0.5),
}


def rates(results: Results, against: Sequence[str] = (PEER, LIMIT)) -> str:
    """Requests a second of everybody: median, spread, p99, and ratios to those in ``against``."""
    rows = []
    for workload, named in results.measured.items():
        for name in named:
            low, high = results.spread(workload, name)
            server_ms, database_ms = results.cpu_ms(workload, name)
            rows.append(
                [
                    workload,
                    name,
                    f"{results.rate(workload, name):,.0f}",
                    f"{low:,.0f}–{high:,.0f}",
                    f"{results.p99_ms(workload, name):.0f}",
                    f"{server_ms:.2f} + {database_ms:.2f}" if server_ms else f"{database_ms:.2f}",
                    *(_times(results.ratio(workload, name, other)) for other in against),
                ]
            )
    ratios = [f"÷ {other}" for other in against]
    table = markdown(["workload", "", "req/s", "spread", "p99 ms", "CPU ms*", *ratios], rows)
    return f"{table}\n\n\\* of each request, in the server + in the database."


def verdicts(results: Results) -> str:
    """Ours against the targets, and beside the least that a Python server can do."""
    rows = []
    for workload, (peer, limit) in TARGETS.items():
        if OURS not in results.measured.get(workload, {}):
            continue
        rows.append(
            [
                workload,
                *_verdict(results.ratio(workload, OURS, PEER), peer),
                *_verdict(results.ratio(workload, OURS, LIMIT), limit),
                _times(results.ratio(workload, FLOOR, LIMIT)),
            ]
        )
        other = results.measured[workload].get(PEER)
        if other:
            half = results.p99_ms(workload, OURS) / results.p99_ms(workload, PEER)
            rows.append(
                [f"{workload}, p99", f"{half:.2f}", "≤ 0.5", _mark(half <= 0.5), "", "", "", ""]
            )
        same, of_limit = f"{FLOOR}{SAME_WORK}", f"{LIMIT}{SAME_WORK}"
        if same in results.measured[workload]:
            ours, floor = (results.ratio(workload, name, of_limit) for name in (OURS, same))
            rows.append([f"{workload}{SAME_WORK}", *[""] * 3, _times(ours), "", "", _times(floor)])
    head = ["", f"÷ {PEER}", "target", "", f"÷ {LIMIT}", "target", "", f"{FLOOR} ÷ {LIMIT}"]
    return markdown(head, rows)


def memory(results: Results) -> str:
    """The memory of each server's processes after the run."""
    rows = [
        [name, ", ".join(f"{size:.0f}" for size in sizes)] for name, sizes in results.memory.items()
    ]
    return markdown(["after the run", "MB (PSS) of each process"], rows)


def _verdict(found: tuple[float, float, float] | None, target: float) -> list[str]:
    if found is None:
        return ["", f"≥ {target}", ""]
    return [_times(found), f"≥ {target}", _mark(found[0] >= target)]


def _mark(reached: bool) -> str:
    return "reached" if reached else "not yet"


def _times(found: tuple[float, float, float] | None) -> str:
    return "" if found is None else f"{found[0]:.2f} ({found[1]:.2f}–{found[2]:.2f})"
