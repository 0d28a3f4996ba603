"""The outermost layer (外层): request ids, security headers, one line of log a request."""

import time
from typing import Any

import structlog
from litestar.connection import ASGIConnection
from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from jingwei_api.http.services import REQUEST_ID_HEADER, request_id_of

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_log = structlog.get_logger("jingwei_api.access")


def shell(app: ASGIApp) -> ASGIApp:
    """Middleware around the whole application."""

    async def around(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.WEBSOCKET:
            await app(scope, receive, send)
            return
        connection: ASGIConnection[Any, Any, Any, Any] = ASGIConnection(scope)
        request_id = request_id_of(connection)
        began, status = time.perf_counter(), 500

        async def finish(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableScopeHeaders.from_message(message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers[REQUEST_ID_HEADER] = request_id
            await send(message)

        try:
            await app(scope, receive, finish)
        finally:
            _log.info(
                "request",
                method=scope.get("method"),
                path=_place(scope["path"]),
                status=status,
                ms=round((time.perf_counter() - began) * 1000, 1),
                request_id=request_id,
            )

    return around


def _place(path: str) -> str:
    """The first two parts of a path: what follows may name a person's photo."""
    return "/".join(path.split("/")[:3])
