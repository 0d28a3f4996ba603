"""The suite's database: one server a run, one database a worker, nothing kept between tests.

The server is ``JINGWEI_TEST_DATABASE_URL`` (a superuser), or else the embedded one in memory. Under
xdist the controller starts it and tells the workers. All migrations run once into a template; each
worker's database is a copy of it.

``database``    a ``Database`` for one test. Its units are savepoints of one transaction that is
                rolled back at the end (``Database.rehearsal``): quick, but units of different tasks
                wait for each other, NOTIFY is not delivered and ``now()`` stands still.
                With ``@pytest.mark.commit`` it is a fresh copy of the template and really commits.
``settings``    the ``Settings`` of that database, for what opens its own connections; without the
                marker such connections see only what was committed before the suite: nothing.
``new_database``  for fixtures that outlive one test: ``async with new_database() as settings`` is a
                copy of the template that commits, dropped at the end. Tests that share one tell
                their rows apart by tenant.
``empty``       the ``Settings`` of a new database in which nothing has run.
"""

import gc
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest
import structlog

from jingwei_core.database import Database, open_database
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.settings import Settings
from tests.servers.databases import (
    EMPTY,
    NewDatabase,
    RunServer,
    TestRun,
    copied_database,
    drop_templates,
    made_once,
)
from tests.servers.longest import rank

_FIXTURES = Path(__file__).parent / "fixtures"
pytest_plugins = sorted(
    f"tests.fixtures.{path.stem}" for path in _FIXTURES.glob("*.py") if path.stem != "__init__"
)

RUN_KEY = pytest.StashKey[RunServer]()

FEWER_COLLECTIONS = (50_000, 20, 20)
"""Thresholds of the collector: with the usual ones it took a fifth of the suite's time."""


def pytest_configure(config: pytest.Config) -> None:
    """Take the run over from the controller, if there is one."""
    gc.set_threshold(*FEWER_COLLECTIONS)
    config.addinivalue_line("markers", "commit: a database of its own, in which units commit")
    shared = getattr(config, "workerinput", {}).get("jingwei_run")
    run = TestRun(*shared) if shared else None
    config.stash[RUN_KEY] = RunServer(run, is_ours=shared is None)
    # By default a logged exception shows all local variables: seconds of typesetting each.
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell an xdist worker where the server is."""
    run = node.config.stash[RUN_KEY].start()  # type: ignore[attr-defined]
    node.workerinput["jingwei_run"] = (run.url, run.name, run.folder)  # type: ignore[attr-defined]


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the server with the run."""
    config.stash[RUN_KEY].stop()


@pytest.fixture(scope="module", autouse=True)
def looked_through() -> Iterator[None]:
    """What earlier modules left (schemas, plans) is not looked through again by this one's."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(scope="session")
def test_run(request: pytest.FixtureRequest) -> TestRun:
    """What all workers share; starts the server."""
    return request.config.stash[RUN_KEY].start()


@pytest.fixture(scope="session")
async def template(test_run: TestRun) -> AsyncIterator[str]:
    """The database in which every migration has run; made by the worker that comes first."""
    yield await made_once(test_run, "", _migrated)
    await drop_templates(test_run)


async def _migrated(settings: Settings) -> None:
    await migrate(settings, installed_apps())


@pytest.fixture(scope="session")
def new_database(test_run: TestRun, template: str) -> NewDatabase:
    """See the top of this file."""
    return partial(copied_database, test_run, template)


@pytest.fixture(scope="session")
async def kept_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    """The worker's own database; tests use ``database``, which keeps it clean."""
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def settings(
    request: pytest.FixtureRequest, new_database: NewDatabase, kept_database: Database
) -> AsyncIterator[Settings]:
    """See the top of this file."""
    if request.node.get_closest_marker("commit") is None:
        yield kept_database.settings
        return
    async with new_database() as settings:
        yield settings


@pytest.fixture
async def database(
    request: pytest.FixtureRequest, settings: Settings, kept_database: Database
) -> AsyncIterator[Database]:
    """See the top of this file."""
    if request.node.get_closest_marker("commit") is None:
        async with kept_database.rehearsal() as database:
            yield database
        return
    async with open_database(settings) as database:
        yield database


@pytest.fixture
async def empty(test_run: TestRun) -> AsyncIterator[Settings]:
    """See the top of this file."""
    async with copied_database(test_run, EMPTY) as settings:
        yield settings


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Copies of the template last: the quick tests tell first. Workers begin with long files."""
    items.sort(key=lambda item: item.get_closest_marker("commit") is not None)
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: rank(item.nodeid))
