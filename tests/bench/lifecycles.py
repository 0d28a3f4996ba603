"""The life of an event (事件全生命周期) over HTTP: reported, assigned, resolved, searched for.

The tenant's standard loop without a photo (登记 立案 核实 派遣 处理 核查 结案), each step by an
account that may take it, and then the search. Each request follows the answer to the one before.
"""

import json
import re
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jingwei_api.schema.global_id import encode
from tests.bench.cluster import CONNECTIONS, Cluster
from tests.bench.load import LoadFailed, Measured
from tests.bench.pool import Pool, Sample, bench_id
from tests.bench.servers import HERE, KEY, NOTE, TITLE, Request, Server, body_of

LUA = HERE / "lifecycle.lua"
EVENT = encode("Event", uuid.UUID(KEY))
NUMBER = "99999999-999999"
"""These stand in a request for what only the answer to the report tells; all are as long."""
STAFF = ("community_chief", "centre_operator", "department_handler", "checker")
"""Who leads events on, as ``tenants.sql`` numbers them at each community or street."""
SEARCH = "search"
_OPERATIONS = HERE / "operations" / "lifecycle"
_MARKS = {KEY: 1, EVENT: 2, NUMBER: 3}
_MARK = re.compile("|".join(map(re.escape, (EVENT, NUMBER, KEY))))
_TEXTS_AT_ONCE = 100
"""Lives in one function of the Lua file, which may not hold too many texts."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step of a life: the action, whose it is (at the place of that level above the event), and
    what the workflow asks for beside it: ``note``, ``department`` or nothing."""

    action: str
    role: str
    level: str
    asks: str = ""


STEPS = (
    Step("file", "community_chief", "community"),
    Step("verify", "community_chief", "community", asks="note"),
    Step("dispatch", "centre_operator", "street", asks="department"),
    Step("handle", "department_handler", "street", asks="note"),
    Step("check", "checker", "street", asks="note"),
    Step("close", "centre_operator", "street"),
)
NAMES = ("report", *(step.action for step in STEPS), SEARCH)


class Lifecycles:
    """The lives of a pool's tenants, as one server is asked for them."""

    def __init__(self, server: Server, pool: Pool, cluster: Cluster) -> None:
        self._server = server
        self._cluster = cluster
        samples = pool.samples["create"]
        self.lives = [_life(at, sample, pool) for at, sample in enumerate(samples, start=1)]
        self._file = Path(tempfile.mkstemp(suffix=".lua", dir=cluster.folder)[1])
        self._file.write_text(self._written(), encoding="utf-8")

    def load(self, seconds: float) -> Measured:
        """Lead events through their lives for so long; what is counted are whole lives, but the
        times are those of single requests.

        Raises ``LoadFailed`` when a request was lost or refused.
        """
        salt, start = str(uuid.uuid4())[:-12], str(uuid.uuid4().int % len(self.lives))
        command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:.0f}s", "--timeout", "30s"]
        command += ["-s", str(LUA), self._server.url, "--", str(self._file), salt, start]
        before = self._server.cpu_s(), self._cluster.cpu_s()
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        after = self._server.cpu_s(), self._cluster.cpu_s()
        told = json.loads(done.stdout.splitlines()[-1])
        if told["failed"] or told["lost"] or not told["lives"]:
            raise LoadFailed(f"{self._server.name}: {told}\n{self._server.last_words()}")
        lives = told["requests"] / len(NAMES)
        return Measured(
            round(lives),
            lives / told["seconds"],
            told["median_ms"],
            told["p99_ms"],
            0,
            (after[0] - before[0]) * 1000 / lives,
            (after[1] - before[1]) * 1000 / lives,
        )

    def close(self) -> None:
        """Remove the file."""
        self._file.unlink()

    def _written(self) -> str:
        parts = [
            f"(function() return {{{', '.join(map(self._life_text, some))}}} end)()"
            for some in _by(self.lives, _TEXTS_AT_ONCE)
        ]
        return (
            "local all = {}\n"
            + "".join(
                f"for _, life in ipairs({part}) do all[#all + 1] = life end\n" for part in parts
            )
            + "return all\n"
        )

    def _life_text(self, life: Sequence[Request]) -> str:
        return "{" + ",\n".join(self._parts(request) for request in life) + "}"

    def _parts(self, request: Request) -> str:
        place = urlsplit(self._server.url)
        length = len(request.body.encode())
        lines = [f"POST {place.path} HTTP/1.1", f"Host: {place.netloc}"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        text = "\r\n".join([*lines, f"Content-Length: {length}", "", request.body])
        marks = [_MARKS[mark] for mark in _MARK.findall(text)]
        # A JSON text is a Lua text: nothing in it is spelt in a way that Lua reads otherwise.
        said = [json.dumps(part, ensure_ascii=False) for part in _MARK.split(text)]
        told = [said[0]]
        for mark, part in zip(marks, said[1:], strict=True):
            told += (str(mark), part)
        return "{" + ", ".join(told) + "}"


def is_found(answer: dict[str, Any]) -> bool:
    """Whether a search found the event of its life, closed."""
    (edge,) = answer["data"]["found"]["edges"]
    return edge["node"]["state"] == "closed" and edge["node"]["closedAt"] is not None


def _life(at: int, sample: Sample, pool: Pool) -> list[Request]:
    """The requests of one life, whose event has ``at`` at the end of its title."""
    report = {
        "kind": sample.kind_code,
        "title": f"{TITLE} {at}",
        "description": NOTE,
        "placeId": encode("Place", sample.grid_id),
    }
    asked: list[tuple[uuid.UUID, str, dict[str, object]]]
    asked = [(sample.account_id, "report", {"input": report, "key": KEY})]
    brought = {"note": NOTE, "department": encode("Department", sample.department)}
    for step in STEPS:
        given = {"action": step.action} | {n: b for n, b in brought.items() if n == step.asks}
        who = _member(sample, pool, step)
        asked.append((who, "act", {"id": EVENT, "input": given, "key": KEY}))
    wanted: dict[str, object] = {"number": NUMBER, "kind": encode("EventKind", sample.kind)}
    asked.append((sample.account_id, SEARCH, wanted))
    tokens = pool.tokens_of((sample.tenant_id, who) for who, _, _ in asked)
    return [
        Request(
            {
                "Content-Type": "application/json",
                "X-Jingwei-Tenant": sample.slug,
                "Authorization": f"Bearer {token}",
            },
            body_of((_OPERATIONS / f"{name}.graphql").read_text(encoding="utf-8"), variables),
        )
        for token, (_, name, variables) in zip(tokens, asked, strict=True)
    ]


def _member(sample: Sample, pool: Pool, step: Step) -> uuid.UUID:
    number = pool.above(sample, step.level).number * len(STAFF) + STAFF.index(step.role)
    return bench_id(6, sample.tenant, number)


def _by(lives: Sequence[Any], count: int) -> Iterator[Sequence[Any]]:
    return (lives[at : at + count] for at in range(0, len(lives), count))
