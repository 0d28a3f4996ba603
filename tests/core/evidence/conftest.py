"""Two stores behind one set of tests: a folder served over HTTP, and a real S3 server."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.response import File

from jingwei_core.database import Database
from jingwei_core.evidence.local import LocalStore
from jingwei_core.evidence.s3 import S3Access, S3Store
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_sdk.errors import JingweiError
from tests.core.evidence.city import City, city_of
from tests.servers import s3
from tests.servers.databases import TestRun
from tests.servers.sharing import shared


def _refused(_: Request, error: JingweiError) -> Response[dict[str, str]]:
    return Response({"code": error.code}, status_code=error.status)


def evidence_app(stores: dict[str, LocalStore]) -> Litestar:
    """The two routes the folder store needs of an HTTP layer."""

    @post("/evidence/upload", status_code=204)
    async def upload(request: Request) -> None:
        await stores["local"].accept_upload(request.headers["content-type"], request.stream())

    @get("/evidence/download/{key:path}")
    async def download(key: str, request: Request) -> File:
        opened = await stores["local"].open_signed(key.lstrip("/"), dict(request.query_params))
        headers = dict(opened.headers)
        media_type = headers.pop("Content-Type")
        disposition = headers.pop("Content-Disposition")
        answer = File(opened.path, media_type=media_type, headers=headers)
        answer.headers["Content-Disposition"] = disposition
        return answer

    return Litestar([upload, download], exception_handlers={JingweiError: _refused})


@pytest.fixture(scope="session")
async def local_server() -> AsyncIterator[tuple[str, dict[str, LocalStore]]]:
    listener = socket.create_server(("127.0.0.1", 0))
    stores: dict[str, LocalStore] = {}
    config = uvicorn.Config(evidence_app(stores), log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", stores
    server.should_exit = True
    await serving


@pytest.fixture(scope="session")
def s3_server(test_run: TestRun) -> Iterator[s3.S3Server]:
    """The RADOS Gateway that JINGWEI_TEST_S3_ENDPOINT names, or one of this run's own.

    Without the programs the test is skipped, and failed when JINGWEI_TEST_S3=required.
    """
    running = os.environ.get("JINGWEI_TEST_S3_ENDPOINT")
    if running:
        keys = (os.environ[f"JINGWEI_TEST_S3_{name}_KEY"] for name in ("ACCESS", "SECRET"))
        yield s3.S3Server(running, *keys)
        return
    if not s3.is_installed():
        missing = "radosgw is not installed: no S3 server to test against"
        if os.environ.get("JINGWEI_TEST_S3") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    with shared(Path(test_run.folder), "s3", _s3_started) as facts:
        yield s3.S3Server(*facts)


@contextmanager
def _s3_started() -> Iterator[list[str]]:
    with s3.s3_server() as server:
        yield [server.endpoint, server.access_key, server.secret_key]


@pytest.fixture(scope="session")
def s3_access(s3_server: s3.S3Server) -> S3Access:
    return S3Access(
        endpoint=s3_server.endpoint,
        access_key=s3_server.access_key,
        secret_key=s3_server.secret_key,
        bucket=f"evidence-{secrets.token_hex(4)}",
        secure=False,
    )


@pytest.fixture
def tenant() -> UUID:
    return uuid4()


@pytest.fixture(params=["local", "s3"])
async def store(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    local_server: tuple[str, dict[str, LocalStore]],
) -> AsyncIterator[ObjectStore]:
    if request.param == "s3":
        made: ObjectStore = S3Store(request.getfixturevalue("s3_access"))
        await made.ensure_ready()
        yield made
        return
    base_url, stores = local_server
    local = LocalStore(tmp_path / "store", secret=secrets.token_bytes(32), base_url=base_url)
    await local.ensure_ready()
    stores["local"] = local
    yield local
    del stores["local"]


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


@pytest.fixture(scope="session")
async def image_workers() -> AsyncIterator[ImageWorkers]:
    async with ImageWorkers(processes=2) as workers:
        yield workers


@pytest.fixture
async def cities(
    database: Database,
    store: ObjectStore,
    image_workers: ImageWorkers,
    http: httpx.AsyncClient,
) -> tuple[City, City]:
    """Yichang and its neighbour Changzhi."""
    slugs = ("yichang", "changzhi")
    yichang, changzhi = [
        await city_of(database, slug, store, image_workers, http) for slug in slugs
    ]
    return yichang, changzhi


@pytest.fixture
def city(cities: tuple[City, City]) -> City:
    return cities[0]


@pytest.fixture
def neighbour(cities: tuple[City, City]) -> City:
    return cities[1]
