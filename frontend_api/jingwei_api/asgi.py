"""What a server process imports: an ASGI application that opens its platform when it starts."""

from collections.abc import MutableMapping
from contextlib import AsyncExitStack
from typing import Any, cast

from litestar import Litestar
from litestar.types import Receive, Scope, Send

from jingwei_api.app import create_app
from jingwei_api.execution.warming import settle, warm_up
from jingwei_api.http.services import services_in
from jingwei_api.logs import configure_logs
from jingwei_core.platform import open_platform
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError


class LateApplication:
    """Opens the platform in the process and event loop that serve; closes it at the end.

    A server with several workers imports this module in each of them, so nothing may be opened by
    the import.
    """

    def __init__(self) -> None:
        self._stack = AsyncExitStack()
        self._inner: Litestar | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or begin and end with the server."""
        kind: str = scope["type"]
        if kind == "lifespan":
            await self._live(cast("MutableMapping[str, Any]", scope), receive, send)
            return
        assert self._inner is not None
        await self._inner(scope, receive, send)

    async def _live(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        async with self._stack:
            try:
                inner = self._inner = await self._opened()
            except JingweiError as error:
                # Said in the protocol, or a server takes it for an application that has no
                # beginning, and listens.
                await receive()
                await send({"type": "lifespan.startup.failed", "message": str(error)})
                return
            await inner(scope, receive, send)  # type: ignore[arg-type]

    async def _opened(self) -> Litestar:
        """The application over the platform that the environment names."""
        settings = Settings()
        # Each worker process is a new interpreter: what the command line set up is not there.
        configure_logs(settings)
        platform = await self._stack.enter_async_context(open_platform(settings))
        await self._stack.enter_async_context(platform.watching())
        inner = create_app(platform)
        # Before the server is told that it may listen: nobody waits for this in a request.
        await warm_up(platform, services_in(inner.state).executor)
        settle()
        return inner


app = LateApplication()
