"""Row 9: AST check in conformance, TYPE_CHECKING exempt: an undeclared import of another plugin
or of the platform is found, whichever way it is written."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from jingwei_sdk import cli
from jingwei_sdk.check import RULES, Subject, Tier, check
from tests.policy.project import ROOT
from tests.sdk.check.sample import golden

OTHER = "jingwei_safety_production"
ROOMS = "JW-201"


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return golden(tmp_path_factory.mktemp("rooms") / "road-lamp")


def with_module(plugin: Path, text: str) -> Subject:
    """The plugin with one more module; nothing imports it, so only its syntax speaks."""
    (plugin / "road_lamp" / "more.py").write_text(text, encoding="utf-8")
    return Subject.of(plugin)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"import {OTHER}\n", 1),
        (f"import {OTHER}.records as records\n", 1),
        (f"from {OTHER}.records import HAZARD\n", 1),
        (f"\n\ndef late():\n    from {OTHER} import plugin\n", 4),
        (f"try:\n    import {OTHER}\nexcept ImportError:\n    pass\n", 2),
        (f"from importlib import import_module\n\nx = import_module('{OTHER}.plugin')\n", 3),
        (f"import importlib\nx = importlib.import_module('{OTHER}')\n", 2),
        (f"x = __import__('{OTHER}')\n", 1),
        (f"if TYPE_CHECKING:\n    pass\nelse:\n    import {OTHER}\n", 4),
        ("from jingwei_core.jobs import queue\n", 1),
        ("import jingwei_api\n", 1),
    ],
)
def test_an_undeclared_import_is_found_with_its_line(plugin: Path, text: str, line: int):
    found = list(RULES[ROOMS].run(with_module(plugin, text)))
    assert [(each.file, each.line) for each in found] == [("road_lamp/more.py", line)]


@pytest.mark.parametrize(
    "text",
    [
        f"from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n    import {OTHER}\n",
        f"import typing\n\nif typing.TYPE_CHECKING:\n    from {OTHER} import records\n",
        "from road_lamp import tables\nfrom jingwei_sdk.context import Context\n",
        "from . import tables\n",
        f"# import {OTHER}\nTEXT = 'import {OTHER}'\n",
    ],
)
def test_types_the_own_package_and_words_are_free(plugin: Path, text: str):
    assert list(RULES[ROOMS].run(with_module(plugin, text))) == []


@pytest.mark.parametrize(
    "requires",
    [
        'requires = ["safety-production"]\n',
        'requires = [{ id = "safety-production", version = ">=0.1", optional = true }]\n',
    ],
)
def test_a_declared_plugin_may_be_imported_the_platform_never(
    requires: str, plugin: Path, tmp_path: Path
):
    manifest = plugin / "road_lamp" / "plugin.toml"
    before = manifest.read_text(encoding="utf-8")
    manifest.write_text(before.replace('tier = "bronze"', f'tier = "bronze"\n{requires}'), "utf-8")
    try:
        subject = with_module(plugin, f"import {OTHER}\nimport jingwei_core\n")
        assert [found.line for found in RULES[ROOMS].run(subject)] == [2]
    finally:
        manifest.write_text(before, encoding="utf-8")


def test_the_author_is_told_on_the_command_line(
    plugin: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with_module(plugin, f"import {OTHER}\n")
    monkeypatch.setattr("sys.argv", ["jingwei-plugin", "check", str(plugin), "--json"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["rule"], finding["file"], finding["line"]) == (ROOMS, "road_lamp/more.py", 1)
    assert finding["next_step"]


def test_our_own_plugins_keep_to_their_rooms():
    for pyproject in sorted((ROOT / "plugins").glob("*/pyproject.toml")):
        subject = Subject.of(pyproject.parent)
        assert subject.code
        assert list(RULES[ROOMS].run(subject)) == []
        # The rule is awake there too: as if its own package were somebody else's.
        stranger = replace(subject, neighbours={"jingwei_sdk": "sdk"})
        assert list(RULES[ROOMS].run(stranger)) != []
        assert not any(each.rule == ROOMS for each in check(subject, Tier.GOLD).findings)
