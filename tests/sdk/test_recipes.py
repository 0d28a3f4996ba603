"""The code of the cookbook and of "moving from Django" is code: it lies in a new plugin, is loaded,
type-checked strictly, kept to the rules of its tier, and its test runs on a platform."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jingwei_sdk.check import Subject, check
from tests.policy.project import ROOT
from tests.sdk.check.sample import golden
from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.type_checkers import mypy

PAGES = ("cookbook.md", "moving.md")
_FILE = re.compile(r"^```python\n# (\S+\.py)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_PYTHON = re.compile(r"^```python\n", re.MULTILINE)


def samples() -> dict[str, str]:
    """Path and text of each sample, as the English pages have them."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = (ROOT / "docs" / "sdk" / "en" / page).read_text(encoding="utf-8")
        files = _FILE.findall(text)
        assert len(files) == len(_PYTHON.findall(text)) > 4, f"{page}: a sample without its path"
        assert not found.keys() & {path for path, _ in files}
        found |= dict(files)
    return found


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new plugin with every sample in its place; its Plugin imports them all."""
    folder = golden(tmp_path_factory.mktemp("recipes") / "road-lamp")
    imports = []
    for path, text in samples().items():
        (folder / path).write_text(text, encoding="utf-8")
        if path.startswith("road_lamp/"):
            imports.append(f"import road_lamp.{Path(path).stem}")
    main = folder / "road_lamp" / "plugin.py"
    main.write_text(main.read_text("utf-8") + "\n" + "\n".join(imports) + "\n", encoding="utf-8")
    return folder


def test_they_are_loaded_and_keep_the_rules(plugin: Path):
    subject = Subject.of(plugin)
    assert subject.load_error == ""
    report = check(subject, next_major=True)
    told = [f"{found.file}:{found.line} {found.message}" for found in report.findings]
    # A table that no Plugin lists has no migration and answers nobody; all else holds.
    assert told == []


def test_they_are_laid_out_and_typed(plugin: Path, author_environment: FreshEnvironment):
    lint = [
        sys.executable,
        "-m",
        "ruff",
        "check",
        "--no-cache",
        "--exclude",
        "road_lamp/plugin.py",
        ".",
    ]
    done = subprocess.run(lint, cwd=plugin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert mypy(author_environment, plugin) == {}


@pytest.mark.timeout(600)
def test_the_sample_of_a_test_passes(plugin: Path, author_environment: FreshEnvironment):
    ran = author_environment.python(
        *("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_recipe.py"), cwd=plugin
    )
    assert "1 passed" in ran.succeeded().out
