"""The limit's SQL behind a bare ASGI application: what a Python server can reach at all.

    BENCH_DATABASE_URL=… BENCH_CONNECTIONS=16 uvicorn tests.bench.peers.bare_app:app

No framework, no GraphQL, no token, no permissions: the body names a statement and its values, and
PostgreSQL's bytes are the answer. The tenant is bound inside the statement, so that it is one trip.
"""

import json
import os
import re
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import asyncpg

LIMITS = Path(__file__).parents[1] / "limits"
TYPES = {
    **dict.fromkeys(("low", "high"), "text"),
    **dict.fromkeys(("event", "place", "account", "kind", "workflow"), "uuid"),
}
"""The values that a statement may name."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Bare:
    """Answers ``{"statement": …, "tenant": …, "values": […]}``."""

    def __init__(self) -> None:
        self._statements = {file.stem: one_trip(file) for file in LIMITS.glob("*.sql")}
        self._pool: Any = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message["body"]
            if not message.get("more_body"):
                break
        asked = json.loads(body) if body else {}
        answer = await self._answer(asked) if asked else b"{}"
        head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": head})
        await send({"type": "http.response.body", "body": answer})

    async def _answer(self, asked: Message) -> bytes:
        async with self._pool.acquire() as connection:
            sql = self._statements[asked["statement"]]
            found: bytes = await connection.fetchval(sql, asked["tenant"], *asked["values"])
        return b'{"data":' + found + b"}"

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        size = int(os.environ["BENCH_CONNECTIONS"])
        plans = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
        self._pool = await asyncpg.create_pool(
            os.environ["BENCH_DATABASE_URL"],
            min_size=size,
            max_size=size,
            server_settings=plans,
            # Its statements leave nothing behind in the session.
            reset=_nothing,
        )
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._pool.close()
        await send({"type": "lifespan.shutdown.complete"})


def names_in(file: Path) -> list[str]:
    """The values that the statement of a file names, in their order."""
    found = re.findall(r"(?<!:):([a-z]+)\b", file.read_text(encoding="utf-8"))
    return list(dict.fromkeys(name for name in found if name in TYPES))


def one_trip(file: Path) -> str:
    """The statement of a file as bytes of one value, behind the tenant, which is ``$1``."""
    sql = file.read_text(encoding="utf-8").strip().removesuffix(";")
    if writes(file):
        values = ", ".join(f"${at}" for at in range(1, len(names_in(file)) + 2))
        return f"SELECT convert_to({_function(file)}({values}), 'UTF8')"
    return (
        "SELECT CASE WHEN set_config('app.tenant', $1, true) = $1"
        f" THEN convert_to(({_numbered(file, sql)})::text, 'UTF8') END"
    )


def writes(file: Path) -> bool:
    """Whether the statement stores rows: PostgreSQL takes no such statement inside another one."""
    return "INSERT INTO" in file.read_text(encoding="utf-8")


def function_of(file: Path) -> str:
    """The statement of a file that writes as a function, which can be called in one trip."""
    sql = file.read_text(encoding="utf-8").strip().removesuffix(";")
    types = ", ".join(["text", *(TYPES[name] for name in names_in(file))])
    return (
        f"CREATE OR REPLACE FUNCTION {_function(file)}({types}) RETURNS text"
        " LANGUAGE plpgsql AS $function$ DECLARE answer text; BEGIN"
        f" PERFORM set_config('app.tenant', $1, true); {_numbered(file, sql)} INTO answer;"
        " RETURN answer; END $function$"
    )


def _function(file: Path) -> str:
    return f"bench.bare_{file.stem.replace('.', '_')}"


def _numbered(file: Path, sql: str) -> str:
    for at, name in enumerate(names_in(file), start=2):
        sql = re.sub(rf"(?<!:):{name}\b", f"${at}::{TYPES[name]}", sql)
    return sql


async def _nothing(_connection: object) -> None:
    return None


app = Bare()
