"""The tutorial builds road-lamp patrol from nothing, in steps whose code is under test: each step's
own tests pass, the last is the finished plugin, and the pages show what stands in the files."""

import re
from pathlib import Path

import pytest

from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.stranger import (
    EXAMPLE,
    PACKAGE,
    STEPS,
    number_of_tests,
    step_files,
    whole_files,
    write_step,
)
from tests.sdk.wheelhouse import ROOT

pytestmark = pytest.mark.timeout(600)
LOCALES = ("zh", "en")
PAGES = {locale: ROOT / "docs" / "sdk" / locale / "tutorial.md" for locale in LOCALES}
_SHOWN = re.compile(
    r"^<!-- (?P<file>\S+) -->\n```\w+\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL
)
_FENCE = re.compile(r"^```(?P<language>\w*)$", re.MULTILINE)


def shown(page: str) -> list[tuple[str, str]]:
    """Each file that a page shows a part of, with the part."""
    return [(match["file"], match["code"]) for match in _SHOWN.finditer(page)]


def read(locale: str) -> str:
    return PAGES[locale].read_text(encoding="utf-8")


@pytest.mark.parametrize("step", STEPS[:-1])
def test_each_step_passes_its_own_tests(
    step: str, author_environment: FreshEnvironment, tmp_path: Path
) -> None:
    """The last step is the finished plugin, whose tests run from its wheel elsewhere."""
    project = write_step(step, tmp_path / "project")
    ran = author_environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    number = number_of_tests(project / "tests")
    assert re.search(rf"^{number} passed in ", ran.succeeded().out, re.MULTILINE), ran.told


def test_the_steps_lead_to_the_finished_plugin() -> None:
    assert [int(step) for step in STEPS] == list(range(1, len(STEPS) + 1))
    built = {name: path.read_bytes() for name, path in step_files(STEPS[-1]).items()}
    assert built == {name: path.read_bytes() for name, path in whole_files().items()}


def test_each_step_adds_something_and_its_tests() -> None:
    for step in STEPS:
        added = [path for path in (EXAMPLE / "steps" / step).rglob("*.*") if path.is_file()]
        assert any(path.name.startswith("test_") for path in added), step
        assert any(path.parent.name == PACKAGE for path in added), step


@pytest.mark.parametrize("locale", LOCALES)
def test_a_page_shows_what_stands_in_the_files(locale: str) -> None:
    parts = shown(read(locale))
    assert {file.split("/")[1] for file, _ in parts} == set(STEPS)
    wrong = [file for file, code in parts if code not in f"{_text(file)}\n"]
    assert wrong == []
    # Nothing else on the page pretends to be code of the plugin.
    languages = [match["language"] for match in _FENCE.finditer(read(locale)) if match["language"]]
    assert len([one for one in languages if one != "sh"]) == len(parts)


def test_both_pages_show_the_same() -> None:
    first, second = (read(locale) for locale in LOCALES)
    assert shown(first) == shown(second)
    assert _shape(first) == _shape(second)


def test_a_page_that_shows_something_else_is_found() -> None:
    page = "<!-- steps/01/pyproject.toml -->\n```toml\nname = 'other'\n```\n"
    ((file, code),) = shown(page)
    assert file == "steps/01/pyproject.toml"
    assert code not in _text(file)


def test_the_migration_is_what_the_tables_ask_for(
    author_environment: FreshEnvironment, tmp_path: Path
) -> None:
    """``jingwei db new`` would write what step 2 has: it finds nothing left to write."""
    project = write_step(STEPS[-1], tmp_path / "project")
    new = (
        "import asyncio\n"
        "from jingwei_core.database.migration_apps import plugin_app\n"
        "from jingwei_core.database.migration_new import new_migration\n"
        f"from {PACKAGE}.plugin import plugin\n"
        "print(asyncio.run(new_migration(plugin_app(plugin), auto=True, topic='x')))"
    )
    told = author_environment.python("-c", new, cwd=project).succeeded().out
    assert told.split()[-1] == "None", told


def _text(file: str) -> str:
    return (EXAMPLE / file).read_text(encoding="utf-8")


def _shape(page: str) -> list[str]:
    """The levels of a page's headings and its commands, in order; comments are the language's."""
    found = re.findall(r"^(#+) |^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [level or re.sub(r"\s+#.*", "", commands) for level, commands in found]
