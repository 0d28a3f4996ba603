"""The limit's SQL behind a bare ASGI application."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from tests.bench.cluster import Cluster
from tests.bench.peers.bare_app import LIMITS, names_in
from tests.bench.pool import Pool, Sample
from tests.bench.servers import Request, Server, peer_environment, uvicorn


class Bare(Server):
    """uvicorn and asyncpg, and nothing between them."""

    name = "bare ASGI"
    workloads = frozenset({"list", "detail", "dashboard"})

    def start(self, cluster: Cluster) -> None:
        """Start it from this checkout."""
        command = uvicorn("tests.bench.peers.bare_app:app", self.port)
        self.launch(cluster, command, peer_environment(cluster))

    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """The name of the statement that ``pgbench`` sends for a sample, and its values."""
        return [
            Request({"Content-Type": "application/json"}, json.dumps(_asked(workload, sample)))
            for sample in pool.samples[workload]
        ]

    def rows(self, workload: str, answer: Mapping[str, Any]) -> Sequence[object]:
        """Numbers of events, sequences of entries, counts."""
        data = answer["data"]
        if workload == "list":
            return [event["number"] for event in data]
        if workload == "detail":
            steps = [step["sequence"] for step in data["steps"]]
            return [data["number"], steps, [e["evidence"]["sizeBytes"] for e in data["evidence"]]]
        return sorted(count["count"] for count in data)


def _asked(workload: str, sample: Sample) -> dict[str, object]:
    wide = LIMITS / f"{workload}.wide.sql"
    file = wide if sample.is_wide and wide.exists() else LIMITS / f"{workload}.sql"
    given = {"low": sample.low, "high": sample.high, "event": str(sample.event)}
    return {
        "statement": file.stem,
        "tenant": str(sample.tenant_id),
        "values": [given[name] for name in names_in(file)],
    }
