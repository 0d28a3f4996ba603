"""What is checked (检查对象): a plugin's files as they lie there, and its declarations."""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from traceback import extract_tb
from typing import Any

from jingwei_sdk.check.found import CouldNotRun, Said
from jingwei_sdk.errors import JingweiError, Refused
from jingwei_sdk.plugin import ENTRY_POINT_GROUP, Manifest, Plugin, read_manifest

PROJECT_FILE = "pyproject.toml"
MANIFEST_FILE = "plugin.toml"
MIGRATIONS = "migrations"
JUDGES = "jingwei.plugin_judges"
"""Entry points of installed platforms: ``(Plugin, Manifest)`` to what they have against it."""
_PASSED_OVER = {"__pycache__", ".git", ".venv", "node_modules", "build", "dist"}


@dataclass(frozen=True)
class Source:
    """A text file of the plugin: its path from the project's folder, and its text."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a Python file; that of an empty one when it cannot be parsed."""
        try:
            return ast.parse(self.text)
        except (SyntaxError, ValueError):
            return ast.parse("")

    def line_of(self, words: str) -> int:
        """The first line that holds ``words``, 1 when none does."""
        lines = enumerate(self.text.splitlines(), start=1)
        return next((number for number, line in lines if words in line), 1)


@dataclass(frozen=True)
class Subject:
    """One plugin, as far as it can be read.

    ``folder`` is the project with its ``pyproject.toml``, or the package itself for one that is
    installed as a wheel. ``manifest`` and ``plugin`` are ``None`` when they cannot be had;
    ``manifest_error`` and ``load_error`` then say why. ``objections`` is why a platform that is
    installed here would not load it. ``neighbours`` are the other plugins of this machine: import
    name to id.
    """

    folder: Path
    package_dir: Path
    entry: Mapping[str, str]
    manifest: Manifest | None = None
    manifest_error: str = ""
    plugin: Plugin | None = None
    load_error: str = ""
    objections: tuple[str, ...] = ()
    neighbours: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, place: Path | str) -> "Subject":
        """The plugin in a folder, or the installed one with this id.

        Raises ``Refused`` (``CHECK_NO_PLUGIN``) where there is none.
        """
        folder = Path(place)
        found = _in_folder(folder.resolve()) if folder.is_dir() else _installed(str(place))
        if found is None:
            raise Refused("CHECK_NO_PLUGIN", place=str(place))
        root, package_dir, entry = found
        manifest, manifest_error = _manifest(package_dir)
        plugin, load_error, objections = _load(package_dir, entry, manifest)
        return cls(
            folder=root,
            package_dir=package_dir,
            entry=entry,
            manifest=manifest,
            manifest_error=manifest_error,
            plugin=plugin,
            load_error=load_error,
            objections=objections,
            neighbours=_neighbours(package_dir.name),
        )

    @property
    def package(self) -> str:
        """The import name of the plugin's package."""
        return self.package_dir.name

    @property
    def is_project(self) -> bool:
        """Whether the project is there and not only the installed package."""
        return (self.folder / PROJECT_FILE).is_file()

    def require_project(self) -> None:
        """Raise :class:`CouldNotRun` for an installed plugin: the files around its package, such as
        its tests, are not there to look at."""
        if not self.is_project:
            raise CouldNotRun(Said("只装了软件包，没有工程目录", "installed without its project"))

    @cached_property
    def project(self) -> Mapping[str, Any]:
        """What ``pyproject.toml`` says; empty when there is none that can be read."""
        return _project(self.folder)

    @cached_property
    def code(self) -> tuple[Source, ...]:
        """The Python files of the package, without its migrations."""
        return tuple(
            source
            for source in self._sources(self.package_dir, ".py")
            if f"/{MIGRATIONS}/" not in f"/{source.path}"
        )

    @cached_property
    def migrations(self) -> tuple[Source, ...]:
        """The migration files of the package in the order in which they run."""
        folder = self.package_dir / MIGRATIONS
        found = (*self._sources(folder, ".py"), *self._sources(folder, ".sql"))
        ordered = sorted(found, key=lambda source: source.path)
        return tuple(source for source in ordered if not source.path.endswith("__init__.py"))

    @cached_property
    def unread(self) -> tuple[str, ...]:
        """The paths of Python files of the package that no rule can look into: they are not UTF-8
        or no Python."""
        return tuple(
            self._path(place)
            for place in sorted(self.package_dir.rglob("*.py"))
            if not _is_passed_over(place, self.package_dir) and not _is_python(self._read(place))
        )

    @cached_property
    def tests(self) -> tuple[Source, ...]:
        """The test modules of the project."""
        return tuple(self._sources(self.folder / "tests", ".py"))

    def file(self, path: str) -> Source | None:
        """A file by its path from the project's folder."""
        return self._read(self.folder / path)

    def shipped(self, name: str) -> Source | None:
        """A file that lies beside the package's ``__init__.py``."""
        return self._read(self.package_dir / name)

    def path_of(self, name: str) -> str:
        """How a file of the package is called from the project's folder."""
        return self._path(self.package_dir / name)

    def _sources(self, folder: Path, suffix: str) -> Iterator[Source]:
        for path in sorted(folder.rglob(f"*{suffix}")) if folder.is_dir() else ():
            source = None if _is_passed_over(path, folder) else self._read(path)
            if source is not None:
                yield source

    def _read(self, path: Path) -> Source | None:
        try:
            return Source(self._path(path), path.read_text(encoding="utf-8"))
        except (OSError, UnicodeError):
            return None

    def _path(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()


def _is_passed_over(path: Path, folder: Path) -> bool:
    # What the folders above are called says nothing of what lies in this one.
    return bool(_PASSED_OVER & set(path.relative_to(folder).parts))


def _is_python(source: Source | None) -> bool:
    try:
        return source is not None and bool(ast.parse(source.text))
    except (SyntaxError, ValueError):
        return False


Place = tuple[Path, Path, Mapping[str, str]]


def _in_folder(folder: Path) -> Place | None:
    """The project in a folder, or the one that a package's folder belongs to."""
    root = folder if (folder / PROJECT_FILE).is_file() else folder.parent
    if (root / PROJECT_FILE).is_file():
        entry = _declared_entry(root)
        for value in entry.values():
            package = value.partition(":")[0].partition(".")[0]
            for where in (root / package, root / "src" / package):
                if where.is_dir():
                    return root, where, entry
        inside = next((path.parent for path in sorted(root.glob(f"*/{MANIFEST_FILE}"))), None)
        return None if inside is None else (root, inside, entry)
    if (folder / MANIFEST_FILE).is_file():
        return folder, folder, {}
    return None


def _declared_entry(root: Path) -> Mapping[str, str]:
    points = _project(root).get("project", {}).get("entry-points", {}).get(ENTRY_POINT_GROUP, {})
    return {str(name): str(value) for name, value in points.items()}


def _project(root: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((root / PROJECT_FILE).read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError):
        return {}


def _installed(plugin: str) -> Place | None:
    for point in entry_points(group=ENTRY_POINT_GROUP, name=plugin):
        spec = find_spec(point.value.partition(":")[0].partition(".")[0])
        for place in (spec.submodule_search_locations or ()) if spec is not None else ():
            package_dir = Path(place)
            root = package_dir.parent
            # An editable installation still has its project around it.
            is_project = (root / PROJECT_FILE).is_file()
            return root if is_project else package_dir, package_dir, {point.name: point.value}
    return None


def _neighbours(package: str) -> Mapping[str, str]:
    points = entry_points(group=ENTRY_POINT_GROUP)
    packages = {point.value.partition(":")[0].partition(".")[0]: point.name for point in points}
    return {name: plugin for name, plugin in packages.items() if name != package}


def _manifest(package_dir: Path) -> tuple[Manifest | None, str]:
    try:
        return read_manifest(package_dir / MANIFEST_FILE), ""
    except Refused as error:
        return None, str(error.params.get("cause", error))


def _load(
    package_dir: Path, entry: Mapping[str, str], manifest: Manifest | None
) -> tuple[Plugin | None, str, tuple[str, ...]]:
    """The plugin's declarations; a copy of its modules, so that a loaded plugin stays as it is."""
    if len(entry) != 1:
        return None, "", ()
    module, _, name = next(iter(entry.values())).partition(":")
    with _fresh_modules(package_dir):
        try:
            found = getattr(import_module(module), name)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stranger may raise anything
            return None, _told(error) + _raised_at(error, package_dir), ()
        if not isinstance(found, Plugin):
            return None, f"{module}:{name} is no Plugin", ()
        return found, "", () if manifest is None else tuple(_objections(found, manifest))


def _objections(plugin: Plugin, manifest: Manifest) -> Iterator[str]:
    for point in entry_points(group=JUDGES):
        try:
            yield from list(point.load()(plugin, manifest))
        except Exception as error:  # noqa: BLE001 - it judges a stranger's declarations
            yield _told(error)


@contextmanager
def _fresh_modules(package_dir: Path) -> Iterator[None]:
    package, path = package_dir.name, str(package_dir.parent)

    def names() -> list[str]:
        return [name for name in sys.modules if name == package or name.startswith(f"{package}.")]

    kept = {name: sys.modules.pop(name) for name in names()}
    sys.path.insert(0, path)
    invalidate_caches()
    written, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = written
        sys.path.remove(path)
        for name in names():
            del sys.modules[name]
        sys.modules.update(kept)


def _told(error: BaseException) -> str:
    return str(error) if isinstance(error, JingweiError) else f"{type(error).__name__}: {error}"


def _raised_at(error: BaseException, package_dir: Path) -> str:
    """Where in the package loading ended, as `` (tables.py:6)``; empty for an error elsewhere."""
    if isinstance(error, SyntaxError) and error.filename:
        lines = [(error.filename, error.lineno)]
    else:
        lines = [(step.filename, step.lineno) for step in extract_tb(error.__traceback__)]
    for name, line in reversed(lines):
        if Path(name).is_relative_to(package_dir):
            return f" ({Path(name).relative_to(package_dir).as_posix()}:{line})"
    return ""
