"""Preparing a demo (演示准备): database, migrations, two cities, their people; all timed."""

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.urls import embedded_server, is_embedded
from jingwei_core.demo.passwords import accounts_path, read_logins
from jingwei_core.demo.people import seed_people
from jingwei_core.demo.plugins import fill_demonstration
from jingwei_core.demo.seeding import Progress, seed_world
from jingwei_core.demo.stamps import Stamp, birth, complete, digest_of, read_stamp, write_stamp
from jingwei_core.platform import Platform, open_platform
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.errors import Invalid

CITIES = ("yichang", "changzhi")
MANIFEST = "tenant.toml"


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the start and how long it took, in seconds."""

    name: str
    seconds: float
    note: str = ""


class Phases:
    """The phases so far; each is told when it ends."""

    def __init__(self, tell: Callable[[Phase], None]) -> None:
        self.done: list[Phase] = []
        self._tell = tell

    @contextmanager
    def phase(self, name: str) -> Iterator[list[str]]:
        """Time a phase; what is put into the list is told with it."""
        began, notes = time.monotonic(), list[str]()
        yield notes
        self.done.append(Phase(name, round(time.monotonic() - began, 2), ", ".join(notes)))
        self._tell(self.done[-1])


def find_packages(folder: Path | None) -> list[Path]:
    """The packages of the two cities: in ``folder``, or in ``tenants`` of the checkout.

    Raises ``Invalid`` (``DEMO_PACKAGES_MISSING``).
    """
    base = folder or next(_checkouts(), Path("tenants").absolute())
    for slug in CITIES:
        if not (base / slug / MANIFEST).is_file():
            raise Invalid("DEMO_PACKAGES_MISSING", folder=str(base), slug=slug)
    return [base / slug for slug in CITIES]


def _checkouts() -> Iterator[Path]:
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for parent in (start, *start.parents):
            if (parent / "tenants" / CITIES[0] / MANIFEST).is_file():
                yield parent / "tenants"


@asynccontextmanager
async def running_database(settings: Settings, phases: Phases) -> AsyncIterator[None]:
    """The database, up and migrated; an embedded server that was started here ends here."""
    server = embedded_server(settings) if is_embedded(settings) else None
    was_running = server is None or await asyncio.to_thread(server.address) is not None
    try:
        with phases.phase("database") as notes:
            if server is not None:
                address = await asyncio.to_thread(server.start)
                notes.append(f"embedded, {address.sockets}")
            else:
                notes.append("JINGWEI_DATABASE_URL")
        with phases.phase("migrations") as notes:
            report = await migrate(settings, installed_apps())
            notes.append(f"{len(report.applied)} applied")
            notes.extend(f"left out {fault.plugin}: {fault.reason}" for fault in report.faults)
        yield
    finally:
        if server is not None and not was_running:
            await asyncio.to_thread(server.stop)


@asynccontextmanager
async def prepared(
    settings: Settings, folders: Sequence[Path], phases: Phases
) -> AsyncIterator[tuple[Platform, list[TenantPackage]]]:
    """The platform with both cities and their people, and the packages whose demo rows are not all
    in yet: :func:`finish` adds those."""
    async with running_database(settings, phases), open_platform(settings) as platform:
        await platform.store.ensure_ready()
        found = [await _bring(platform, folder, phases) for folder in folders]
        yield platform, [package for package in found if package is not None]


async def finish(
    platform: Platform, packages: Sequence[TenantPackage], tell: Callable[[Progress], None]
) -> None:
    """Add the organisations and events of all packages, side by side."""

    # The stamps of all cities are one file.
    stamping = asyncio.Lock()

    async def one(package: TenantPackage) -> None:
        await seed_world(platform, package, tell)
        async with stamping:
            await asyncio.to_thread(complete, platform.settings, package.tenant.slug)

    async with asyncio.TaskGroup() as group:
        for package in packages:
            group.create_task(one(package))


async def _bring(platform: Platform, folder: Path, phases: Phases) -> TenantPackage | None:
    """Apply a package and make its people; ``None`` when there is nothing left to do."""
    settings, slug = platform.settings, folder.name
    with phases.phase(slug) as notes:
        digest = await asyncio.to_thread(digest_of, folder)
        stamp = await asyncio.to_thread(read_stamp, settings, slug)
        is_applied = stamp is not None and (stamp.digest, stamp.born) == (
            digest,
            await birth(platform, slug),
        )
        has_logins = bool(await asyncio.to_thread(read_logins, accounts_path(settings), slug))
        if stamp is not None and is_applied and stamp.is_complete and has_logins:
            notes.append(await _filled(platform, folder))
            return None
        package = await asyncio.to_thread(load_package, folder)
        if not is_applied:
            outcome = await apply_package(platform, package)
            notes.append("applied" if not outcome.is_empty else "unchanged")
        tenant = await platform.tenant(slug)
        made = await seed_people(platform, tenant, package, accounts_path(settings))
        notes.append(f"{len(package.places)} places, {made} new accounts")
        if not is_applied:
            born = await birth(platform, slug)
            await asyncio.to_thread(write_stamp, settings, slug, Stamp(digest, born))
    return package


async def _filled(platform: Platform, folder: Path) -> str:
    """What plugins add that were switched on after all else was done, as it is told."""
    text = await asyncio.to_thread((folder / MANIFEST).read_text, encoding="utf-8")
    if tomllib.loads(text)["tenant"].get("demo") is not True:
        return "nothing to do"
    added = await fill_demonstration(platform, folder.name)
    told = [f"{plugin}: {rows} rows" for plugin, rows in added.items() if rows]
    return ", ".join(told) or "nothing to do"
