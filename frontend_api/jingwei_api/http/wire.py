"""Bodies (报文): what a request brings and an answer takes, without a detour."""

from functools import lru_cache
from typing import Any

import msgspec
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Receive, Scope, Send

from jingwei_api.http.departure import ClientGone
from jingwei_api.http.tenant import REQUEST_ID_HEADER

Headers = tuple[tuple[bytes, bytes], ...]
SEND_WHOLE = "jingwei.send_whole"
"""The member of a scope with which ``protocol`` takes an answer whole."""


async def whole_body(receive: Receive, limit: int) -> bytes:
    """The body of a request, if it has at most ``limit`` bytes.

    Raises ``RequestEntityTooLarge``, and ``ClientGone`` when the client leaves in the middle.
    """
    parts: list[bytes] = []
    length = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        part: bytes = message.get("body", b"")  # type: ignore[assignment]
        length += len(part)
        if length > limit:
            raise RequestEntityTooLarge
        if not message.get("more_body") and not parts:
            return part
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)


class Reply(msgspec.Struct, frozen=True):
    """An answer that is bytes already; an ASGI application that sends itself."""

    body: bytes
    status: int
    headers: Headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it as a part of an application: layers around that may see it and add to it."""
        await self._in_two(send)

    async def _in_two(self, send: Send) -> None:
        length = (b"content-length", b"%d" % len(self.body))
        started = [*self.headers, length]
        await send({"type": "http.response.start", "status": self.status, "headers": started})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})

    async def sent(self, scope: Scope, send: Send, request_id: bytes) -> None:
        """Send it as the outermost layer: whole, where the server takes it so."""
        whole: Any = scope.get(SEND_WHOLE)
        if whole is None:
            named = (*self.headers, (REQUEST_ID_HEADER, request_id))
            await Reply(self.body, self.status, named)._in_two(send)
            return
        told = (REQUEST_ID_HEADER, request_id, len(self.body))
        lines = _lines(self.headers) + b"%b: %b\r\ncontent-length: %d\r\n" % told
        await whole(self.status, lines, self.body)


@lru_cache(maxsize=64)
def _lines(headers: Headers) -> bytes:
    return b"".join([b"%b: %b\r\n" % one for one in headers])
