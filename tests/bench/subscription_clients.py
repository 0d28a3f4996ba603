"""Clients of subscriptions: as little as a WebSocket needs, for thousands in one process."""

import asyncio
import base64
import os
import struct
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

_ASK = (
    "GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
    "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
)
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10
_SHORT, _MIDDLE = 126, 127

Receive = Callable[["Subscriber", Mapping[str, Any], float], None]


@dataclass(frozen=True, slots=True)
class Asked:
    """Who subscribes, and to what."""

    slug: str
    token: str
    document: str


class Subscriber(asyncio.Protocol):
    """One connection with one subscription; ``receive`` is told each message and when it came."""

    def __init__(self, port: int, asked: Asked, receive: Receive) -> None:
        self._port = port
        self._asked = asked
        self._receive = receive
        self._buffer = b""
        self._is_open = False
        self._transport: Any = None
        self.is_ready = asyncio.get_running_loop().create_future()
        self.closed: str | None = None

    def connection_made(self, transport: Any) -> None:
        """Ask for a WebSocket."""
        self._transport = transport
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(_ASK.format(port=self._port, key=key).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        """The server went away."""
        self.closed = self.closed or "lost"
        if not self.is_ready.done():
            self.is_ready.set_exception(ConnectionError(self.closed))

    def data_received(self, data: bytes) -> None:
        """Frames of the server, whole or in parts."""
        now = time.monotonic()
        self._buffer += data
        if not self._is_open:
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            assert b" 101 " in head, head
            self._is_open, self._buffer = True, rest
            self._begin()
        while (frame := self._frame()) is not None:
            self._handle(*frame, now)

    def close(self) -> None:
        """Go away."""
        self._transport.close()

    def _begin(self) -> None:
        headers = {"tenant": self._asked.slug, "authorization": f"Bearer {self._asked.token}"}
        self._send({"type": "connection_init", "payload": headers})
        payload = {"query": self._asked.document}
        self._send({"type": "subscribe", "id": "1", "payload": payload})

    def _handle(self, opcode: int, content: bytes, now: float) -> None:
        if opcode == _PING:
            self._write(_PONG, content)
        elif opcode == _CLOSE:
            self.closed = content[2:].decode()
        elif opcode == _TEXT:
            message = msgspec.json.decode(content)
            if message["type"] == "connection_ack":
                self.is_ready.set_result(None)
            else:
                self._receive(self, message, now)

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._buffer
        if len(data) < 2:
            return None
        size, at = data[1] & 127, 2
        if size == _SHORT:
            if len(data) < 4:
                return None
            (size,), at = struct.unpack_from("!H", data, 2), 4
        elif size == _MIDDLE:
            if len(data) < 10:
                return None
            (size,), at = struct.unpack_from("!Q", data, 2), 10
        if len(data) < at + size:
            return None
        self._buffer = data[at + size :]
        return data[0] & 15, data[at : at + size]

    def _send(self, message: Mapping[str, Any]) -> None:
        self._write(_TEXT, msgspec.json.encode(message))

    def _write(self, opcode: int, content: bytes) -> None:
        # A mask of zeros is a mask: the content is sent as it is.
        size = len(content)
        head = bytes((128 | opcode, 128 | min(size, _SHORT)))
        if size >= _SHORT:
            head += struct.pack("!H", size)
        self._transport.write(head + b"\0\0\0\0" + content)
