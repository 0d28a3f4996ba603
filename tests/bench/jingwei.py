"""Ours, in the states that are measured."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jingwei_api.schema.global_id import encode
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.pool import Pool, Sample
from tests.bench.servers import HERE, KEY, NOTE, TITLE, Request, Server, body_of
from tests.servers.databases import environment


class Jingwei(Server):
    """Ours, the whole of it: ``jingwei serve``, tokens, permissions, row security."""

    def __init__(self, workers: int = 1, server: str = "uvicorn") -> None:
        super().__init__()
        self._workers = workers
        self._server = server
        self.name = "jingwei" if server == "uvicorn" else f"jingwei, {server}"
        self.name += f", {workers} workers" if workers > 1 else ""
        self.workloads = frozenset(file.stem for file in (HERE / "operations").glob("*.graphql"))

    def start(self, cluster: Cluster) -> None:
        """``jingwei serve``, or the same application under granian."""
        programs = Path(sys.executable).parent
        port = ["--port", str(self.port), "--workers", str(self._workers)]
        command = [str(programs / "jingwei"), "serve", *port]
        if self._server == "granian":
            command = [str(programs / "granian"), "--interface", "asgi", *port]
            command += ["--loop", "uvloop", "--no-ws", "jingwei_api.asgi:app"]
        lives = str(cluster.settings.access_token_s)
        self.launch(
            cluster,
            command,
            environment(
                cluster.settings.model_copy(update={"pool_size": CONNECTIONS // self._workers}),
                JINGWEI_ACCESS_TOKEN_S=lives,
                JINGWEI_LOG_LEVEL="WARNING",
                JINGWEI_API_COST_PER_MINUTE="0",
            ),
        )

    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """With a signed token for each caller."""
        samples = pool.samples[workload]
        document = (HERE / "operations" / f"{workload}.graphql").read_text(encoding="utf-8")
        return [
            Request(
                {
                    "Content-Type": "application/json",
                    "X-Jingwei-Tenant": sample.slug,
                    "Authorization": f"Bearer {token}",
                },
                body_of(document, _ours(workload, sample)),
            )
            for sample, token in zip(samples, pool.tokens(samples), strict=True)
        ]

    def rows(self, workload: str, answer: Mapping[str, Any]) -> Sequence[object]:
        """Numbers of events, sequences of entries, counts."""
        data = answer["data"]
        if workload == "list":
            return [edge["node"]["number"] for edge in data["events"]["edges"]]
        if workload == "detail":
            event = data["event"]
            steps = [edge["node"]["sequence"] for edge in event["steps"]["edges"]]
            photos = [edge["node"]["evidence"]["sizeBytes"] for edge in event["evidence"]["edges"]]
            return [event["number"], steps, photos]
        if workload == "create":
            return [data["eventReport"]["event"]["place"]["name"]]
        counts = data["events"]["aggregate"]["groups"]
        return sorted(group["count"] for group in counts)


def _ours(workload: str, sample: Sample) -> dict[str, object]:
    match workload:
        case "detail":
            return {"id": encode("Event", sample.event)}
        case "dashboard":
            return {"under": encode("Place", sample.place_id)}
        case "create":
            given = {
                "kind": sample.kind_code,
                "title": TITLE,
                "description": NOTE,
                "placeId": encode("Place", sample.grid_id),
            }
            return {"input": given, "key": KEY}
        case _:
            return {}
