"""Bodies (报文): what a request brings and an answer takes, without a detour."""

from collections.abc import Sequence

import msgspec
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.types import Receive, Scope, Send

from jingwei_api.http.departure import ClientGone


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
    headers: Sequence[tuple[bytes, bytes]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        await self.sent(send, self.headers)

    async def sent(self, send: Send, headers: Sequence[tuple[bytes, bytes]]) -> None:
        """Send it with other headers; its length is added to them."""
        length = (b"content-length", b"%d" % len(self.body))
        await send(
            {
                "type": "http.response.start",
                "status": self.status,
                "headers": [*headers, length],
            }
        )
        await send({"type": "http.response.body", "body": self.body, "more_body": False})
