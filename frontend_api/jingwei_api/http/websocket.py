"""WS /graphql: the protocol graphql-transport-ws, one account for each connection."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec
import structlog
from litestar import WebSocket, websocket
from litestar.exceptions import WebSocketDisconnect

from jingwei_api.documents.trusted import UnknownToApollo
from jingwei_api.execution.operation import Caller
from jingwei_api.http.request_forms import Form, in_message
from jingwei_api.http.services import Services, arrival_of, services_of
from jingwei_api.http.tenant import Arrival, caller_of
from jingwei_sdk.errors import JingweiError

PROTOCOL = "graphql-transport-ws"
INIT_TIMEOUT_S = 10.0
_BAD_REQUEST, _UNAUTHORISED, _FORBIDDEN = 4400, 4401, 4403
_NO_INIT, _TWICE, _TOO_MANY = 4408, 4409, 4429
_LONGEST_REASON = 123
"""Bytes that a closing frame has for its reason (RFC 6455 §5.5, less the code)."""

Socket = WebSocket[Any, Any, Any]
_log = structlog.get_logger(__name__)


class _Closed(Exception):
    """The connection ends with this code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        # It may hold a name that the client made up.
        self.reason = reason.encode()[:_LONGEST_REASON].decode(errors="ignore")


@websocket("/graphql")
async def graphql_socket(socket: Socket) -> None:
    """Subscriptions (queries and mutations too) over graphql-transport-ws."""
    services = services_of(socket)
    if not _may_connect(socket, services):
        await socket.close(code=1008)
        return
    if PROTOCOL not in socket.scope["subprotocols"]:
        await socket.accept()
        await socket.close(code=4406, reason="Subprotocol not acceptable")
        return
    await socket.accept(subprotocols=PROTOCOL)
    session = _Session(socket, services)
    try:
        await session.run()
    except _Closed as closed:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await socket.close(code=closed.code, reason=closed.reason)
    except WebSocketDisconnect:
        pass
    finally:
        await session.end()


def _may_connect(socket: Socket, services: Services) -> bool:
    """Pages of other origins may not connect; clients that are no browsers send no Origin."""
    origin = socket.headers.get("origin")
    if origin is None or origin in services.settings.cors_origins:
        return True
    return urlsplit(origin).netloc.lower() == socket.headers.get("host", "").lower()


class _Session:
    """One connection: its caller and its running operations."""

    def __init__(self, socket: Socket, services: Services) -> None:
        self._socket = socket
        self._services = services
        self._caller: Caller | None = None
        self._running: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve the connection until either side ends it; raises ``_Closed``."""
        try:
            async with asyncio.timeout(INIT_TIMEOUT_S):
                await self._begin(await self._receive())
        except TimeoutError:
            raise _Closed(_NO_INIT, "Connection initialisation timeout") from None
        while True:
            await self._handle(await self._receive())

    async def end(self) -> None:
        """Cancel what still runs and wait until it gave its connections back."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _receive(self) -> Mapping[str, Any]:
        text = await self._socket.receive_text()
        if len(text) > self._services.settings.max_body_bytes:
            raise _Closed(1009, "Message too big")
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, RecursionError):
            raise _Closed(_BAD_REQUEST, "WebSocket message must be valid JSON") from None
        if not isinstance(message, dict) or not isinstance(message.get("type"), str):
            raise _Closed(_BAD_REQUEST, "Message without type")
        return message

    async def _begin(self, message: Mapping[str, Any]) -> None:
        if message["type"] != "connection_init":
            raise _Closed(_UNAUTHORISED, "Unauthorized")
        payload = message.get("payload") or {}
        if not isinstance(payload, dict):
            raise _Closed(_BAD_REQUEST, "Invalid connection init payload")
        try:
            arrival = self._arrival(payload)
            self._caller = await caller_of(self._services.platform, arrival)
        except JingweiError as error:
            raise _Closed(_FORBIDDEN, error.code) from error
        await self._send({"type": "connection_ack"})

    def _arrival(self, payload: Mapping[str, Any]) -> Arrival:
        """Browsers cannot set headers here, so the parameters speak; headers fill the gaps."""

        def said(name: str, header: str | None) -> str | None:
            value = payload.get(name)
            return value if isinstance(value, str) else header

        arrival = arrival_of(self._socket)
        return msgspec.structs.replace(
            arrival,
            tenant=said("tenant", arrival.tenant),
            authorization=said("authorization", arrival.authorization),
            language=said("language", arrival.language),
        )

    async def _handle(self, message: Mapping[str, Any]) -> None:
        kind = message["type"]
        if kind == "ping":
            await self._send({"type": "pong"})
        elif kind == "subscribe":
            self._subscribe(message)
        elif kind == "complete":
            task = self._running.pop(str(message.get("id")), None)
            if task is not None:
                task.cancel()
        elif kind == "connection_init":
            raise _Closed(_TOO_MANY, "Too many initialisation requests")
        elif kind != "pong":
            raise _Closed(_BAD_REQUEST, "Unknown message type")

    def _subscribe(self, message: Mapping[str, Any]) -> None:
        operation, payload = message.get("id"), message.get("payload")
        if not isinstance(operation, str) or not isinstance(payload, dict):
            raise _Closed(_BAD_REQUEST, "Invalid subscribe message")
        if operation in self._running:
            raise _Closed(_TWICE, f"Subscriber for {operation} already exists")
        if len(self._running) >= self._services.settings.max_subscriptions:
            raise _Closed(_TOO_MANY, "Too many operations on one connection")
        try:
            form = in_message(payload)
        except JingweiError:
            raise _Closed(_BAD_REQUEST, "Invalid subscribe message") from None
        self._running[operation] = asyncio.create_task(self._operate(operation, form))

    async def _operate(self, operation: str, form: Form) -> None:
        try:
            await self._stream(operation, form)
        except WebSocketDisconnect:
            return
        finally:
            if self._running.get(operation) is asyncio.current_task():
                del self._running[operation]

    async def _stream(self, operation: str, form: Form) -> None:
        assert self._caller is not None
        try:
            document = form.document(self._services.documents)
            answers = self._services.executor.stream(self._caller, document)
            async with contextlib.aclosing(answers):  # type: ignore[type-var]
                async for answer in answers:
                    if not answer.has_run:
                        errors = answer.errors
                        await self._send({"id": operation, "type": "error", "payload": errors})
                        return
                    payload = msgspec.Raw(answer.content)
                    await self._send({"id": operation, "type": "next", "payload": payload})
        except WebSocketDisconnect:
            raise
        except Exception as error:  # noqa: BLE001 - the dispatcher of operations: one told, all live
            await self._refuse(operation, error)
            return
        await self._send({"id": operation, "type": "complete"})

    async def _refuse(self, operation: str, error: Exception) -> None:
        assert self._caller is not None
        texts, request = self._services.texts, self._caller.request
        tell = texts.describe if isinstance(error, JingweiError) else texts.internal
        told = tell(error, request.locale, request.request_id)  # type: ignore[arg-type]
        if isinstance(error, UnknownToApollo):
            told["message"] = error.told
        await self._send({"id": operation, "type": "error", "payload": [told]})

    async def _send(self, message: Mapping[str, Any]) -> None:
        async with self._sending:
            await self._socket.send_text(msgspec.json.encode(message).decode())
