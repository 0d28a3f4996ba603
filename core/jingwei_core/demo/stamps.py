"""Stamps (进度标记): what of a package is in the database already, so that a start can skip it."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jingwei_core.platform import Platform
from jingwei_core.settings import Settings

FILE_NAME = "demo-applied.json"


@dataclass(frozen=True, slots=True)
class Stamp:
    """A package as it was applied: its digest, the tenant's birth, whether all demo rows are in.

    The birth tells a new database from the one that the stamp is about.
    """

    digest: str
    born: str
    is_complete: bool = False


def digest_of(folder: Path) -> str:
    """A digest of every file of a package, and of the version that applies it."""
    found = hashlib.sha256(version("jingwei-core").encode())
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        found.update(f"{path.relative_to(folder)}:{len(content)}:".encode())
        found.update(content)
    return found.hexdigest()


def read_stamp(settings: Settings, slug: str) -> Stamp | None:
    """The stamp of a tenant, if there is a sound one."""
    try:
        return Stamp(**_stored(settings)[slug])
    except (KeyError, TypeError):
        return None


def write_stamp(settings: Settings, slug: str, stamp: Stamp) -> None:
    """Remember that the package is applied."""
    path = settings.data_dir / FILE_NAME
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps({**_stored(settings), slug: asdict(stamp)}, indent=2))
    draft.replace(path)


def complete(settings: Settings, slug: str) -> None:
    """Remember that all demo rows of the tenant are in."""
    stamp = read_stamp(settings, slug)
    if stamp is not None:
        write_stamp(settings, slug, replace(stamp, is_complete=True))


async def birth(platform: Platform, slug: str) -> str:
    """When the tenant was stored first; empty if it is not there."""
    async with platform.database.platform() as unit:
        found = await unit.fetchval("SELECT created_at FROM platform.tenant WHERE slug = $1", slug)
    return found.isoformat() if found else ""


def _stored(settings: Settings) -> dict[str, dict[str, Any]]:
    try:
        stored = json.loads((settings.data_dir / FILE_NAME).read_text())
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}
