"""Where a list's time goes: the same requests with more and more layers."""

import asyncio
import itertools
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx

from jingwei_api.app import create_app
from jingwei_api.logs import configure_logs
from jingwei_core.database.engine import Database, open_database
from jingwei_core.platform import open_platform
from tests.bench import tables
from tests.bench.choices import Choices
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.jingwei import Jingwei
from tests.bench.layer_apps import ANSWER
from tests.bench.limit import Limit
from tests.bench.load import Load, Measured
from tests.bench.markdown import markdown
from tests.bench.peers_series import running
from tests.bench.pool import Pool
from tests.bench.rounds import Results, loads_of, run_rounds
from tests.bench.servers import Request, uvicorn
from tests.servers.databases import environment

TITLE = "Where a list's time goes"
WORKLOAD = "list"
_TOLD = """
`http`: uvicorn with a bare application that sends an answer of the same size. `framework`: routes,
headers, token and tenant as well. `plan`: everything but the database, which is answered from
memory. `whole`: everything. `driver`: only the planned statements, sixteen at a time, without HTTP.
"""

Statement = tuple[UUID, str, tuple[object, ...]]


class Layered(Jingwei):
    """Ours up to a layer."""

    def __init__(self, layer: str, application: str, answer: Path) -> None:
        super().__init__()
        self.name = layer
        self._application = application
        self._file = answer

    def start(self, cluster: Cluster) -> None:
        """As ``jingwei serve`` starts it."""
        command = uvicorn(f"tests.bench.layer_apps:{self._application}", self.port)
        here = str(Path(__file__).parents[2])
        env = environment(
            cluster.settings,
            JINGWEI_ACCESS_TOKEN_S=str(cluster.settings.access_token_s),
            JINGWEI_LOG_LEVEL="WARNING",
            PYTHONPATH=":".join([here, *sys.path]),
        )
        self.launch(cluster, command, env | {ANSWER: str(self._file)})


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page."""
    pool = Pool(cluster, range(cluster.fills[0].first, cluster.fills[0].last + 1))
    whole = Jingwei()
    answer = cluster.folder / "answer.json"
    layers = [
        Layered("http", "http", answer),
        Layered("framework", "framework", answer),
        Layered("plan", "planned", answer),
    ]
    with running([whole], cluster):
        requests = whole.requests(WORKLOAD, pool)
        answers = [json.dumps(whole.ask(r), ensure_ascii=False) for r in requests[:32]]
        answer.write_text(sorted(answers, key=len)[len(answers) // 2], encoding="utf-8")
        statements = asyncio.run(_statements(cluster, requests))
        with running(layers, cluster):
            whole.name = "whole"
            loads: dict[str, Load] = {}
            for server in (*layers, whole):
                loads |= loads_of(cluster, pool, [server], WORKLOAD)
            limit = Limit(cluster, 1)
            loads["driver"] = lambda seconds: _driven(cluster, statements, seconds)
            loads[limit.name] = lambda seconds: limit.load(WORKLOAD, pool, seconds)
            pace = choices.pace.shorter()
            results = run_rounds({WORKLOAD: loads}, pace)
    parts = [_TOLD.strip(), str(pace), _costs(results)]
    return "\n\n".join([*parts, tables.rates(results, ("whole",))])


def _costs(results: Results) -> str:
    """What each layer adds to what lies before it, in CPU time of a request."""
    spent = {name: results.cpu_ms(WORKLOAD, name) for name in ("http", "framework", "plan")}
    server, database = results.cpu_ms(WORKLOAD, "whole")
    steps = [0.0, *(of_server for of_server, _ in spent.values()), server]
    names = (*spent, "driver, waiting for and passing on what the database answers")
    rows = [
        [name, f"{max(0.0, after - before):.2f}"]
        for name, (before, after) in zip(names, itertools.pairwise(steps), strict=True)
    ]
    rows.append(["database", f"{database:.2f}"])
    return markdown(["layer", "CPU ms of a request"], rows)


async def _statements(cluster: Cluster, requests: Sequence[Request]) -> list[Statement]:
    """The statements that the requests are planned into."""
    noted: list[Statement] = []
    last: list[Statement] = []
    ask = Database._answer

    async def answer(
        self: Database, tenant: UUID, sql: str, args: tuple[object, ...]
    ) -> bytes | None:
        noted.append((tenant, sql, args))
        return await ask(self, tenant, sql, args)

    Database._answer = answer  # type: ignore[method-assign,assignment]
    settings = cluster.settings.model_copy(update={"log_level": "WARNING"})
    configure_logs(settings)
    try:
        async with open_platform(settings) as platform:
            transport = httpx.ASGITransport(cast("Any", create_app(platform)))
            async with httpx.AsyncClient(transport=transport, base_url="http://bench") as client:
                for request in requests:
                    # The last statement of the second time: what was to be learnt is known.
                    for _ in range(2):
                        headers = dict(request.headers)
                        await client.post("/graphql", content=request.body, headers=headers)
                    last.append(noted[-1])
    finally:
        Database._answer = ask  # type: ignore[method-assign]
    return last


def _driven(cluster: Cluster, statements: Sequence[Statement], seconds: float) -> Measured:
    """The rate of the statements alone."""
    return asyncio.run(_drive(cluster, statements, seconds))


async def _drive(cluster: Cluster, statements: Sequence[Statement], seconds: float) -> Measured:
    async with open_database(cluster.settings) as database:
        turn = itertools.cycle(statements)
        times: list[float] = []
        sizes = 0

        async def work(until: float) -> None:
            nonlocal sizes
            while time.perf_counter() < until:
                began = time.perf_counter()
                answer = await database._answer(*next(turn))
                sizes += len(answer or b"")
                times.append(time.perf_counter() - began)

        await asyncio.gather(*(work(time.perf_counter() + 0.5) for _ in range(CONNECTIONS)))
        times.clear()
        sizes = 0
        before = time.process_time(), cluster.cpu_s()
        await asyncio.gather(*(work(time.perf_counter() + seconds) for _ in range(CONNECTIONS)))
        spent = time.process_time() - before[0], cluster.cpu_s() - before[1]
    times.sort()
    return Measured(
        len(times),
        len(times) / seconds,
        times[len(times) // 2] * 1000,
        times[int(len(times) * 0.99)] * 1000,
        sizes / len(times),
        spent[0] * 1000 / len(times),
        spent[1] * 1000 / len(times),
    )
