"""The databases of a run: one server, a migrated template on it, and copies of that.

    async with copied_database(run, template) as settings:
        ...             # a database of its own that commits; dropped at the end

A copy takes a tenth of the time of the migrations. Fixtures ask for ``new_database`` (see the
suite's conftest), which knows the run and the template already.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.engine import connect
from jingwei_core.database.urls import with_database
from jingwei_core.settings import Settings
from tests.servers.processes import CONNECTIONS

GIVEN_SERVER = "JINGWEI_TEST_DATABASE_URL"
EMPTY = "template0"

NewDatabase = Callable[[], AbstractAsyncContextManager[Settings]]


@dataclass(frozen=True)
class TestRun:
    """What all workers of a run share."""

    __test__ = False

    url: str
    name: str
    folder: str

    @property
    def template(self) -> str:
        """How the names of the run's templates begin."""
        return f"{self.name}_template"

    def settings(self, database: str) -> Settings:
        """The settings of a database of this run; its roles carry the run's name."""
        return Settings(
            database_url=with_database(self.url, database),
            app_database_url=None,
            data_dir=Path(self.folder),
            role_prefix=self.name,
            pool_size=8,
            # Clients that sign in once for all tests outlive the usual ten minutes.
            access_token_s=3600,
        )


@dataclass
class RunServer:
    """The server of a run, started when it is first asked for."""

    run: TestRun | None = None
    server: EmbeddedServer | None = None
    is_ours: bool = True

    def start(self) -> TestRun:
        """The run, with its server up."""
        if self.run is None:
            memory = Path("/dev/shm")
            base = str(memory) if memory.is_dir() else None
            folder = Path(tempfile.mkdtemp(prefix="jingwei-test-", dir=base))
            folder.chmod(0o711)
            url = os.environ.get(GIVEN_SERVER)
            if url is None:
                self.server = EmbeddedServer(folder / "postgres", connections=CONNECTIONS)
                url = self.server.start().url()
            self.run = TestRun(url, f"jwt_{secrets.token_hex(4)}", str(folder))
        return self.run

    def stop(self) -> None:
        """Stop what was started here, and leave nothing behind."""
        if self.run is None or not self.is_ours:
            return
        if self.server is not None:
            self.server.stop()
        shutil.rmtree(self.run.folder, ignore_errors=True)


async def made_once(
    run: TestRun, suffix: str, make: Callable[[Settings], Awaitable[None]], source: str = EMPTY
) -> str:
    """The name of a template: a copy of ``source`` with what ``make`` put into it.

    The worker that comes first makes it, for all.
    """
    made = f"{run.template}{suffix}"
    connection = await connect(run.url)
    try:
        await connection.execute("SELECT pg_advisory_lock(hashtext($1))", made)
        if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", made):
            # Under its name once it is whole.
            draft = f"{made}_draft"
            await connection.execute(f"CREATE DATABASE {draft} TEMPLATE {source}")
            await make(run.settings(draft))
            await connection.execute(f"ALTER DATABASE {draft} RENAME TO {made}")
    finally:
        await connection.close()
    return made


async def drop_templates(run: TestRun) -> None:
    """On a server that outlives the run, remove what the run made; the last worker succeeds."""
    if GIVEN_SERVER not in os.environ:
        return
    connection = await connect(run.url)
    try:
        names = [
            row["datname"]
            for row in await connection.fetch(
                "SELECT datname FROM pg_database WHERE starts_with(datname, $1)", f"{run.name}_"
            )
        ]
        if not all(name.startswith(run.template) for name in names):
            return
        for name in names:
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        for role in ("app", "owner", "ops"):
            await connection.execute(f"DROP ROLE IF EXISTS {run.name}_{role}")
    finally:
        await connection.close()


@asynccontextmanager
async def copied_database(run: TestRun, template: str) -> AsyncIterator[Settings]:
    """The settings of a new database, a copy of the template (or ``EMPTY``); dropped at the end."""
    name = f"{run.name}_{secrets.token_hex(6)}"
    connection = await connect(run.url)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        if template != EMPTY:
            # What is granted on a database itself is not copied with it.
            owner = run.settings(name).owner_role
            await connection.execute(f"GRANT CREATE ON DATABASE {name} TO {owner}")
        try:
            yield run.settings(name)
        finally:
            await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


def environment(settings: Settings, **more: str) -> dict[str, str]:
    """The environment of a process that works with these settings.

    Of our own, only what is not Jingwei's is passed on; ``more`` is added.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JINGWEI_")}
    return kept | {
        "JINGWEI_DATABASE_URL": str(settings.database_url),
        "JINGWEI_DATA_DIR": str(settings.data_dir),
        "JINGWEI_ROLE_PREFIX": settings.role_prefix,
        "JINGWEI_SECRET_KEY": settings.secret().decode(),
        "JINGWEI_POOL_SIZE": str(settings.pool_size),
        **more,
    }
