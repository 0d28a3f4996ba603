"""``jingwei-sdk`` is a distribution of its own: it installs, imports and type-checks (mypy --strict
and pyright --strict, as a consumer) in an environment where the core is not."""

import json
import shutil
import zipfile
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.type_checkers import Errors, marked, mypy, pyright
from tests.sdk.wheelhouse import ROOT, Wheelhouse

CONSUMER = Path(__file__).parent / "consumer"
_TOP_LEVEL = """
import importlib, json, pkgutil, sys
from importlib.util import find_spec
import jingwei_sdk
modules = [found.name for found in pkgutil.walk_packages(jingwei_sdk.__path__, "jingwei_sdk.")
           if not found.name.startswith("jingwei_sdk.testing")
           and not found.name.endswith("__main__")]
for name in modules:
    importlib.import_module(name)
ours = sorted(name for name in sys.modules if name.startswith("jingwei") and "." not in name)
absent = [name for name in ("jingwei_core", "jingwei_api", "litestar", "strawberry", "pytest")
          if find_spec(name) is None]
print(json.dumps({"modules": modules, "ours": ours, "absent": absent}))
"""


def test_it_imports_whole_where_the_core_is_not(sdk_environment: FreshEnvironment) -> None:
    told = json.loads(sdk_environment.python("-W", "error", "-c", _TOP_LEVEL).succeeded().out)
    assert told["ours"] == ["jingwei_sdk"]
    assert told["absent"] == ["jingwei_core", "jingwei_api", "litestar", "strawberry", "pytest"]
    shipped = {
        ".".join(path.relative_to(ROOT / "sdk").with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / "sdk/jingwei_sdk").rglob("*.py")
        if "testing" not in path.parts and "__pycache__" not in path.parts
    } - {"jingwei_sdk"}
    missing = {
        name
        for name in shipped - set(told["modules"])
        if "templates" not in name and not name.endswith("__main__")
    }
    assert missing == set()


def test_what_it_asks_for_is_what_the_lock_gives(
    sdk_environment: FreshEnvironment, wheelhouse: Wheelhouse
) -> None:
    """Nothing of ours, and nothing that only the lock brought along."""
    with zipfile.ZipFile(wheelhouse.wheel("sdk")) as wheel:
        names = wheel.namelist()
        metadata = next(name for name in names if name.endswith(".dist-info/METADATA"))
        said = HeaderParser().parsestr(wheel.read(metadata).decode())
    needs = [need for need in said.get_all("Requires-Dist", []) if "extra ==" not in need]
    assert [need for need in needs if need.startswith("jingwei")] == []
    assert "jingwei_sdk/py.typed" in names
    # The installer's own judgement: every requirement met, none in conflict.
    check = (
        "from importlib.metadata import requires, version\nfrom packaging.requirements import *\n"
    )
    check += "for need in map(Requirement, requires('jingwei-sdk') or ()):\n"
    check += "    if not need.marker or need.marker.evaluate({'extra': ''}):\n"
    check += "        assert version(need.name) in need.specifier, need"
    sdk_environment.python("-c", check).succeeded()


@pytest.fixture
def consumer(tmp_path: Path) -> Path:
    """The consumer's files in a folder that is no part of this checkout."""
    for file in CONSUMER.glob("*.py"):
        (tmp_path / file.name).write_text(file.read_text(encoding="utf-8"), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_an_author_is_told_of_mistakes_and_of_nothing_else(
    checker: Callable[[FreshEnvironment, Path], Errors],
    sdk_environment: FreshEnvironment,
    consumer: Path,
) -> None:
    told = checker(sdk_environment, consumer)
    assert len(marked(consumer)) >= 9
    assert set(told) == marked(consumer), told


def test_without_the_sdk_there_is_nothing_to_check(consumer: Path, tmp_path: Path) -> None:
    """The checkers do not find this checkout by another way."""
    empty = FreshEnvironment.make(tmp_path / "elsewhere" / "empty")
    (consumer / "wrong.py").unlink()
    told = mypy(empty, consumer)
    assert any("jingwei_sdk" in text for text in told.values()), told


def test_its_own_sources_are_typed_for_both(
    author_environment: FreshEnvironment, tmp_path: Path
) -> None:
    """An author's editor follows a name into the SDK: pyright finds nothing there either.

    No plugin imports what writes bills of materials, and its library hides classes from pyright.
    """
    ignored = shutil.ignore_patterns("__pycache__", "templates", "trust")
    shutil.copytree(ROOT / "sdk" / "jingwei_sdk", tmp_path / "jingwei_sdk", ignore=ignored)
    assert pyright(author_environment, tmp_path, mode="standard") == {}
