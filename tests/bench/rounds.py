"""Rounds: every contender does every workload once, in turn, and then again."""

import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from tests.bench.checks import check_answers, check_sizes
from tests.bench.cluster import Cluster
from tests.bench.load import Limit, Measured, PreparedRequests
from tests.bench.pool import Pool
from tests.bench.servers import Server

Load = Callable[[float], Measured]
_WARM_UP_S = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """How many rounds, and how long each stretch of load."""

    rounds: int
    seconds: float


@dataclass(slots=True)
class Results:
    """What was measured, by workload and contender; memory of each server afterwards."""

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

    def ratio(self, workload: str, name: str, other: str) -> tuple[float, float, float] | None:
        """How many times the other's rate, round by round: median, lowest, highest."""
        of, to = self.measured[workload].get(name), self.measured[workload].get(other)
        if not of or not to:
            return None
        ratios = [one.rate / two.rate for one, two in zip(of, to, strict=False)]
        return median(ratios), min(ratios), max(ratios)


def run_rounds(
    cluster: Cluster,
    pool: Pool,
    contenders: Sequence[Server],
    workloads: Sequence[str],
    *,
    pace: Pace,
    limits: Sequence[Limit] = (),
) -> Results:
    """Compare answers, warm up, and measure: the order moves by one with each round."""
    results = Results()
    loads = {w: _loads(cluster, pool, contenders, w, limits) for w in workloads}
    for workload, named in loads.items():
        for load in named.values():
            load(_WARM_UP_S)
        _told(f"{workload}: warm")
    for number in range(pace.rounds):
        for workload, named in loads.items():
            names = list(named)
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                measured = named[name](pace.seconds)
                results.measured[workload][name].append(measured)
                _told(f"round {number + 1}: {workload:<10} {name:<28} {measured.rate:>8.0f}/s")
    for workload, stretches in results.measured.items():
        for name, of_name in stretches.items():
            check_sizes(f"{name}, {workload}", of_name)
    for contender in contenders:
        results.memory[contender.name] = contender.memory_mb()
    return results


def _loads(
    cluster: Cluster,
    pool: Pool,
    contenders: Sequence[Server],
    workload: str,
    limits: Sequence[Limit],
) -> Mapping[str, Load]:
    able = [contender for contender in contenders if workload in contender.workloads]
    asked = check_answers(workload, able, pool)
    found: dict[str, Load] = {}
    for contender in able:
        found[contender.name] = PreparedRequests(
            contender, asked[contender.name], cluster.folder
        ).load
    for limit in limits:
        found[limit.name] = _limit_load(limit, workload, pool)
    return found


def _limit_load(limit: Limit, workload: str, pool: Pool) -> Load:
    return lambda seconds: limit.load(workload, pool, seconds)


def _told(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
