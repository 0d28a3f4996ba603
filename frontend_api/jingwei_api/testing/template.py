"""The template (模板): a migrated database with two cities, kept on disk between runs of tests.

Making it takes seconds, copying it a tenth of one. It is named by what it was made from: the files
of the core with its migrations and the data of the cities, so that a newer platform makes its own.
A plugin's migrations run on the copy; no plugin is in it.
"""

import asyncio
import hashlib
import os
import secrets
import shutil
from importlib.resources import files
from pathlib import Path

from jingwei_core.database import open_database
from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.database.server_copies import from_copy, keep_copy
from jingwei_core.database.urls import embedded_server
from jingwei_core.platform import assemble
from jingwei_core.settings import Settings
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package

CITIES = {
    "first": "0195f000-0000-7000-8000-0000000000a1",
    "other": "0195f000-0000-7000-8000-0000000000b2",
}
"""Slug and id of the two cities."""

_KEPT_PLACE = "JINGWEI_TESTING_CACHE"
_MOST_KEPT = 3
_SECRET = "secret.key"  # noqa: S105 - the name of a file
_PACKAGES = ("jingwei_core", "jingwei_sdk", "jingwei_api.testing")
_MATTER = (".py", ".sql", ".toml", ".csv", ".ndjson", ".json", ".conf")


async def started(folder: Path) -> tuple[EmbeddedServer, Settings]:
    """A running server in ``folder`` with both cities, from the template, which is made if it is
    not there; raises ``Unavailable``."""
    kept = _kept_folder() / await asyncio.to_thread(_name)
    # Nothing of the environment's own: whoever tests may have a deployment in theirs.
    settings = Settings(
        database_url=None, app_database_url=None, data_dir=folder, role_prefix="jingwei_kit"
    )
    server = embedded_server(settings)
    if not await asyncio.to_thread(_restored, kept, folder):
        await _fill(settings, folder)
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(_keep, server, folder, kept)
    await asyncio.to_thread(server.start)
    return server, settings


async def _fill(settings: Settings, folder: Path) -> None:
    await migrate(settings, installed_apps([]))
    async with open_database(settings) as database:
        platform = assemble(database, installed=[])
        for slug, tenant_id in CITIES.items():
            package = _written(folder / "cities" / slug, slug, tenant_id)
            await apply_package(platform, load_package(package))


def _written(folder: Path, slug: str, tenant_id: str) -> Path:
    """The package of a city: one set of data, each time under another name."""
    shutil.copytree(Path(str(files("jingwei_api.testing"))) / "city", folder)
    manifest = folder / "tenant.toml"
    text = manifest.read_text(encoding="utf-8")
    text = text.replace(f'"{CITIES["first"]}"', f'"{tenant_id}"')
    manifest.write_text(text.replace('slug = "first"', f'slug = "{slug}"'), encoding="utf-8")
    return folder


def _restored(kept: Path, folder: Path) -> bool:
    """Whether the template could be copied; another run may be taking it away as too old."""
    try:
        shutil.copy2(kept / _SECRET, folder / _SECRET)
        os.utime(kept)
        from_copy(kept, folder / "postgres")
    except (OSError, ValueError):
        (folder / _SECRET).unlink(missing_ok=True)
        shutil.rmtree(folder / "postgres", ignore_errors=True)
        return False
    return True


def _keep(server: EmbeddedServer, folder: Path, kept: Path) -> None:
    """Keep the stopped server; where nothing can be kept, the next run makes it again."""
    draft = kept.with_name(f"{kept.name}.{secrets.token_hex(4)}")
    try:
        keep_copy(server, draft)
        shutil.copy2(folder / _SECRET, draft / _SECRET)
        draft.rename(kept)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
        return
    others = sorted(kept.parent.iterdir(), key=lambda one: one.stat().st_mtime, reverse=True)
    for old in others[_MOST_KEPT:]:
        shutil.rmtree(old, ignore_errors=True)


def _kept_folder() -> Path:
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(os.environ.get(_KEPT_PLACE) or Path(cache) / "jingwei" / "testing")


def _name() -> str:
    """What the template is made from, in one word."""
    digest = hashlib.sha256()
    for package in _PACKAGES:
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*")):
            if path.suffix in _MATTER and path.is_file():
                digest.update(path.relative_to(root).as_posix().encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]
