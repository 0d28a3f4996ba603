"""The limit's SQL behind a bare ASGI application."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.cluster import Cluster
from tests.bench.limit import VARIANTS
from tests.bench.peers.bare_app import LIMITS, function_of, names_in, writes
from tests.bench.pool import Pool, Sample
from tests.bench.servers import Request, Server, peer_environment, uvicorn


class Bare(Server):
    """uvicorn and asyncpg, and nothing between them; variants are those of the limit."""

    def __init__(self, variant: str = "") -> None:
        super().__init__()
        self._variant = variant
        self.name = f"bare ASGI{VARIANTS.get(variant, '')}"
        every = frozenset({"list", "detail", "dashboard", "create"})
        self.workloads = frozenset(name for name in every if self._file(name).exists())

    def start(self, cluster: Cluster) -> None:
        """Start it from this checkout."""
        for file in filter(writes, sorted(LIMITS.glob("*.sql"))):
            cluster.psql("-c", function_of(file))
        command = uvicorn("tests.bench.peers.bare_app:app", self.port)
        self.launch(cluster, command, peer_environment(cluster))

    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """The name of the statement that ``pgbench`` sends for a sample, and its values."""
        return [
            Request({"Content-Type": "application/json"}, json.dumps(self._asked(workload, sample)))
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
        if workload == "create":
            return [data["place"]["name"]]
        return sorted(count["count"] for count in data)

    def _file(self, workload: str) -> Path:
        return LIMITS / ".".join(part for part in (workload, self._variant, "sql") if part)

    def _asked(self, workload: str, sample: Sample) -> dict[str, object]:
        wide = LIMITS / f"{workload}.wide.sql"
        file = wide if sample.is_wide and wide.exists() else self._file(workload)
        given = {"low": sample.low, "high": sample.high, "event": sample.event}
        given |= {"place": sample.grid_id, "account": sample.account_id}
        given |= {"kind": sample.kind, "workflow": sample.workflow}
        return {
            "statement": file.stem,
            "tenant": str(sample.tenant_id),
            "values": [str(given[name]) for name in names_in(file)],
        }
