"""Every rule finds its bad example, and neither its good one nor a plugin that keeps them all."""

import re
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jingwei_sdk.check import RULES, Subject, Tier, check
from jingwei_sdk.cli import app
from tests.sdk.check.sample import edited, golden

_ON_REQUEST = {"JW-802": "next_major", "JW-611": "runs_tests"}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return golden(tmp_path_factory.mktemp("golden") / "road-lamp")


def test_the_sample_holds_gold_today_and_tomorrow(plugin: Path):
    report = check(Subject.of(plugin), Tier.GOLD, next_major=True)
    assert [f"{finding.rule} {finding.message}" for finding in report.findings] == []
    # Whether its own tests pass is not known.
    assert [each.rule for each in report.unrun] == ["JW-611"]
    assert (report.holds, report.is_passed, report.is_held) == (Tier.SILVER, True, False)


def test_what_could_not_be_looked_at_gives_no_tier(
    plugin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """An installed plugin has no tests, pages or changelog beside it."""
    alone = tmp_path / "site"
    shutil.copytree(plugin / "road_lamp", alone / "road_lamp")
    info = alone / "road_lamp-0.1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: road-lamp\nVersion: 0.1.0\n")
    points = "[jingwei.plugins]\nroad-lamp = road_lamp.plugin:plugin\n"
    (info / "entry_points.txt").write_text(points)
    monkeypatch.syspath_prepend(alone)
    subject = Subject.of("road-lamp")
    report = check(subject, Tier.GOLD, runs_tests=True)
    assert not subject.is_project
    assert report.holds is None
    assert {"JW-605", "JW-608", "JW-611"} <= {each.rule for each in report.unrun}
    assert {each["why"] for each in report.document()["unrun"]} == {"installed without its project"}


def test_a_tier_that_is_asked_for_and_not_held_is_no_success(plugin: Path):
    for words, code in (([], 0), (["--tier", "silver"], 0), (["--tier", "gold"], 1)):
        told = CliRunner().invoke(app, ["check", str(plugin), *words])
        assert told.exit_code == code, told.output
    assert "JW-611 ?" in told.output


@pytest.mark.parametrize("code", RULES)
def test_a_rule_finds_its_bad_example(code: str, plugin: Path, tmp_path: Path):
    rule = RULES[code]
    subject = edited(plugin, tmp_path / "bad", rule.words.bad)
    told = {}
    for locale in ("zh", "en"):
        asked = {_ON_REQUEST[code]: True} if code in _ON_REQUEST else {}
        report = check(subject, rule.tier, locale=locale, **asked)
        assert not report.is_passed
        assert report.holds is None or report.holds < rule.tier
        told[locale] = [finding for finding in report.findings if finding.rule == code]
    assert len(told["zh"]) == len(told["en"]) > 0
    for chinese, english in zip(told["zh"], told["en"], strict=True):
        assert (chinese.file, chinese.line) == (english.file, english.line)
        assert re.search("[\u4e00-\u9fff]", chinese.message + chinese.next_step)
        assert english.message
        assert english.next_step


@pytest.mark.parametrize("code", [code for code, rule in RULES.items() if rule.words.good])
def test_a_rule_passes_its_good_example(code: str, plugin: Path, tmp_path: Path):
    good = RULES[code].words.good
    assert good is not None
    subject = edited(plugin, tmp_path / "good", good)
    assert list(RULES[code].run(subject)) == []


def test_every_rule_is_told_whole():
    for code, rule in RULES.items():
        assert re.fullmatch(r"JW-[1-9]\d\d", code)
        for locale in ("zh", "en"):
            for part in ("title", "reason", "found", "next"):
                assert rule.words.in_language(part, locale).strip(), (code, part, locale)


def test_each_tier_has_rules():
    assert {rule.tier for rule in RULES.values()} == set(Tier)
    assert list(RULES) == sorted(RULES)


def test_a_table_that_no_migration_makes_is_found(tmp_path: Path):
    folder = golden(tmp_path / "road-lamp")
    tables = folder / "road_lamp" / "tables.py"
    text = tables.read_text(encoding="utf-8")
    assert 'tablename="lamp"' in text
    tables.write_text(text.replace('tablename="lamp"', 'tablename="post"'), encoding="utf-8")
    told = [each for each in check(Subject.of(folder)).findings if each.rule == "JW-404"]
    assert [each.message for each in told] == ["migrations: none makes the table post"]


def test_a_column_that_no_migration_makes_and_a_file_of_another_name_are_found(tmp_path: Path):
    folder = golden(tmp_path / "road-lamp")
    tables, migrations = folder / "road_lamp" / "tables.py", folder / "road_lamp" / "migrations"
    text = tables.read_text(encoding="utf-8")
    columns = "    pole = Text()\n    mast = Text()\n    code = Text("
    tables.write_text(text.replace("    code = Text(", columns, 1), encoding="utf-8")
    # A column of that name in another table is not this one.
    sql = "ALTER TABLE road_lamp.lamp ADD COLUMN mast text; ALTER TABLE road_lamp.x ADD pole text;"
    (migrations / "lamp_2026_02_01t00_00_00_more.sql").write_text(sql, encoding="utf-8")
    told = [each for each in check(Subject.of(folder)).findings if each.rule == "JW-404"]
    assert sorted(each.message for each in told) == [
        "migrations: its name does not begin with road_lamp_",
        "migrations: none makes the column lamp.pole",
    ]


def test_where_loading_ended_is_told(tmp_path: Path):
    folder = golden(tmp_path / "road-lamp")
    tables = folder / "road_lamp" / "tables.py"
    text = tables.read_text(encoding="utf-8")
    tables.write_text(f"from jingwei_sdk.tables import Table9\n{text}", encoding="utf-8")
    told = [each.message for each in check(Subject.of(folder)).findings if each.rule == "JW-102"]
    assert len(told) == 1
    assert told[0].endswith(" (tables.py:1)")
    tables.write_text("def (:\n", encoding="utf-8")
    told = [each.message for each in check(Subject.of(folder)).findings if each.rule == "JW-102"]
    assert told[0].endswith(" (tables.py:1)")
