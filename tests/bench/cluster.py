"""The server of a run: a copy, in memory, of a data directory that is made once and kept.

with running_cluster(PROFILES["base"]) as cluster:
    cluster.settings   # of the platform; the same secret in every run
    cluster.admin_url  # a superuser
"""

import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.migration_files import files_of
from jingwei_core.database.security_rules import index_of
from jingwei_core.database.server_binaries import MAJOR, find_binaries
from jingwei_core.database.urls import app_url
from jingwei_core.platform import open_platform
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_sdk.indexes import indexes_of
from tests.servers.databases import environment

DATA = Path(__file__).parent / "data"
PACKAGE = Path(__file__).parents[2] / "tenants" / "yichang"
CONNECTIONS = 16
# For data that is thrown away: the same in every run, so that a copied directory knows its roles.
_SECRET = hashlib.sha256(b"jingwei bench").hexdigest()
_MEMORY = Path("/dev/shm")
_SERVER = {
    # Everything that the requests touch fits; JIT compiles statements that take a millisecond.
    "shared_buffers": "2GB",
    "effective_cache_size": "4GB",
    "jit": "off",
    "random_page_cost": "1.1",
    # A checkpoint less in a stretch of load, and yet little memory for the log.
    "max_wal_size": "2GB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "30min",
    "track_io_timing": "off",
}


@dataclass(frozen=True, slots=True)
class Fill:
    """Tenants ``first`` to ``last``, with ``each`` events in each."""

    first: int
    last: int
    each: int


PROFILES: dict[str, tuple[Fill, ...]] = {
    "empty": (),
    "tiny": (Fill(1, 4, 5_000),),
    "base": (Fill(1, 20, 100_000),),
    # Twenty tenants as above, one ten times as large, and two hundred small ones.
    "grown": (Fill(1, 20, 100_000), Fill(21, 21, 1_000_000), Fill(22, 221, 5_000)),
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running server with the data of a profile."""

    folder: Path
    settings: Settings
    fills: tuple[Fill, ...]

    @property
    def admin_url(self) -> str:
        """The URL of a superuser."""
        return str(self.settings.database_url)

    @property
    def app_url(self) -> str:
        """The URL of the application's role, under row security."""
        return app_url(self.settings)

    def cpu_s(self) -> float:
        """The CPU time that the server's processes have spent, those that ended included."""
        file = self.folder / "postgres" / str(MAJOR) / "postmaster.pid"
        postmaster = psutil.Process(int(file.read_text().split()[0]))
        times = postmaster.cpu_times()
        spent: float = times.children_user + times.children_system
        for process in postmaster.children():
            with suppress(psutil.NoSuchProcess):
                spent += sum(process.cpu_times()[:2])
        return spent

    def jingwei(self, *arguments: str) -> None:
        """Run our command line on this server."""
        command = [str(Path(sys.executable).parent / "jingwei"), *arguments]
        env = environment(self.settings)
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=env)
        if done.returncode != 0:
            raise RuntimeError((done.stdout + done.stderr)[-3000:])

    def fold_counts(self) -> None:
        """Do what a worker does with the kept counts, and vacuum what that leaves."""
        self.jingwei("rollup", "fold")
        self.psql("-c", "VACUUM core.rollup_delta")

    def psql(self, *arguments: str, **variables: object) -> str:
        """What ``psql`` printed as a superuser, unaligned and without headings."""
        command = [find_binaries().program("psql"), "-XqAt", "-v", "ON_ERROR_STOP=1"]
        for name, value in variables.items():
            command += ["-v", f"{name}={value}"]
        done = subprocess.run(
            [*command, *arguments, self.admin_url], check=False, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise RuntimeError(done.stderr[-3000:])
        return done.stdout


@contextmanager
def running_cluster(profile: str) -> Iterator[Cluster]:
    """A server of its own with the data of a profile; gone at the end."""
    fills = PROFILES[profile]
    folder = Path(tempfile.mkdtemp(prefix="jingwei-bench-", dir=_MEMORY))
    folder.chmod(0o711)
    server = EmbeddedServer(folder / "postgres")
    try:
        kept = _kept(profile)
        if kept.is_dir():
            _told(f"data of {kept.name}: copying")
            _copy(kept, folder / "postgres")
            yield _started(server, fills)
        else:
            cluster = _made(server, fills)
            server.stop()
            _keep(folder / "postgres", kept)
            yield _started(server, cluster.fills)
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _started(server: EmbeddedServer, fills: tuple[Fill, ...]) -> Cluster:
    folder = server.folder.parent
    settings = Settings(
        database_url=server.start().url("jingwei"),
        data_dir=folder,
        secret_key=_SECRET,  # type: ignore[arg-type]
        access_token_s=3600,
        pool_size=CONNECTIONS,
    )
    return Cluster(folder, settings, fills)


def _made(server: EmbeddedServer, fills: tuple[Fill, ...]) -> Cluster:
    """Migrations as everywhere, a tenant from its package, and the rest as copies of that one."""
    began = time.monotonic()
    server.start()
    with (server.cluster / "postgresql.auto.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in _SERVER.items())
    server.stop()
    EmbeddedServer(server.folder).start()
    cluster = _started(server, fills)
    admin = Cluster(
        cluster.folder,
        cluster.settings.model_copy(update={"database_url": server.start().url("postgres")}),
        fills,
    )
    admin.psql("-c", "CREATE DATABASE jingwei")
    asyncio.run(_with_a_tenant(cluster.settings))
    cluster.psql("-f", str(DATA / "functions.sql"))
    cluster.psql("-f", str(DATA / "set_aside_indexes.sql"))
    for fill in fills:
        numbers = {"first": fill.first, "last": fill.last}
        _told(f"tenants {fill.first} to {fill.last}, {fill.each:,} events in each")
        cluster.psql("-1", "-f", str(DATA / "tenants.sql"), **numbers)
        cluster.psql("-1", "-f", str(DATA / "events.sql"), each=fill.each, **numbers)
    _told("indexes and statistics")
    cluster.psql("-f", str(DATA / "bring_back_indexes.sql"))
    _told("counts that are kept: the events were loaded past their triggers")
    cluster.jingwei("rollup", "rebuild")
    cluster.psql("-c", "VACUUM (ANALYZE)", "-c", "CHECKPOINT")
    _told(f"made in {time.monotonic() - began:.0f} s")
    return cluster


async def _with_a_tenant(settings: Settings) -> None:
    await migrate(settings, installed_apps())
    async with open_platform(settings) as platform:
        await apply_package(platform, load_package(PACKAGE))


def _kept(profile: str) -> Path:
    """Where the data directory of a profile is kept; its name says what it was made from."""
    digest = hashlib.sha256(f"{MAJOR} {PROFILES[profile]} {sorted(_SERVER.items())}".encode())
    for file in sorted(DATA.glob("*.sql")):
        digest.update(file.read_bytes())
    for app in installed_apps():
        for migration in files_of(app):
            digest.update(f"{migration.app} {migration.id} {migration.checksum}".encode())
        for record in app.records:
            for columns in filter(None, indexes_of(record)):
                digest.update(index_of(record.table, columns).sql.encode())
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return caches / "jingwei" / "bench" / f"{profile}-{digest.hexdigest()[:16]}"


def _keep(data: Path, kept: Path) -> None:
    for old in kept.parent.glob(f"{kept.name.partition('-')[0]}-*"):
        shutil.rmtree(old, ignore_errors=True)
    kept.parent.mkdir(parents=True, exist_ok=True)
    _copy(data, kept.with_suffix(".new"))
    kept.with_suffix(".new").rename(kept)


def _copy(source: Path, target: Path) -> None:
    # cp keeps owners, rights and holes.
    subprocess.run(["cp", "-a", "--sparse=auto", str(source), str(target)], check=True)


def _told(what: str) -> None:
    print(f"  {what}", file=sys.stderr, flush=True)
