"""Whether the contenders do the same work: nobody wins by failing, or by answering less."""

import json
from collections.abc import Sequence

from tests.bench.cluster import Cluster
from tests.bench.load import Load, Measured
from tests.bench.pool import Pool
from tests.bench.servers import Request, Server

_SAMPLES = 12
_FEW = 3
"""So many of the samples may have no rows: a grid of a small tenant without events."""


class Disagreement(AssertionError):
    """An answer with errors, or with other rows than the other contenders'."""


def check_answers(
    workload: str, contenders: Sequence[Server], pool: Pool
) -> dict[str, list[Request]]:
    """The requests of each contender, after some of them were asked everywhere and compared."""
    asked = {contender.name: contender.requests(workload, pool) for contender in contenders}
    empty = 0
    step = max(1, len(pool.samples[workload]) // _SAMPLES)
    for at in range(0, step * _SAMPLES, step):
        first: tuple[str, Sequence[object]] | None = None
        for contender in contenders:
            answer = contender.ask(asked[contender.name][at])
            if answer.get("errors"):
                told = json.dumps(answer["errors"], ensure_ascii=False)[:1000]
                raise Disagreement(f"{contender.name}, {workload}: {told}")
            rows = contender.rows(workload, answer)
            empty += not rows
            if empty > _FEW * len(contenders):
                raise Disagreement(f"{contender.name}, {workload}: no rows")
            if first is None:
                first = (contender.name, rows)
            elif rows != first[1]:
                raise Disagreement(
                    f"{workload}, request {at}: {first[0]} {first[1]}, {contender.name} {rows}"
                )
    return asked


def check_sizes(name: str, measured: Sequence[Measured]) -> None:
    """Raise ``Disagreement`` when answers under load are far smaller than usual: errors are."""
    sizes = [one.bytes_each for one in measured]
    if sizes and min(sizes) < 0.5 * max(sizes):
        raise Disagreement(f"{name}: answers of {min(sizes):.0f} to {max(sizes):.0f} bytes")


def stored_all(cluster: Cluster, name: str, load: Load) -> Load:
    """The load of a workload that stores an event with each request.

    It raises ``Disagreement`` when fewer events were stored than requests answered.
    """

    def checked(seconds: float) -> Measured:
        before = _events(cluster)
        measured = load(seconds)
        stored = _events(cluster) - before
        if stored < measured.requests:
            raise Disagreement(f"{name}: {measured.requests} requests stored {stored} events")
        return measured

    return checked


def _events(cluster: Cluster) -> int:
    return int(cluster.psql("-c", "SELECT count(*) FROM core.event"))
