"""Two stores behind one set of tests: a folder served over HTTP, and a real S3 server."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest
import uvicorn
from litestar import Litestar, Request, Response, get, post
from litestar.response import File

from jingwei_core.database import Database, open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import connect
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import with_database
from jingwei_core.evidence.local import LocalStore
from jingwei_core.evidence.s3 import S3Access, S3Store
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.evidence.workers import ImageWorkers
from jingwei_core.settings import Settings
from jingwei_sdk.errors import JingweiError
from tests.core.evidence.city import City, city_of
from tests.servers import s3
from tests.servers.processes import memory_folder


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
def s3_server() -> Iterator[s3.S3Server]:
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
    with s3.s3_server() as server:
        yield server


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
async def evidence_database(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Database]:
    """A migrated database of these tests, without a tenant."""
    with memory_folder("evidence") as folder, ExitStack() as stack:
        url = os.environ.get("JINGWEI_TEST_DATABASE_URL")
        if url is None:
            await asyncio.to_thread(folder.chmod, 0o711)
            server = EmbeddedServer(folder / "postgres")
            stack.callback(server.stop)
            url = server.start().url()
        name = f"evidence_{secrets.token_hex(4)}"
        admin = await connect(url)
        await admin.execute(f"CREATE DATABASE {name}")
        settings = Settings(
            database_url=with_database(url, name),
            data_dir=tmp_path_factory.mktemp("evidence"),
            role_prefix=name,
        )
        await migrate(settings, installed_apps([]))
        async with open_database(settings) as database:
            yield database
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        for role in (settings.app_role, settings.ops_role, settings.owner_role):
            await admin.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
        await admin.close()


@pytest.fixture(scope="session")
async def image_workers() -> AsyncIterator[ImageWorkers]:
    async with ImageWorkers(processes=2) as workers:
        yield workers


@pytest.fixture
async def cities(
    evidence_database: Database,
    store: ObjectStore,
    image_workers: ImageWorkers,
    http: httpx.AsyncClient,
) -> AsyncIterator[tuple[City, City]]:
    """Yichang and its neighbour Changzhi, in a transaction that is rolled back."""
    async with evidence_database.rehearsal() as database:
        yichang, changzhi = [
            await city_of(database, slug, store, image_workers, http)
            for slug in ("yichang", "changzhi")
        ]
        yield yichang, changzhi


@pytest.fixture
def city(cities: tuple[City, City]) -> City:
    return cities[0]


@pytest.fixture
def neighbour(cities: tuple[City, City]) -> City:
    return cities[1]
