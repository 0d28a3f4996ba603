"""Subscriptions: two thousand clients on one worker, two hundred changes a second."""

import asyncio
import random
import resource
import time
import uuid
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import asyncpg

from jingwei_api.schema.global_id import decode
from jingwei_core.access.tokens import AccessTokens
from jingwei_core.clock import SystemClock
from jingwei_core.session import Identity
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.markdown import markdown
from tests.bench.peers_series import running
from tests.bench.pool import bench_id
from tests.bench.rounds import told
from tests.bench.servers import HERE
from tests.bench.subscription_clients import Asked, Subscriber

TITLE = "Subscriptions"
CLIENTS = 2000
TENANTS = (1, 2)
RATE = 200
SECONDS = 20
_TOLD = f"""
{CLIENTS:,} WebSocket clients on one worker, each with an account and an area of its own in one of
two tenants (most a grid), asking for the number, title, state and place of each event that changes.
{RATE} changes a second are committed for {SECONDS} seconds; the time is from the commit to the
client. The clients and the writer share the two cores with the server.
"""
_PEOPLE = """
SELECT p.account, l.path FROM core.post p JOIN core.place l ON l.tenant_id = p.tenant_id
   AND l.id = p.place_id WHERE p.tenant_id = '{tenant}' ORDER BY length(l.path), l.path LIMIT {most}
"""
_EVENTS = """
SELECT id, place_path, reporter, assigned_account FROM core.event TABLESAMPLE SYSTEM (20)
 WHERE tenant_id = '{tenant}' LIMIT 4000
"""


@dataclass(slots=True)
class _Run:
    """What was sent and what came."""

    sent: dict[tuple[str, uuid.UUID, int], float] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    wrong: int = 0
    failed: list[str] = field(default_factory=list)
    turns: dict[tuple[Subscriber, uuid.UUID], int] = field(default_factory=lambda: defaultdict(int))
    areas: dict[Subscriber, tuple[int, uuid.UUID, str]] = field(default_factory=dict)
    commits: dict[uuid.UUID, list[float]] = field(default_factory=lambda: defaultdict(list))
    events: dict[uuid.UUID, tuple[int, str, frozenset[uuid.UUID]]] = field(default_factory=dict)

    def receive(self, client: Subscriber, message: Mapping[str, Any], now: float) -> None:
        """A message for a client."""
        payload = message.get("payload")
        if message["type"] != "next" or payload.get("errors"):
            self.failed.append(str(message)[:300])
            return
        _, event = decode(payload["data"]["changes"]["id"])
        tenant, path, people = self.events[event]
        mine, account, area = self.areas[client]
        if mine != tenant or not (path.startswith(area) or account in people):
            self.wrong += 1
        turn = self.turns[client, event]
        self.turns[client, event] = turn + 1
        self.waits.append(now - self.commits[event][turn])

    @property
    def due(self) -> int:
        """How many messages should have come."""
        return sum(
            len(self.commits[event])
            for event, (tenant, path, people) in self.events.items()
            if event in self.commits
            for mine, account, area in self.areas.values()
            if mine == tenant and (path.startswith(area) or account in people)
        )


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * CLIENTS)), hard))
    server = Jingwei()
    with running([server], cluster):
        run, figures = asyncio.run(_measured(cluster, server))
    if run.failed:
        told(f"{len(run.failed)} failures, the first: {run.failed[0]}")
    waits = sorted(run.waits)
    rows = [
        ["changes a second", f"{figures['rate']:.0f}", f"{RATE}"],
        ["messages that came / should have", f"{len(waits):,} / {run.due:,}", "all"],
        ["messages out of the client's area", f"{run.wrong}", "0"],
        ["streams that failed", f"{len(run.failed)}", "0"],
        *(
            [f"p{p}", f"{_at(waits, p) * 1000:.0f} ms", {95: "250 ms"}.get(p, "")]
            for p in (50, 95, 99)
        ),
        ["memory for each client", f"{figures['kb']:.1f} KB", "40 KB"],
        ["cores used by the worker", f"{figures['cores']:.2f}", ""],
    ]
    return "\n\n".join([_TOLD.strip(), markdown(["", "measured", "at most"], rows)])


def _at(values: list[float], percent: int) -> float:
    return values[min(len(values) - 1, len(values) * percent // 100)] if values else float("nan")


async def _measured(cluster: Cluster, server: Jingwei) -> tuple[_Run, dict[str, float]]:
    run = _Run()
    await _connect(cluster, server, run, 50)  # what the first clients load belongs to no client
    before = server.memory_mb()[0]
    at_first = len(run.areas)
    await _connect(cluster, server, run, CLIENTS)
    await asyncio.sleep(2)
    kb = (server.memory_mb()[0] - before) * 1000 / (len(run.areas) - at_first)
    told(f"{len(run.areas)} clients, {kb:.1f} KB each")
    cpu, began = server.cpu_s(), time.monotonic()
    count = await _write(cluster, run)
    took = time.monotonic() - began
    cores = (server.cpu_s() - cpu) / took
    await asyncio.sleep(3)
    for client in run.areas:
        client.close()
    return run, {"kb": kb, "cores": cores, "rate": count / took}


async def _connect(cluster: Cluster, server: Jingwei, run: _Run, most: int) -> None:
    document = (HERE / "operations" / "changes.subscription").read_text(encoding="utf-8")
    settings, loop = cluster.settings, asyncio.get_running_loop()
    tokens = AccessTokens(settings.secret(), timedelta(seconds=settings.access_token_s))
    known = {(tenant, account) for tenant, account, _ in run.areas.values()}
    for tenant in TENANTS:
        sql = _PEOPLE.format(tenant=bench_id(1, tenant, 0), most=most // len(TENANTS))
        people = (row.split("|") for row in cluster.psql("-c", sql).splitlines())
        for account, path in people:
            who = uuid.UUID(account)
            if (tenant, who) in known:
                continue
            token = tokens.issue(bench_id(1, tenant, 0), Identity(who, 0), SystemClock().now())
            asked = Asked(f"bench-{tenant}", token, document)
            _, client = await loop.create_connection(
                lambda asked=asked: Subscriber(server.port, asked, run.receive),
                "127.0.0.1",
                server.port,
            )
            run.areas[client] = (tenant, who, path)
            await client.is_ready


async def _write(cluster: Cluster, run: _Run) -> int:
    """Change events, each in a transaction of its own with the notice that a command would send."""
    chosen: list[tuple[int, uuid.UUID, str]] = []
    for tenant in TENANTS:
        rows = cluster.psql("-c", _EVENTS.format(tenant=bench_id(1, tenant, 0))).splitlines()
        for event, path, *people in (row.split("|") for row in rows):
            who = frozenset(uuid.UUID(one) for one in people if one)
            run.events[uuid.UUID(event)] = (tenant, path, who)
            chosen.append((tenant, uuid.UUID(event), path))
    draw = random.Random(1)
    async with asyncpg.create_pool(cluster.app_url, min_size=4, max_size=4) as pool:
        began, count = time.monotonic(), RATE * SECONDS
        for number in range(count):
            tenant, event, path = draw.choice(chosen)
            async with pool.acquire() as connection:
                await _change(connection, tenant, (event, path), run)
            await asyncio.sleep(max(0, began + (number + 1) / RATE - time.monotonic()))
    return count


async def _change(connection: Any, tenant: int, changed: tuple[uuid.UUID, str], run: _Run) -> None:
    bound, (event, path) = bench_id(1, tenant, 0), changed
    notice = f'{{"tenant": "{bound}", "record": "Event", "id": "{event}", "path": "{path}"}}'
    await connection.execute(
        f"BEGIN; SELECT set_config('app.tenant', '{bound}', true);"
        f" UPDATE core.event SET version = version + 1 WHERE id = '{event}';"
        f" SELECT pg_notify('jingwei_changes', '{notice}')"
    )
    run.commits[event].append(time.monotonic())
    await connection.execute("COMMIT")
