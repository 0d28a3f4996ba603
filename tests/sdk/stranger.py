"""The stranger's plugin ``examples/road-lamp-patrol``, whole or up to a step of the tutorial."""

import ast
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.wheelhouse import ROOT, Wheelhouse, build_wheel

EXAMPLE = ROOT / "examples" / "road-lamp-patrol"
STEPS = tuple(sorted(path.name for path in (EXAMPLE / "steps").iterdir() if path.is_dir()))
PACKAGE = "road_lamp_patrol"


def step_files(step: str) -> dict[str, Path]:
    """What an author has after a step: each file as the last step that touched it left it."""
    found: dict[str, Path] = {}
    for each in STEPS[: STEPS.index(step) + 1]:
        found |= _files(EXAMPLE / "steps" / each)
    return found


def whole_files() -> dict[str, Path]:
    """The files of the finished plugin."""
    return {name: path for name, path in _files(EXAMPLE).items() if not name.startswith("steps/")}


def write_step(step: str, folder: Path) -> Path:
    """Lay the files of a step into ``folder``."""
    for name, path in step_files(step).items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    return folder


def write_without_package(folder: Path) -> Path:
    """The project without its package: what runs is what is installed."""
    ignored = shutil.ignore_patterns("__pycache__", ".*_cache", "steps", PACKAGE)
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    return folder


def install(wheels: Wheelhouse, folder: Path) -> tuple[FreshEnvironment, Path]:
    """An environment with the platform and the stranger's wheel, and that wheel."""
    environment = FreshEnvironment.make(folder / "environment")
    environment.install_locked("jingwei-sdk", extras=("testing",))
    project = folder / "project"
    shutil.copytree(EXAMPLE, project, ignore=shutil.ignore_patterns("steps", "__pycache__"))
    wheel = build_wheel(project, folder / "wheel")
    environment.install(*wheels.all(), wheel)
    return environment, wheel


def number_of_tests(folder: Path) -> int:
    """How many test functions the project's tests have."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in folder.glob("test_*.py")]
    return sum(_is_test(node) for tree in trees for node in ast.walk(tree))


def imports_of(folder: Path) -> Iterator[str]:
    """The first part of each name that the package imports."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.partition(".")[0]


def _is_test(node: ast.AST) -> bool:
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return is_function and getattr(node, "name", "").startswith("test_")


def _files(folder: Path) -> dict[str, Path]:
    return {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and not any(part == "__pycache__" or part.endswith("_cache") for part in path.parts)
    }
