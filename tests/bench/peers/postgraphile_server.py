"""PostGraphile, the quickest of the known peers."""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.pool import Pool, Sample
from tests.bench.servers import HERE, KEY, NOTE, TITLE, Request, Server, body_of

POSTGRAPHILE = HERE / "peers" / "postgraphile"


class PostGraphile(Server):
    """PostGraphile as its lock file says, under the Node that it asks for."""

    name = "postgraphile"
    workloads = frozenset({"list", "detail", "dashboard", "create"})

    def start(self, cluster: Cluster) -> None:
        """Install it at first use, and start it."""
        home = _installed(POSTGRAPHILE)
        shutil.copy(POSTGRAPHILE / "server.mjs", home / "server.mjs")
        bundled = sorted(home.glob("node_modules/node-linux-*/bin/node"))
        self.launch(
            cluster,
            [str(bundled[0]) if bundled else "node", str(home / "server.mjs")],
            {
                "PATH": os.environ.get("PATH", os.defpath),
                "NODE_ENV": "production",
                "GRAPHILE_ENV": "production",
                "BENCH_PORT": str(self.port),
                "BENCH_DATABASE_URL": cluster.app_url,
                "BENCH_CONNECTIONS": str(CONNECTIONS),
            },
        )

    def requests(self, workload: str, pool: Pool) -> list[Request]:
        """With the tenant's id in a header and the caller's area as a filter."""
        file = POSTGRAPHILE / "operations" / f"{workload}.graphql"
        document = file.read_text(encoding="utf-8")
        return [
            Request(
                {"Content-Type": "application/json", "X-Bench-Tenant": str(sample.tenant_id)},
                body_of(document, _postgraphile(workload, sample)),
            )
            for sample in pool.samples[workload]
        ]

    def rows(self, workload: str, answer: Mapping[str, Any]) -> Sequence[object]:
        """Numbers of events, sequences of entries, counts."""
        data = answer["data"]
        if workload == "list":
            return [node["number"] for node in data["allEvents"]["nodes"]]
        if workload == "detail":
            event = data["event"]
            steps = [node["sequence"] for node in event["steps"]["nodes"]]
            photos = [int(node["evidence"]["sizeBytes"]) for node in event["photos"]["nodes"]]
            return [event["number"], steps, photos]
        if workload == "create":
            return [data["createEvent"]["event"]["place"]["name"]]
        return sorted(int(node["number"]) for node in data["counts"]["nodes"])


def _installed(source: Path) -> Path:
    """A folder with the packages of the lock file, installed by the npm of this machine."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((source / "package-lock.json").read_bytes()).hexdigest()[:16]
    home = caches / "jingwei" / "bench" / f"{source.name}-{digest}"
    if (home / "node_modules").is_dir():
        return home
    draft = home.with_suffix(".new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(source / name, draft / name)
    print(f"  {source.name}: npm ci", file=sys.stderr, flush=True)
    npm = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(npm, cwd=draft, check=True, stdout=subprocess.DEVNULL)
    draft.rename(home)
    return home


def _postgraphile(workload: str, sample: Sample) -> dict[str, object]:
    if workload == "detail":
        return {"tenant": str(sample.tenant_id), "id": str(sample.event)}
    if workload != "create":
        return {"low": sample.low, "high": sample.high}
    event = {
        "rowId": KEY,
        "number": KEY,
        "kind": str(sample.kind),
        "workflow": str(sample.workflow),
        "state": "registered",
        "title": TITLE,
        "description": NOTE,
        "placeId": str(sample.grid_id),
        "reporter": str(sample.account_id),
        "stateSince": "2026-01-01T00:00:00Z",
        "dueAt": "2026-01-08T00:00:00Z",
    }
    step = {
        "event": KEY,
        "sequence": 1,
        "action": "register",
        "toState": "registered",
        "actor": str(sample.account_id),
        "actorName": "王敏",
        "note": NOTE,
        "at": "2026-01-01T00:00:00Z",
    }
    return {"event": event, "step": step}
