"""Deprecations (弃用) as data: what plugins should stop using, since when and until when.

Nothing is removed sooner than twelve months and one minor version after it was announced. Each use
is attributed to the plugin it stands in: by a warning that names the plugin's package where code
runs, and by file and line where its sources are read (``jingwei plugin check --next``).
"""

import ast
import sys
import tomllib
import warnings
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from packaging.version import Version

from jingwei_sdk.errors import Refused
from jingwei_sdk.manifest import MANIFEST_NAME
from jingwei_sdk.versions import SDK_VERSION, served

LEAST_MONTHS = 12
_FILE = Path(__file__).with_name("deprecations.toml")
_BETWEEN = ("jingwei_sdk", "importlib", "_frozen_importlib", "pluggy")


class SdkDeprecation(DeprecationWarning):
    """A plugin uses what a later version of the SDK does not have."""


class Deprecation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One thing that goes away; ``zh`` and ``en`` say what to do instead."""

    name: str
    kind: Literal["name", "manifest", "range"]
    since: str
    announced: date
    removed_in: str
    not_before: date
    replacement: str
    zh: str
    en: str

    def problem(self) -> str | None:
        """How it breaks the promise that nothing goes away in a hurry, or ``None``."""
        months = (self.not_before.year - self.announced.year) * 12
        months += self.not_before.month - self.announced.month
        if months - (self.not_before.day < self.announced.day) < LEAST_MONTHS:
            return f"{self.name}: less than {LEAST_MONTHS} months from {self.announced}"
        if Version(self.removed_in).release[:2] <= Version(self.since).release[:2]:
            return f"{self.name}: no minor version between {self.since} and {self.removed_in}"
        return None


class Use(msgspec.Struct, frozen=True):
    """A use of something deprecated: the file from the package's folder, and the line."""

    deprecation: Deprecation
    file: str
    line: int


@cache
def deprecations() -> tuple[Deprecation, ...]:
    """Everything that is deprecated; raises ``Refused`` (``DEPRECATION_TOO_SOON``)."""
    content = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    found = msgspec.convert(content["deprecated"], tuple[Deprecation, ...])
    for deprecation in found:
        problem = deprecation.problem()
        if problem is not None:
            raise Refused("DEPRECATION_TOO_SOON", cause=problem)
    return found


def gone_in(version: str) -> tuple[Deprecation, ...]:
    """What is deprecated and not there any more in that version of the SDK."""
    return tuple(each for each in deprecations() if Version(each.removed_in) <= Version(version))


def next_major() -> str:
    """The version after which the present major is the previous one: ``2.0.0``."""
    return f"{Version(SDK_VERSION).major + 1}.0.0"


def uses(package_dir: Path) -> Iterator[Use]:
    """What a package still uses, from its manifest and sources, without importing it."""
    manifest = package_dir / MANIFEST_NAME
    if manifest.is_file():
        yield from _manifest_uses(manifest)
    for path in sorted(package_dir.rglob("*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (SyntaxError, ValueError, OSError):
            continue  # ``plugin check`` tells of files that cannot be read
        for name, line in imported_names(tree):
            known = _by_name().get(name)
            if known is not None:
                yield Use(known, path.relative_to(package_dir).as_posix(), line)


def imported_names(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """The full names of the SDK that a module reaches for, with their lines."""
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield f"{node.module}.{alias.name}", node.lineno
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a`; only `import a.b as c` gives the module a name.
                bound = alias.asname or alias.name.partition(".")[0]
                modules[bound] = alias.name if alias.asname else bound
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            head, _, rest = ast.unparse(node).partition(".")
            if head in modules:
                yield f"{modules[head]}.{rest}", node.lineno


def warn_of(name: str) -> None:
    """Warn, with the package that reached for ``name`` (full, below ``jingwei_sdk``)."""
    deprecation = _by_name()[name]
    package, level = _caller()
    warnings.warn(
        f"{package} uses {name}, deprecated since SDK {deprecation.since}, gone in"
        f" {deprecation.removed_in} (not before {deprecation.not_before}): {deprecation.en}",
        SdkDeprecation,
        stacklevel=level,
    )


def _manifest_uses(path: Path) -> Iterator[Use]:
    text = path.read_text(encoding="utf-8")
    content = tomllib.loads(text)
    lines = text.splitlines()
    for deprecation in deprecations():
        key = deprecation.name if deprecation.kind == "manifest" else "sdk"
        if deprecation.kind == "name" or key not in content:
            continue
        if deprecation.kind == "range" and not _is_only_for_previous(str(content["sdk"])):
            continue
        marks = (f"{key} ", f"{key}=", f"[{key}]", f"[{key}.")
        found = (n for n, line in enumerate(lines, 1) if line.strip().startswith(marks))
        yield Use(deprecation, path.name, next(found, 1))


def _is_only_for_previous(wanted: str) -> bool:
    newest = served(wanted)
    return newest is not None and Version(newest).major < Version(SDK_VERSION).major


@cache
def _by_name() -> dict[str, Deprecation]:
    return {each.name: each for each in deprecations() if each.kind == "name"}


def _caller() -> tuple[str, int]:
    """The package outside the SDK that is on the stack nearest to here, and how far away."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None:
        name = str(frame.f_globals.get("__name__", ""))
        if name.partition(".")[0] not in _BETWEEN:
            break
        frame, level = frame.f_back, level + 1
    return str(frame.f_globals.get("__name__", "?")).partition(".")[0], level
