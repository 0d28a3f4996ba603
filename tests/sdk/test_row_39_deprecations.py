"""Row 39: ≥ 12 months and ≥ 1 minor; the warning names the plugin; `plugin check --next`."""

import importlib
import json
import sys
import warnings
from datetime import date
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from jingwei_core.cli.plugin import deprecations as command_room
from jingwei_core.plugins.host import discover
from jingwei_sdk import deprecations as room
from jingwei_sdk.deprecations import (
    Deprecation,
    SdkDeprecation,
    deprecations,
    gone_in,
    next_major,
    uses,
)
from jingwei_sdk.errors import Refused
from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from tests.policy.project import ROOT
from tests.policy.sdk_pages.offers import shipped
from tests.policy.surface.changes import breaking
from tests.sdk.test_row_38_api_surface import newest, untold

FROZEN = Path(__file__).parent / "frozen" / "notice_boards"
WORK = "jingwei_notice_boards"
GOOD = Deprecation(
    *("jingwei_sdk.records.Old", "name", "1.2.0"),
    *(date(2026, 11, 22), "1.3.0", date(2027, 11, 22)),
    *("jingwei_sdk.records.New", "用 New", "use New"),
)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({}, None),
        ({"not_before": date(2027, 11, 21)}, "less than 12 months"),
        ({"removed_in": "1.2.9"}, "no minor version"),
        ({"removed_in": "2.0.0"}, None),
    ],
)
def test_nothing_goes_away_in_a_hurry(changed: dict[str, object], problem: str | None) -> None:
    found = msgspec.structs.replace(GOOD, **changed).problem()
    assert (problem is None) == (found is None)
    assert (problem or "") in (found or "")


def test_a_hurried_entry_stops_the_sdk_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "sdk/jingwei_sdk/deprecations.toml").read_text(encoding="utf-8")
    (tmp_path / "hurried.toml").write_text(text.replace("2027-11-22", "2026-12-24", 1), "utf-8")
    monkeypatch.setattr(room, "_FILE", tmp_path / "hurried.toml")
    with pytest.raises(Refused) as refusal:
        deprecations.__wrapped__()
    assert refusal.value.code == "DEPRECATION_TOO_SOON"


def test_what_is_deprecated_is_still_there() -> None:
    for deprecation in deprecations():
        if deprecation.kind == "name":
            module, _, name = deprecation.name.rpartition(".")
            with pytest.warns(SdkDeprecation, match=deprecation.name):
                assert getattr(importlib.import_module(module), name) is not None


def test_what_has_gone_was_announced() -> None:
    """A name of the last release may be absent only if it was told to go, or a reason is given."""
    since, text = newest(".txt")
    surface = (ROOT / "sdk" / "api.txt").read_text(encoding="utf-8").splitlines()
    gone = [
        line.split(" ")[0] for line in breaking(text.splitlines(), surface) if "is gone" in line
    ]
    announced = {each.name for each in gone_in(next_major())}
    assert untold([name for name in gone if name not in announced], since) == []


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> EntryPoint:
    monkeypatch.syspath_prepend(str(FROZEN))
    for name in [name for name in sys.modules if name.startswith(WORK)]:
        monkeypatch.delitem(sys.modules, name)
    return EntryPoint("notice-boards", f"{WORK}.plugin:plugin", ENTRY_POINT_GROUP)


def test_the_warning_names_the_plugin(frozen: EntryPoint) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (found,) = discover([frozen])
    assert found.state == "available", found.reason
    told = [each for each in caught if issubclass(each.category, SdkDeprecation)]
    assert [str(each.message).split(",")[0] for each in told] == [
        f"{WORK} uses jingwei_sdk.hooks.hookimpl"
    ]
    assert told[0].filename.endswith("jingwei_notice_boards/work.py")
    assert "not before 2027-11-22" in str(told[0].message)


def test_uses_are_found_by_file_and_line_without_running_anything() -> None:
    found = [(use.deprecation.name, use.file, use.line) for use in uses(FROZEN / WORK)]
    assert found == [
        ("settings", "plugin.toml", 20),
        ("<1", "plugin.toml", 3),
        ("jingwei_sdk.hooks.hookimpl", "work.py", 12),
    ]
    assert all(use.deprecation in gone_in(next_major()) for use in uses(FROZEN / WORK))


@pytest.mark.parametrize(
    "code",
    [
        "from jingwei_sdk import hooks\n@hooks.hookimpl\ndef f(): ...",
        "import jingwei_sdk.hooks\nx = jingwei_sdk.hooks.hookimpl",
        "import jingwei_sdk.hooks as h\nx = h.hookimpl",
        "from jingwei_sdk.hooks import hookimpl as mark",
    ],
)
def test_no_way_of_writing_an_import_hides_a_use(tmp_path: Path, code: str) -> None:
    (tmp_path / "work.py").write_text(code, encoding="utf-8")
    (tmp_path / "fine.py").write_text("hookimpl = 1\nx = hookimpl", encoding="utf-8")
    (tmp_path / "broken.py").write_text("def", encoding="utf-8")
    assert {(use.deprecation.name, use.file) for use in uses(tmp_path)} == {
        ("jingwei_sdk.hooks.hookimpl", "work.py")
    }


def test_our_own_plugins_use_nothing_that_goes_away() -> None:
    found = [
        (plugin.id, use.deprecation.name, use.file)
        for plugin in shipped()
        if plugin.package_dir
        for use in uses(plugin.package_dir)
    ]
    assert found == []


def test_the_command_attributes_each_use_to_its_plugin(
    frozen: EntryPoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command_room, "discover", lambda: discover([frozen]))
    command_room.deprecations_command(None, as_json=True)
    lines = json.loads(capsys.readouterr().out)
    assert {line["plugin"] for line in lines} == {"notice-boards"}
    assert [line["where"] for line in lines] == ["plugin.toml:20", "plugin.toml:3", "work.py:12"]
    command_room.deprecations_command("another", as_json=True)
    assert json.loads(capsys.readouterr().out) == []
