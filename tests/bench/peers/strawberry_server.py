"""Plain Strawberry, with and without its caches of parsed and validated documents."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.cluster import Cluster
from tests.bench.pool import Pool, Sample
from tests.bench.servers import (
    HERE,
    KEY,
    NOTE,
    TITLE,
    Request,
    Server,
    body_of,
    peer_environment,
    uvicorn,
)

OPERATIONS = HERE / "peers" / "strawberry_operations"


class Strawberry(Server):
    """Strawberry under uvicorn, one worker."""

    name = "strawberry"
    workloads = frozenset({"list", "detail", "dashboard", "create"})
    is_cached = False

    def start(self, cluster: Cluster) -> None:
        """Start it from this checkout."""
        cached = "1" if self.is_cached else ""
        command = uvicorn("tests.bench.peers.strawberry_plain:app", self.port)
        self.launch(cluster, command, peer_environment(cluster, BENCH_CACHED=cached))

    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """With the tenant's id in a header and the caller's area as arguments."""
        document = (OPERATIONS / f"{workload}.graphql").read_text(encoding="utf-8")
        return [
            Request(
                {"Content-Type": "application/json", "X-Bench-Tenant": str(sample.tenant_id)},
                body_of(document, _variables(workload, sample)),
            )
            for sample in pool.samples[workload]
        ]

    def rows(self, workload: str, answer: Mapping[str, Any]) -> Sequence[object]:
        """Numbers of events, sequences of entries, counts."""
        data = answer["data"]
        if workload == "list":
            return [event["number"] for event in data["events"]]
        if workload == "detail":
            steps = [step["sequence"] for step in data["event"]["steps"]]
            photos = [photo["evidence"]["sizeBytes"] for photo in data["event"]["evidence"]]
            return [data["event"]["number"], steps, photos]
        if workload == "create":
            return [data["create"]["place"]["name"]]
        return sorted(count["number"] for count in data["counts"])


class CachedStrawberry(Strawberry):
    """The same with its own extensions for documents that come again."""

    name = "strawberry, cached"
    is_cached = True


def _variables(workload: str, sample: Sample) -> dict[str, object]:
    if workload == "detail":
        return {"id": str(sample.event)}
    if workload != "create":
        return {"low": sample.low, "high": sample.high}
    event = {
        "number": KEY,
        "kind": str(sample.kind),
        "workflow": str(sample.workflow),
        "title": TITLE,
        "description": NOTE,
        "place": str(sample.grid_id),
        "reporter": str(sample.account_id),
    }
    return {"event": event}
