"""Serving the demo (演示服务): API, job worker and the last of the seeding in one process."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import uvicorn

from jingwei_api.app import create_app
from jingwei_api.demo.process_file import forget, remember
from jingwei_core.demo.preparing import finish
from jingwei_core.demo.seeding import Progress
from jingwei_core.jobs.worker import Worker
from jingwei_core.platform import Platform
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.errors import Invalid

HOST = "127.0.0.1"
_LAST_REQUESTS_S = 5


class QuietServer(uvicorn.Server):
    """A server that leaves signals to whoever runs it: more than the server has to end in order."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, and say so."""
        await super().startup(sockets)
        self.is_up.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Nothing is captured."""
        yield


def listening_socket(port: int) -> socket.socket:
    """A socket on the loopback address; port 0 takes a free one.

    Raises ``Invalid`` (``DEMO_PORT_TAKEN``).
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise Invalid("DEMO_PORT_TAKEN", port=port, cause=error.strerror or str(error)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The address that clients use."""
    return f"http://{HOST}:{listener.getsockname()[1]}"


class DemoServer:
    """Serves until a signal comes; demo rows of ``unfinished`` packages come in meanwhile."""

    def __init__(self, platform: Platform, unfinished: Sequence[TenantPackage]) -> None:
        config = uvicorn.Config(
            create_app(platform),
            ws="websockets-sansio",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=_LAST_REQUESTS_S,
        )
        self._platform = platform
        self._unfinished = unfinished
        self._server = QuietServer(config)
        self._worker = Worker(platform)

    def stop(self) -> None:
        """End in order: first the requests, then the running jobs."""
        # The second wish is stronger.
        self._server.force_exit = self._server.should_exit
        self._server.should_exit = True

    async def run(
        self,
        listener: socket.socket,
        ready: Callable[[], None],
        tell: Callable[[Progress | None], None],
    ) -> None:
        """Serve; ``ready`` is called when requests are answered, ``tell`` as the seeding goes on,
        at its end with ``None``."""
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, self.stop)
        serving = asyncio.create_task(self._server.serve(sockets=[listener]))
        up = asyncio.create_task(self._server.is_up.wait())
        await asyncio.wait({serving, up}, return_when=asyncio.FIRST_COMPLETED)
        up.cancel()
        working = asyncio.create_task(self._worker.run())
        seeding = asyncio.create_task(self._finish(tell))
        try:
            if self._server.started:
                await asyncio.to_thread(remember, self._platform.settings, url_of(listener))
                ready()
            await serving
        finally:
            await asyncio.to_thread(forget, self._platform.settings)
            seeding.cancel()
            self._worker.stop()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(working, seeding)

    async def _finish(self, tell: Callable[[Progress | None], None]) -> None:
        if self._unfinished:
            await finish(self._platform, self._unfinished, tell)
        tell(None)
