"""What each step of an event's life costs: CPU time in the server and in the database, messages.

    steps = profile(server, cluster, lifecycles)     # [Cost("report", 2, 0.51, 0.84), …]

Step after step is taken for many events at once, so that the time of each can be told.
"""

import http.client
import json
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import local
from typing import Any

from jingwei_core.database.server_binaries import MAJOR
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.lifecycles import EVENT, NAMES, NUMBER, Lifecycles, is_found
from tests.bench.load import LoadFailed
from tests.bench.servers import KEY, Request, Server

_EVENTS = 480
_WRITTEN_S = 0.2
"""After so long the database's log has what was said."""
_SAID = ("LOG:  statement: ", "LOG:  execute ")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one step: messages to the database, and milliseconds of CPU time."""

    step: str
    messages: int
    server_ms: float
    database_ms: float


class _Client:
    """Asks on one connection for each thread."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._own = local()

    def ask(self, request: Request, event: dict[str, str] | None) -> dict[str, Any]:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection("127.0.0.1", self._server.port)
        body = request.body.replace(KEY, str(uuid.uuid4()))
        if event is not None:
            body = body.replace(EVENT, event["id"]).replace(NUMBER, event["number"])
        self._own.connection.request("POST", "/graphql", body.encode(), dict(request.headers))
        answer: dict[str, Any] = json.loads(self._own.connection.getresponse().read())
        if answer.get("errors"):
            raise LoadFailed(json.dumps(answer["errors"], ensure_ascii=False)[:1000])
        return answer


def profile(server: Server, cluster: Cluster, asked: Lifecycles) -> list[Cost]:
    """The steps of some hundreds of lives.

    Raises ``LoadFailed`` when a step is refused, or a search does not find its event closed.
    """
    client, lives = _Client(server), asked.lives[:_EVENTS]
    events: list[dict[str, str] | None] = [None] * len(lives)
    known: list[Any] = []
    for _ in NAMES:
        _step(client, lives[0], known)  # whose accounts are remembered from then on
    counted = _messages(cluster, lambda state: _step(client, lives[0], state))
    costs, answers = [], []
    with ThreadPoolExecutor(CONNECTIONS) as threads:
        for at, name in enumerate(NAMES):
            before = server.cpu_s(), cluster.cpu_s()
            requests = [life[at] for life in lives]
            answers = list(threads.map(client.ask, requests, events))
            spent = server.cpu_s() - before[0], cluster.cpu_s() - before[1]
            if at == 0:
                events = [answer["data"]["eventReport"]["event"] for answer in answers]
            each = [one * 1000 / len(lives) for one in spent]
            costs.append(Cost(name, counted[at], each[0], each[1]))
    if not all(map(is_found, answers)):
        raise LoadFailed(f"{server.name}: an event was not found closed")
    return costs


def _step(client: _Client, life: list[Request], state: list[Any]) -> None:
    """Take the next step of a life; ``state`` holds its event as often as there were steps."""
    event = state[0] if state else None
    answer = client.ask(life[len(state)], event)
    state.append(event or answer["data"]["eventReport"]["event"])


def _messages(cluster: Cluster, step: Callable[[list[Any]], None]) -> list[int]:
    """How many messages with statements each step of one life sends, as the database logs them."""
    logs = cluster.folder / "postgres" / str(MAJOR) / "log"
    _log_statements(cluster, "SET log_statement = 'all'")
    state: list[Any] = []
    counts = []
    try:
        for _ in NAMES:
            before = _said(logs)
            step(state)
            time.sleep(_WRITTEN_S)
            counts.append(_said(logs) - before)
    finally:
        _log_statements(cluster, "RESET log_statement")
    return counts


def _log_statements(cluster: Cluster, setting: str) -> None:
    cluster.psql("-c", f"ALTER SYSTEM {setting}", "-c", "SELECT pg_reload_conf()")
    time.sleep(_WRITTEN_S)


def _said(logs: Path) -> int:
    texts = (log.read_text(encoding="utf-8", errors="replace") for log in logs.glob("*.log"))
    return sum(text.count(said) for text in texts for said in _SAID)
