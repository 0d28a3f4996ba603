"""The application with its inner layers left out, for a server to import.

``http``: a bare ASGI application that reads the body and sends an answer of the usual size.
``framework``: ours up to the executor: routes, headers, token, tenant; always the same answer.
``planned``: ours up to the database: each statement is answered from memory, once it was asked.
"""

import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from uuid import UUID

from jingwei_api.asgi import LateApplication
from jingwei_api.execution.executor import Executor
from jingwei_api.planning.answers import Answer
from jingwei_core.database.engine import Database

ANSWER = "BENCH_ANSWER"
"""Names a file with the answer that ``http`` and ``framework`` send."""

Message = MutableMapping[str, Any]


async def http(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """A request is read and answered, nothing else."""
    if scope["type"] == "lifespan":
        for kind in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{kind}.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    answer = _answer()
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": head})
    await send({"type": "http.response.body", "body": answer})


class FrameworkOnly(LateApplication):
    """Every document has the same answer."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            same = Answer(_answer(), has_run=True)

            async def run(_executor: Executor, _caller: object, _document: object) -> Answer:
                return same

            Executor.run = run  # type: ignore[method-assign,assignment]
        await super().__call__(scope, receive, send)


class PlannedOnly(LateApplication):
    """Every statement is asked once."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            remember_answers()
        await super().__call__(scope, receive, send)


def remember_answers() -> None:
    """Let the database answer the same statement with the same parameters once."""
    ask = Database._answer
    known: dict[tuple[str, str], bytes | None] = {}

    async def answer(self: Database, tenant: UUID, sql: str, args: Any) -> bytes | None:
        key = (sql, repr(args))
        if key not in known:
            known[key] = await ask(self, tenant, sql, args)
        return known[key]

    Database._answer = answer  # type: ignore[method-assign]


_read: list[bytes] = []


def _answer() -> bytes:
    if not _read:
        _read.append(Path(os.environ[ANSWER]).read_bytes())
    return _read[0]


framework = FrameworkOnly()
planned = PlannedOnly()
