"""A stranger's plugin: out of tree, outside the workspace, standing on the SDK's wheel alone; its
own tests pass in a fresh environment that holds wheels and nothing of this checkout."""

import json
import re
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest

from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.stranger import (
    EXAMPLE,
    PACKAGE,
    STEPS,
    imports_of,
    install,
    number_of_tests,
    write_step,
    write_without_package,
)
from tests.sdk.type_checkers import mypy, pyright
from tests.sdk.wheelhouse import Wheelhouse

pytestmark = pytest.mark.timeout(600)
PROMISED = {"jingwei_sdk", "piccolo", "msgspec", PACKAGE}
"""What the SDK promises, and the package itself."""


@pytest.fixture(scope="module")
def stranger(
    wheelhouse: Wheelhouse, tmp_path_factory: pytest.TempPathFactory
) -> tuple[FreshEnvironment, Path]:
    """An environment with the plugin's wheel, and the wheel."""
    return install(wheelhouse, tmp_path_factory.mktemp("stranger"))


def test_it_stands_on_the_sdk_alone(stranger: tuple[FreshEnvironment, Path]) -> None:
    _, path = stranger
    with zipfile.ZipFile(path) as wheel:
        metadata = next(name for name in wheel.namelist() if name.endswith("/METADATA"))
        said = HeaderParser().parsestr(wheel.read(metadata).decode())
        shipped = [name for name in wheel.namelist() if ".dist-info/" not in name]
    assert [re.split(r"[<>=]", need)[0] for need in said.get_all("Requires-Dist", [])] == [
        "jingwei-sdk"
    ]
    assert {name.partition("/")[0] for name in shipped} == {PACKAGE}
    third_party = set(imports_of(EXAMPLE / PACKAGE)) - sys.stdlib_module_names
    assert third_party == PROMISED


def test_its_own_tests_pass(stranger: tuple[FreshEnvironment, Path], tmp_path: Path) -> None:
    environment, _ = stranger
    project = write_without_package(tmp_path / "project")
    ran = environment.python("-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", cwd=project)
    ran.succeeded()
    assert (
        len(re.findall(r"^PASSED ", ran.out, re.MULTILINE))
        == number_of_tests(project / "tests")
        >= 12
    )
    where = "import road_lamp_patrol as p; print(p.__file__)"
    assert str(environment.folder) in environment.python("-c", where, cwd=project).out


@pytest.mark.parametrize("checker", [mypy, pyright], ids=["mypy", "pyright"])
def test_it_type_checks_strictly(
    checker: type, stranger: tuple[FreshEnvironment, Path], tmp_path: Path
) -> None:
    environment, _ = stranger
    project = write_without_package(tmp_path / "project")
    package = project / PACKAGE
    package.mkdir()
    for source in (EXAMPLE / PACKAGE).glob("*.py"):
        (package / source.name).write_text(source.read_text(encoding="utf-8"), encoding="utf-8")
    assert checker(environment, project) == {}


def test_a_deployment_finds_it(stranger: tuple[FreshEnvironment, Path]) -> None:
    environment, _ = stranger
    told = environment.run("jingwei", "plugin", "list", "--json", JINGWEI_LOCALE="en").succeeded()
    assert any("road-lamp-patrol" in json.dumps(row) for row in _rows(json.loads(told.out)))
    assert '"available"' in told.out


def _rows(told: object) -> list[object]:
    found = next(iter(told.values())) if isinstance(told, dict) else told
    assert isinstance(found, list)
    return found


def test_it_holds_silver(stranger: tuple[FreshEnvironment, Path], tmp_path: Path) -> None:
    """As its manifest says; the tool comes with the SDK and needs no platform."""
    environment, _ = stranger
    project = write_step(STEPS[-1], tmp_path / "project")
    told = environment.run("jingwei-plugin", "check", ".", "--tier", "silver", cwd=project)
    assert "holds silver" in told.succeeded().out
    (project / "CHANGELOG.md").unlink()
    told = environment.run("jingwei-plugin", "check", ".", "--tier", "silver", cwd=project)
    assert told.code == 1
    assert "JW-606" in told.out
