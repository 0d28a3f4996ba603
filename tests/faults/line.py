"""The line (线路) between a platform and PostgreSQL: every byte passes, and it can be cut.

A socket that speaks nothing itself. It follows the messages of the protocol just as far as to know
where a statement is whole and where its answer ends, so it sees whatever is sent by whichever way:
pool, read lanes, prepared statements, COPY, the owner's connections, libraries. PostgreSQL's
"Frontend/Backend Protocol", version 3, message formats.
"""

import asyncio
import struct
from collections import deque
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit, urlunsplit

from jingwei_core.settings import Settings
from tests.faults.power import Point, Power, spoken

_PORT = 5432
_LONGEST = 2**20
_HEAD = struct.Struct("!cI")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Line:
    """Connections to the server of a URL that are cut when the power goes."""

    def __init__(self, url: str, power: Power) -> None:
        self._url = urlsplit(url)
        self.power = power
        self.is_deep = False
        """Whether also what was answered inside a transaction is a moment of its own."""
        self._wires: dict[asyncio.Task[None], _Wire] = {}
        power.cut = self._cut

    async def serve(self, client: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        task = asyncio.current_task()
        assert task is not None
        if not self.power.is_on:
            writer.transport.abort()
            return
        server, to_server = await self._upstream()
        wire = _Wire(self, (client, writer), (server, to_server))
        self._wires[task] = wire
        try:
            if self.power.is_on:
                await wire.carry()
        finally:
            del self._wires[task]
            writer.close()
            to_server.close()

    async def settled(self) -> None:
        """Until the server has let go of every connection that was cut."""
        while self._wires:
            await asyncio.wait(self._wires)

    def _cut(self) -> None:
        for wire in self._wires.values():
            wire.cut()

    async def _upstream(self) -> Streams:
        asked = parse_qs(self._url.query)
        if "host" in asked:
            port = asked.get("port", [str(_PORT)])[0]
            path = f"{asked['host'][0]}/.s.PGSQL.{port}"
            return await asyncio.open_unix_connection(path, limit=_LONGEST)
        host = unquote(self._url.hostname or "127.0.0.1")
        return await asyncio.open_connection(host, self._url.port or _PORT, limit=_LONGEST)


class _Wire:
    def __init__(self, line: Line, client: Streams, server: Streams) -> None:
        self._line, self._power = line, line.power
        self._client, self._to_client = client
        self._server, self._to_server = server
        self._names: dict[bytes, str] = {}
        self._waiting: deque[Point | None] = deque()
        self._is_lane = False

    def cut(self) -> None:
        self._to_client.transport.abort()
        with suppress(OSError):
            self._to_server.write_eof()

    async def carry(self) -> None:
        """Pass on what both sides say until the server has gone."""
        asking = asyncio.create_task(_until_lost(self._statements()))
        telling = asyncio.create_task(_until_lost(self._answers()))
        try:
            await asyncio.wait({asking, telling}, return_when=asyncio.FIRST_COMPLETED)
            if not telling.done():
                with suppress(OSError):
                    self._to_server.write_eof()
            await telling
        finally:
            asking.cancel()
            telling.cancel()

    async def _begin(self) -> None:
        size = await self._client.readexactly(4)
        rest = await self._client.readexactly(int.from_bytes(size) - 4)
        self._is_lane = b"jingwei-read" in rest
        self._to_server.write(size + rest)

    async def _statements(self) -> None:
        """From the client: a statement is whole with a simple query, or with its Sync."""
        await self._begin()
        held: list[bytes] = []
        said: list[str] = []
        while True:
            kind, body, whole = await _message(self._client)
            held.append(whole)
            if kind == b"P":
                name, _, rest = body.partition(b"\0")
                self._names[name] = rest.partition(b"\0")[0].decode()
            elif kind == b"B":
                said.append(self._names.get(body.split(b"\0", 2)[1], ""))
            elif kind == b"Q":
                said.append(body[:-1].decode())
            if kind in b"QS":
                if not self._speak(held, "; ".join(dict.fromkeys(said))):
                    return
                held, said = [], []
            elif kind in b"HpdcfX":
                if self._power.is_on:
                    self._to_server.write(b"".join(held))
                held = []

    def _speak(self, held: list[bytes], said: str) -> bool:
        """Send what is whole; nothing when the power goes, or is gone."""
        point = self._power.meet(spoken(said)) if said else None
        if not self._power.is_on or (point is not None and self._power.goes(point)):
            return False
        self._waiting.append(point)
        self._to_server.write(b"".join(held))
        return True

    async def _answers(self) -> None:
        """From the server: an answer is told when it is whole, unless the power goes first."""
        held: list[bytes] = []
        while True:
            kind, body, whole = await _message(self._server)
            held.append(whole)
            if kind == b"Z" and self._waiting:
                self._answered(self._waiting.popleft(), body)
            # COPY asks for more before the statement is over.
            if self._power.is_on and (kind == b"G" or not self._waiting):
                self._to_client.write(b"".join(held))
                held.clear()

    def _answered(self, point: Point | None, state: bytes) -> None:
        is_done = state == b"I" and not self._is_lane
        if point is not None and (is_done or self._line.is_deep):
            self._power.goes(point._replace(moment="after"), is_done=is_done)


async def _until_lost(work: Coroutine[Any, Any, None]) -> None:
    with suppress(asyncio.IncompleteReadError, OSError):
        await work


async def _message(stream: asyncio.StreamReader) -> tuple[bytes, bytes, bytes]:
    head = await stream.readexactly(5)
    kind, size = _HEAD.unpack(head)
    body = await stream.readexactly(size - 4)
    return kind, body, head + body


@asynccontextmanager
async def line_to(
    settings: Settings, power: Power, folder: Path
) -> AsyncIterator[tuple[Line, str]]:
    """A line to the database of the settings, and its URL."""
    assert settings.database_url is not None
    line = Line(settings.database_url, power)
    await asyncio.to_thread(folder.mkdir)
    socket = folder / f".s.PGSQL.{_PORT}"
    server = await asyncio.start_unix_server(line.serve, socket, limit=_LONGEST)
    parts = urlsplit(settings.database_url)
    who = parts.netloc.rpartition("@")[0]
    query = urlencode({"host": str(folder), "port": _PORT}, quote_via=quote)
    async with server:
        yield line, urlunsplit(parts._replace(netloc=f"{who}@", query=query))
        line._cut()
        await line.settled()
