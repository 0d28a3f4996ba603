"""What is imported is declared, what is declared is allowed, what is installed is locked."""

import importlib.util
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import packages_distributions, version
from pathlib import Path
from types import ModuleType

import pytest

from tests.policy.project import ROOT, Source, sources
from tests.policy.test_rooms import top_level_imports

FOLDERS = ("sdk", "core", "frontend_api", "plugins/safety_production")
# `casbin` installs the same module as `pycasbin`, and whichever comes last wins.
FORBIDDEN = frozenset({"casbin"})


def _canonical(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(folder: str) -> set[str]:
    """The distributions that the pyproject of a folder asks for."""
    text = (ROOT / folder / "pyproject.toml").read_text(encoding="utf-8")
    return {_canonical(need) for need in tomllib.loads(text)["project"]["dependencies"]}


def declared_in_extras(folder: str) -> set[str]:
    """What it asks for besides, for whoever wants an extra of it."""
    text = (ROOT / folder / "pyproject.toml").read_text(encoding="utf-8")
    extras = tomllib.loads(text)["project"].get("optional-dependencies", {})
    return {_canonical(need) for needs in extras.values() for need in needs}


def undeclared(
    files: Iterable[Source], allowed: set[str], providers: Mapping[str, list[str]]
) -> list[str]:
    """The imports of distributions that are there only because something else asked for them."""
    found = []
    for source in files:
        for line, name in top_level_imports(source):
            if name in sys.stdlib_module_names or name.startswith("jingwei_"):
                continue
            if not allowed & {_canonical(provider) for provider in providers.get(name, [])}:
                found.append(f"{source.path}:{line} imports {name}")
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_imported_is_declared(folder: str) -> None:
    files = [source for source in sources(".py") if source.path.startswith(f"{folder}/jingwei_")]
    assert files
    # The libraries of the contract come with the SDK, which promises them to all that stand on it.
    allowed = declared(folder) | declared("sdk") | declared_in_extras(folder)
    assert undeclared(files, allowed, packages_distributions()) == []


def test_an_undeclared_import_is_seen() -> None:
    sample = [Source("core/jingwei_core/a.py", "import json\nimport jwt\nimport PIL.Image\n")]
    providers = {"jwt": ["PyJWT"], "PIL": ["pillow"]}
    assert undeclared(sample, {"pillow"}, providers) == ["core/jingwei_core/a.py:2 imports jwt"]


def _locked() -> dict[str, str]:
    packages = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))["package"]
    return {package["name"]: package["version"] for package in packages if "version" in package}


def test_no_forbidden_distribution_is_locked() -> None:
    locked = set(_locked())
    assert "pycasbin" in locked
    assert FORBIDDEN & locked == set()


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_installed_is_what_is_locked(folder: str) -> None:
    locked = _locked()
    ours = {name for name in declared(folder) if not name.startswith("jingwei-")}
    assert {name: version(name) for name in ours} == {name: locked[name] for name in ours}


def test_every_dependency_is_in_the_register() -> None:
    register = (ROOT / "docs/dependencies.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", register, re.MULTILINE))
    asked = set().union(*(declared(folder) for folder in FOLDERS))
    assert {name for name in asked if not name.startswith("jingwei-")} - listed == set()


def _lock_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("lock", ROOT / ".ci" / "lock.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_lock_loses_its_hosts_and_nothing_else() -> None:
    lock = _lock_module()
    text = (
        'source = { registry = "https://index.example/simple" }\n'
        'sdist = { url = "https://files.example/ab/cd/a-1.tar.gz", hash = "sha256:00", size = 1 }\n'
    )
    assert lock.hosts(text) == {"index.example", "files.example"}
    assert lock.without_hosts(text) == (
        'source = { registry = "https://index.invalid/simple" }\n'
        'sdist = { url = "https://files.invalid/a-1.tar.gz", hash = "sha256:00", size = 1 }\n'
    )
    assert lock.hosts((ROOT / "uv.lock").read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    ("dependency", "code"), [("", 0), ('  "tomlkit",\n', 1)], ids=["as committed", "one more"]
)
def test_a_lock_that_does_not_fit_fails(tmp_path: Path, dependency: str, code: int) -> None:
    for name in (
        "pyproject.toml",
        "uv.lock",
        ".ci/lock.py",
        *(f"{f}/pyproject.toml" for f in FOLDERS),
    ):
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text((ROOT / name).read_text(encoding="utf-8"), encoding="utf-8")
    core = tmp_path / "core" / "pyproject.toml"
    text = core.read_text(encoding="utf-8")
    core.write_text(
        text.replace("dependencies = [\n", f"dependencies = [\n{dependency}", 1), "utf-8"
    )
    checked = subprocess.run(
        [sys.executable, ".ci/lock.py", "check"], cwd=tmp_path, capture_output=True, text=True
    )
    assert checked.returncode == code, checked.stderr
    assert ("make lock" in checked.stderr) == bool(code)
