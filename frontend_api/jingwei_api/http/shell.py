"""The outermost layer (外层): request ids, security headers, one line of log a request."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
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

from jingwei_api.http.failures import GRAPHQL, reply_to
from jingwei_api.http.graphql_endpoint import answer_posted
from jingwei_api.http.services import Services
from jingwei_api.http.tenant import REQUEST_ID_HEADER, Arrival, arrival_in
from jingwei_api.http.wire import Reply

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


@dataclass(frozen=True, slots=True)
class _Direct:
    """Answers POST /graphql without the router, which would take longer than all of ours."""

    services: Services
    with_origin: bool

    def takes(self, scope: Scope, arrival: Arrival) -> bool:
        return (
            scope["path"] == GRAPHQL
            and scope.get("method") == "POST"
            and (self.with_origin or b"origin" not in arrival.headers)
        )

    async def answer(self, arrival: Arrival, receive: Receive) -> Reply:
        try:
            return await answer_posted(self.services, arrival, receive)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            return reply_to(self.services, arrival, GRAPHQL, error)


class Application(Litestar):
    """A Litestar application with a shell around everything, also around addresses it lacks."""

    _direct: _Direct | None = None

    def answer_directly(self, services: Services, *, with_origin: bool) -> None:
        """From here on answer POST /graphql without the router; requests that name an origin only
        if that needs no header of its own (``with_origin``)."""
        self._direct = _Direct(services, with_origin)

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
        arrival, direct = arrival_in(scope), self._direct
        began, status = time.perf_counter(), 500
        try:
            if direct is not None and direct.takes(scope, arrival):
                reply = await direct.answer(arrival, receive)
                status = reply.status
                guarded = Reply(reply.body, status, (*reply.headers, *_ADDED))
                await guarded.sent(scope, send, arrival.request_id.encode())
            else:
                status = await self._routed(scope, receive, send, arrival.request_id)
        finally:
            _log.info(
                "request",
                method=scope.get("method"),
                path=_place(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                request_id=arrival.request_id,
            )

    async def _routed(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """Serve by the router; answers the status."""
        status = 500

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = _with_ours(message["headers"], request_id)
            await send(message)

        await super().__call__(scope, receive, finish)
        return status


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
