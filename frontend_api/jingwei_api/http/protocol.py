"""HTTP/1.1 as uvicorn speaks it (协议), which also takes an answer whole.

An answer goes through ASGI in two messages whose headers are searched for forbidden characters one
by one; for one of ours, made of constants, that is a fifth of the server's own work.
"""

from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from jingwei_api.http.wire import SEND_WHOLE


class WholeAnswers(HttpToolsProtocol):
    """Tells the application in the scope of a request how to send its answer whole."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope: Any = cycle.scope
        scope[SEND_WHOLE] = partial(_send_whole, cycle)
        super()._start_asgi_task(cycle, app)


async def _send_whole(cycle: RequestResponseCycle, status: int, lines: bytes, body: bytes) -> None:
    """Send an answer that has a body; ``lines`` are its header lines, ``content-length`` among
    them. They are sent as they are."""
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if cycle.disconnected:
        return
    parts = [STATUS_LINE[status]]
    for name, value in cycle.default_headers:
        parts += (name, b": ", value, b"\r\n")
    parts.append(lines)
    parts.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
    parts.append(body)
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.transport.write(b"".join(parts))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
