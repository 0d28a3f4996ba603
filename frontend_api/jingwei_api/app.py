"""The application (应用): everything that listens, made from one platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.stores.memory import MemoryStore

from jingwei_api.documents.trusted import open_documents
from jingwei_api.execution.changes import ChangeFeed
from jingwei_api.execution.errors import ErrorTexts
from jingwei_api.execution.executor import Executor
from jingwei_api.execution.operation import Runtime
from jingwei_api.http.auth import CALLS, auth_router, forget_calls
from jingwei_api.http.console_page import console_file, plugins_page
from jingwei_api.http.evidence import download, upload
from jingwei_api.http.failures import failed
from jingwei_api.http.graphql_endpoint import graphql_get, graphql_post
from jingwei_api.http.health import live, ready
from jingwei_api.http.metrics import metrics_handlers
from jingwei_api.http.plugin_pages import public_router
from jingwei_api.http.public_reports.routing import public_report_routers
from jingwei_api.http.services import Services, keep_services
from jingwei_api.http.shell import Application
from jingwei_api.http.websocket import graphql_socket
from jingwei_api.settings import ApiSettings
from jingwei_core.evidence.commits import Commits
from jingwei_core.evidence.opening import open_workers
from jingwei_core.platform import Platform

ALLOWED_HEADERS = ["Authorization", "Content-Type", "Accept-Language", "X-Jingwei-Tenant"]
HANDLERS = (
    graphql_get,
    graphql_post,
    graphql_socket,
    console_file,
    plugins_page,
    upload,
    download,
    live,
    ready,
)
"""Everything that has an address, but for ``/auth``, ``/metrics``, ``/public`` and
``/report``."""


def create_app(platform: Platform, settings: ApiSettings | None = None) -> Litestar:
    """The ASGI application over an open platform; listening for changes begins with its start."""
    chosen = settings or ApiSettings()
    workers = open_workers()
    feed = ChangeFeed(platform, chosen.subscription_check_s)
    runtime = Runtime(platform, feed, Commits(platform, workers))
    services = make_services(runtime, chosen)
    calls = MemoryStore()

    @asynccontextmanager
    async def lifespan(app: Litestar) -> AsyncIterator[None]:
        await platform.store.ensure_ready()
        async with workers:
            feed.start()
            forgetting = asyncio.create_task(forget_calls(calls))
            try:
                yield
            finally:
                forgetting.cancel()
                await feed.stop()

    app = Application(
        route_handlers=[
            *HANDLERS,
            *metrics_handlers(chosen.metrics_token),
            auth_router(chosen.auth_calls_per_minute),
            public_router(workers),
            *public_report_routers(workers),
        ],
        lifespan=[lifespan],
        stores={CALLS: calls},
        exception_handlers={Exception: failed},
        cors_config=_cors(chosen),
        request_max_body_size=chosen.max_body_bytes,
        openapi_config=None,
        logging_config=None,
    )
    keep_services(app.state, services)
    app.answer_directly(services, with_origin=app.cors_config is None)
    return app


def make_services(runtime: Runtime, settings: ApiSettings) -> Services:
    """What the handlers share; loads the texts of the API's own codes into the catalogue."""
    catalogue = runtime.platform.catalogue
    catalogue.load(Path(str(files("jingwei_api"))) / "messages.toml")
    texts = ErrorTexts(catalogue)
    executor = Executor(runtime, settings, texts)
    return Services(runtime.platform, settings, texts, executor, open_documents(settings))


def _cors(settings: ApiSettings) -> CORSConfig | None:
    if not settings.cors_origins:
        return None
    return CORSConfig(
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST"],
        allow_headers=list(ALLOWED_HEADERS),
        expose_headers=["X-Request-Id", "Retry-After"],
        allow_credentials=False,
        max_age=600,
    )
