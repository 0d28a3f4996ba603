"""Rounds: everybody does every workload once, in turn, and then again."""

import math
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.checks import check_answers, check_sizes, stored_all
from tests.bench.cluster import Cluster
from tests.bench.limit import Limit
from tests.bench.load import Load, Measured, PreparedRequests
from tests.bench.pool import SIZE as POOL
from tests.bench.pool import Pool
from tests.bench.servers import Server

Loads = Mapping[str, Mapping[str, Load]]
"""By workload and name: runs for so many seconds."""

_LONGEST_WARM_UP_S = 20


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rounds, and how long each stretch of load.

    With ``asks_all``, warming up goes on until each request of the pool was sent.
    """

    rounds: int
    seconds: float
    warm_up_s: float = 2
    asks_all: bool = False

    def shorter(self, warm_up_s: float = 2, *, asks_all: bool = False) -> "Pace":
        """For a series with many stretches."""
        return Pace(min(self.rounds, 3), min(self.seconds, 2), warm_up_s, asks_all)

    def warm(self, load: Load) -> None:
        """Warm up one load."""
        sent = load(self.warm_up_s).requests
        if self.asks_all and sent < POOL:
            load(min(_LONGEST_WARM_UP_S, math.ceil(self.warm_up_s * POOL / sent)))

    def __str__(self) -> str:
        """As the page says it."""
        return f"{self.rounds} rounds; each stretch of load {self.seconds:.0f} s."


@dataclass(slots=True)
class Results:
    """What was measured, by workload and name; memory of each server's processes afterwards."""

    measured: dict[str, dict[str, list[Measured]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )
    memory: dict[str, list[float]] = field(default_factory=dict)

    def rate(self, workload: str, name: str) -> float:
        """The median rate, requests a second."""
        return median(one.rate for one in self.measured[workload][name])

    def spread(self, workload: str, name: str) -> tuple[float, float]:
        """The lowest and the highest rate."""
        rates = [one.rate for one in self.measured[workload][name]]
        return min(rates), max(rates)

    def p99_ms(self, workload: str, name: str) -> float:
        """The median of the rounds' 99th percentiles."""
        return median(one.p99_ms for one in self.measured[workload][name])

    def cpu_ms(self, workload: str, name: str) -> tuple[float, float]:
        """CPU time of a request in the server and in the database, the median of the rounds."""
        stretches = self.measured[workload][name]
        return median(s.server_ms for s in stretches), median(s.database_ms for s in stretches)

    def ratio(self, workload: str, name: str, other: str) -> tuple[float, float, float] | None:
        """How many times the other's rate, round by round: median, lowest, highest."""
        of, to = self.measured[workload].get(name), self.measured[workload].get(other)
        if not of or not to:
            return None
        ratios = [one.rate / two.rate for one, two in zip(of, to, strict=True)]
        return median(ratios), min(ratios), max(ratios)


def run_rounds(loads: Loads, pace: Pace, between: Callable[[], None] | None = None) -> Results:
    """Warm up, and measure; the order moves by one with each round, before which ``between`` is
    called.

    Raises ``Disagreement`` when answers under load were of quite different sizes.
    """
    results = Results()
    for workload, named in loads.items():
        for load in named.values():
            pace.warm(load)
        told(f"{workload}: warm")
    for number in range(pace.rounds):
        if between is not None:
            between()
        for workload, named in loads.items():
            names = list(named)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                measured = named[name](pace.seconds)
                results.measured[workload][name].append(measured)
                told(f"round {number + 1}: {workload:<10} {name:<28} {measured.rate:>8.0f}/s")
    for workload, stretches in results.measured.items():
        for name, of_name in stretches.items():
            check_sizes(f"{name}, {workload}", of_name)
    return results


def loads_of(
    cluster: Cluster,
    pool: Pool,
    servers: Sequence[Server],
    workload: str,
    limits: Sequence[Limit] = (),
) -> dict[str, Load]:
    """Everybody's load of a workload, after their answers were compared.

    Raises ``Disagreement`` when a server answers with errors or other rows than the first.
    """
    able = [server for server in servers if workload in server.workloads]
    asked = check_answers(workload, able, pool)
    found: dict[str, Load] = {
        server.name: PreparedRequests(server, asked[server.name], cluster).load for server in able
    }
    for limit in limits:
        if limit.can(workload):
            found[limit.name] = _limit_load(limit, workload, pool)
    if workload != "create":
        return found
    return {name: stored_all(cluster, name, load) for name, load in found.items()}


def told(what: str) -> None:
    """News of a run, for whoever waits for it."""
    print(f"  {what}", file=sys.stderr, flush=True)


def _limit_load(limit: Limit, workload: str, pool: Pool) -> Load:
    return lambda seconds: limit.load(workload, pool, seconds)
