"""Rules where the author writes it another way, and where it only looks like a breach."""

from pathlib import Path

import pytest

from jingwei_sdk.check import RULES, Subject, Tier, check
from tests.sdk.check.sample import golden


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return golden(tmp_path_factory.mktemp("corners") / "road-lamp")


def found(code: str, plugin: Path, text: str) -> list[int]:
    """The lines of a module with this text in which the rule finds something."""
    (plugin / "road_lamp" / "more.py").write_text(text, encoding="utf-8")
    try:
        subject = Subject.of(plugin)
        return sorted({each.line for each in RULES[code].run(subject) if "more" in each.file})
    finally:
        (plugin / "road_lamp" / "more.py").unlink()


@pytest.mark.parametrize(
    ("code", "text", "lines"),
    [
        ("JW-202", "import jingwei_sdk._bound as bound\n", [1]),
        ("JW-202", "from jingwei_sdk import _bound\n", [1]),
        ("JW-202", "from jingwei_sdk.records import row_id\n", []),
        ("JW-203", "import urllib.request as r\n", [1]),
        ("JW-203", "from urllib import parse\n", []),
        ("JW-203", "from http import HTTPStatus\n", []),
        ("JW-203", "import asyncio\nx = asyncio.open_connection('h', 1)\n", [2]),
        ("JW-204", "from pathlib import Path\nPath('a').write_text('b')\n", [2]),
        ("JW-204", "def f(p):\n    return p.open()\n", []),
        ("JW-204", "from importlib.resources import files\nX = files('a').joinpath('b')\n", []),
        ("JW-205", "import os\nos.system('ls')\n", [2]),
        ("JW-205", "import os\nX = os.environ\n", []),
        ("JW-207", "from importlib import import_module\nx = import_module(name)\n", [2]),
        ("JW-207", "from importlib import import_module\nx = import_module('json')\n", []),
        ("JW-208", "import datetime\nx = datetime.datetime.now()\n", [2]),
        ("JW-208", "def f(ctx):\n    return ctx.now()\n", []),
        ("JW-402", "X = 'SELECT 1 FROM road_lamp.lamp l, core.account a'\n", [1]),
        ("JW-402", 'X = \'SELECT l.id FROM road_lamp.lamp l JOIN "core"."place" p\'\n', [1]),
        ("JW-402", "X = f'SELECT {1} FROM platform.tenant'\n", [1]),
        ("JW-402", "X = 'SELECT h.id, h.core.x FROM road_lamp.lamp h'\n", []),
        ("JW-402", "X = 'see jingwei_sdk and core.events'\n", []),
        ("JW-601", "from jingwei_sdk.errors import Invalid\nx = Invalid('NO_TEXT')\n", [2]),
        ("JW-601", "x = KeyError('NO_TEXT')\n", []),
    ],
)
def test_what_counts_and_what_does_not(code: str, text: str, lines: list[int], plugin: Path):
    assert found(code, plugin, text) == lines


def test_one_place_is_told_once(plugin: Path):
    (plugin / "road_lamp" / "more.py").write_text(
        "X = f'SELECT {1} FROM platform.tenant'\n", encoding="utf-8"
    )
    try:
        findings = check(Subject.of(plugin), Tier.BRONZE).findings
        assert [finding.rule for finding in findings] == ["JW-402"]
    finally:
        (plugin / "road_lamp" / "more.py").unlink()


@pytest.mark.parametrize(
    ("sql", "is_additive"),
    [
        ("ALTER TABLE road_lamp.lamp ADD COLUMN a text;", True),
        ("CREATE INDEX ON road_lamp.lamp (note); -- DROP COLUMN later", True),
        ("ALTER TABLE road_lamp.lamp DROP COLUMN note;", False),
        ("ALTER TABLE road_lamp.lamp ALTER COLUMN note TYPE int USING 1;", False),
        ("ALTER TABLE road_lamp.lamp ALTER note SET NOT NULL;", False),
        ("DROP TABLE road_lamp.lamp;", False),
    ],
)
def test_which_migrations_old_code_survives(sql: str, is_additive: bool, plugin: Path):
    path = plugin / "road_lamp/migrations/road_lamp_2026_03_01t00_00_00_more.sql"
    path.write_text(sql, encoding="utf-8")
    try:
        assert (list(RULES["JW-405"].run(Subject.of(plugin))) == []) is is_additive
    finally:
        path.unlink()


@pytest.mark.parametrize(
    ("call", "is_additive"),
    [
        ('add_column(params={"null": True, "default": None})', True),
        ('add_column(params={"null": False, "default": ""})', True),
        ('add_column(params={"null": False, "default": None})', False),
        ('add_column(tablename="a", params={"null": False, "default": None})', False),
        (
            'add_table(tablename="a")\n'
            'manager.add_column(tablename="a", params={"null": False, "default": None})',
            True,
        ),
        (
            'add_table(tablename="a")\n'
            'manager.add_column(tablename="b", params={"null": False, "default": None})',
            False,
        ),
        ('alter_column(params={"index": True})', True),
        ('alter_column(params={"null": False})', False),
        ("alter_column(column_class=Text, old_column_class=Integer)", False),
        ("drop_column()", False),
        ("rename_table()", False),
        ("add_table()", True),
    ],
)
def test_which_steps_old_code_survives(call: str, is_additive: bool, plugin: Path):
    path = plugin / "road_lamp/migrations/road_lamp_2026_03_01t00_00_00_more.py"
    path.write_text(f"manager.{call}\n", encoding="utf-8")
    try:
        assert (list(RULES["JW-405"].run(Subject.of(plugin))) == []) is is_additive
    finally:
        path.unlink()


def test_a_project_is_read_whatever_the_folders_above_it_are_called(tmp_path: Path):
    project = golden(tmp_path / "build" / ".venv" / "road-lamp")
    (project / "road_lamp" / "more.py").write_text("import socket\n", encoding="utf-8")
    (project / "road_lamp" / "build").mkdir()
    (project / "road_lamp" / "build" / "more.py").write_text("import socket\n", encoding="utf-8")
    told = [each.file for each in RULES["JW-203"].run(Subject.of(project))]
    assert told == ["road_lamp/more.py"]


@pytest.mark.parametrize("need", ["jingwei_core>=1", "Jingwei-Core", "jingwei.api[x]"])
def test_the_platform_is_required_under_no_spelling_of_its_name(need: str, tmp_path: Path):
    project = golden(tmp_path / "road-lamp")
    path = project / "pyproject.toml"
    text = path.read_text(encoding="utf-8").replace(
        "dependencies = [", f'dependencies = ["{need}", '
    )
    path.write_text(text, encoding="utf-8")
    assert len(list(RULES["JW-107"].run(Subject.of(project)))) == 1


def test_the_first_migration_is_the_oldest_whatever_it_is_written_in(tmp_path: Path):
    project = golden(tmp_path / "road-lamp")
    migrations = project / "road_lamp/migrations"
    (migrations / "road_lamp_2025_01_01t00_00_00_before.sql").write_text("CREATE TABLE a ();")
    (later,) = migrations.glob("road_lamp_2026*.py")
    later.write_text(later.read_text(encoding="utf-8") + "\nmanager.drop_table()\n")
    told = [each.file for each in RULES["JW-405"].run(Subject.of(project))]
    assert set(told) == {f"road_lamp/migrations/{later.name}"}


BROKEN = {
    "a file in another encoding": ("road_lamp/more.py", "", "NAME = '路灯'\n"),
    "a project that is no TOML": ("pyproject.toml", "[project]", "[project"),
    "a text that cannot be filled": ("road_lamp/messages.toml", 'en = "', 'en = "{'),
    "a catalogue of no tables": ("road_lamp/messages.toml", "[", 'ODD = "odd"\n['),
    "a job that is no function": (
        "road_lamp/plugin.py",
        "",
        "\nfrom dataclasses import replace\nfrom functools import partial\n"
        "_JOB = plugin.jobs[0]\n"
        "plugin = replace(plugin, jobs=(replace(_JOB, run=partial(_JOB.run)),))\n",
    ),
}


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_what_is_broken_is_reported_and_breaks_no_report(name: str, tmp_path: Path):
    project = golden(tmp_path / "road-lamp")
    file, replaces, text = BROKEN[name]
    path = project / file
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    after = before.replace(replaces, text, 1) if replaces else before + text
    path.write_text(after, encoding="gb18030" if "encoding" in name else "utf-8")
    report = check(Subject.of(project), Tier.GOLD)
    assert report.plugin == "road-lamp"
    assert report.is_passed is (name == "a job that is no function"), list(report.lines())
