"""The outermost layer (外层): request ids, security headers, one line of log a request."""

import time
from collections.abc import Sequence
from typing import Any, cast

import structlog
from litestar import Litestar
from litestar.types import (
    LifeSpanReceive,
    LifeSpanScope,
    Message,
    Receive,
    Scope,
    Send,
)

from jingwei_api.http.tenant import REQUEST_ID_HEADER, arrival_in

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_ADDED = tuple((name.lower().encode(), value.encode()) for name, value in HEADERS.items())
_NAMES = frozenset(name for name, _ in _ADDED)
_log = structlog.get_logger("jingwei_api.access")


class Application(Litestar):
    """A Litestar application with a shell around everything, also around addresses it lacks."""

    async def __call__(
        self, scope: Scope | LifeSpanScope, receive: Receive | LifeSpanReceive, send: Any
    ) -> None:
        """Serve; the first layer that sees a request and the last that sees its answer."""
        kind: str = scope["type"]
        if kind == "http":
            await self._guarded(cast("Scope", scope), cast("Receive", receive), send)
        else:
            await super().__call__(scope, receive, send)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = arrival_in(scope).request_id
        began, status = time.perf_counter(), 500

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(message["headers"], request_id)
            await send(message)

        try:
            await super().__call__(scope, receive, finish)
        finally:
            _log.info(
                "request",
                method=scope.get("method"),
                path=_place(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                request_id=request_id,
            )


def _with_ours(headers: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    """An answer's headers and ours; what the answer says itself stays as it is."""
    ours: Sequence[tuple[bytes, bytes]] = _ADDED
    said = {name for name, _ in headers}
    if not said.isdisjoint(_NAMES):
        ours = [added for added in _ADDED if added[0] not in said]
    return [*headers, *ours, (REQUEST_ID_HEADER, request_id.encode())]


def _place(path: str) -> str:
    """The first two parts of a path: what follows may name a person's photo."""
    return "/".join(path.split("/", 3)[:3])
