"""Row 35: generate → lint → type → test → install → enable → query; the scaffolder's output is
tested end to end, from an author's empty folder to a city that uses it and one that does not."""

import json
import os
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jingwei_sdk import cli
from jingwei_sdk.check import Subject, check
from jingwei_sdk.errors import Conflict, Invalid
from jingwei_sdk.scaffold import Answers, Contribution, with_needs, write_project
from tests.conftest import NewDatabase
from tests.sdk.check.sample import LAMP
from tests.sdk.deployment import Deployment, deployed
from tests.sdk.fresh_environment import FreshEnvironment
from tests.sdk.type_checkers import mypy, pyright
from tests.sdk.wheelhouse import Wheelhouse, build_wheel

PERMISSIONS = ("road-lamp.lamp.read", "road-lamp.lamp.write", "place.read")
LIST = "{ roadLamp { lamps { edges { node { code status place { name } } } } } }"
REGISTER = """
mutation($input: RoadLampLampRegisterInput!) {
  roadLampLampRegister(idempotencyKey: "k", input: $input) { roadLampLamp { id code } }
}
"""
CHOICES = sorted(
    {with_needs(some) for size in (0, 1, 2, 8) for some in combinations(Contribution, size)},
    key=lambda parts: (len(parts), sorted(parts)),
)


def ruff(project: Path, *words: str) -> str:
    command = [sys.executable, "-m", "ruff", *words, "--no-cache", "."]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.timeout(900)
async def test_the_whole_round(
    author_environment: FreshEnvironment,
    wheelhouse: Wheelhouse,
    new_database: NewDatabase,
    tmp_path: Path,
):
    author, project = author_environment, tmp_path / "lamps"
    answers = {"name_zh": "路灯", "name_en": "Road lamps", "noun": "lamp", "noun_zh": "路灯"}
    given = [word for name, value in answers.items() for word in ("--set", f"{name}={value}")]
    new = author.run(
        *("jingwei-plugin", "new", "road-lamp", *given, "--with", "all", "--yes"),
        *("--in", str(project)),
        cwd=tmp_path,
    )
    assert str(project / "pyproject.toml") in new.succeeded().out.splitlines()
    # Lint, types and the check at the tier that its manifest claims.
    assert ruff(project, "check") == ""
    assert ruff(project, "format", "--check") == ""
    assert mypy(author, project) == {}
    assert pyright(author, project) == {}
    (project / "pyrightconfig.json").unlink()
    told = author.run("jingwei-plugin", "check", ".", "--json", cwd=project).succeeded()
    assert json.loads(told.out)["holds"] == "bronze"
    # Its own tests, on a platform out of wheels.
    tested = author.python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert "9 passed" in tested.succeeded().out
    # From here on there is a wheel and no project.
    wheel = build_wheel(project, tmp_path / "wheels")
    shutil.rmtree(project)
    production = FreshEnvironment.make(tmp_path / "production")
    production.install_locked("jingwei")
    production.install(*wheelhouse.all(), wheel)
    verified = production.run("jingwei", "plugin", "verify", JINGWEI_LOCALE="en").succeeded()
    assert "road-lamp 0.1.0: unsigned" in verified.out
    checked = production.run("jingwei", "plugin", "check", "road-lamp", JINGWEI_LOCALE="en")
    assert "road-lamp: bronze passed" in checked.succeeded().out
    async with new_database() as settings:
        folder = tmp_path / "cities"
        async with deployed(production, settings, folder, PERMISSIONS) as deployment:
            await in_a_city(deployment)


async def in_a_city(deployment: Deployment) -> None:
    """Migrate, enable, write, read, disable, remove; the other city sees none of it."""

    def is_unknown(answer: dict[str, object]) -> bool:
        return answer.get("data") is None and "roadLamp" in str(answer["errors"])

    def is_known(answer: dict[str, object]) -> bool:
        return "errors" not in answer

    migrated = deployment.jingwei("db", "migrate", "--json").succeeded()
    (applied,) = json.loads(migrated.out)["applied"]
    assert "road_lamp" in applied
    assert is_unknown(await deployment.ask("first", LIST))
    deployment.jingwei("plugin", "enable", "first", "road-lamp").succeeded()
    empty = await deployment.until("first", LIST, is_known)
    assert empty["data"] == {"roadLamp": {"lamps": {"edges": []}}}
    places = await deployment.ask(
        "first", '{ places(filter: {level: {eq: "grid"}}) { edges { node { id code } } } }'
    )
    place = places["data"]["places"]["edges"][0]["node"]["id"]
    made = await deployment.ask("first", REGISTER, input={"code": "L-1", "placeId": place})
    assert "errors" not in made, made
    assert made["data"]["roadLampLampRegister"]["roadLampLamp"]["code"] == "L-1"
    listed = await deployment.ask("first", LIST)
    (edge,) = listed["data"]["roadLamp"]["lamps"]["edges"]
    assert (edge["node"]["code"], edge["node"]["status"]) == ("L-1", "OPEN")
    # The neighbour has not switched it on, and has nothing of it.
    assert is_unknown(await deployment.ask("second", LIST))
    deployment.jingwei("plugin", "disable", "first", "road-lamp").succeeded()
    await deployment.until("first", LIST, is_unknown)
    rows = await deployment.fetch("SELECT code FROM road_lamp.lamp")
    assert [row["code"] for row in rows] == ["L-1"]
    deployment.jingwei("plugin", "remove", "road-lamp", "--yes").succeeded()
    gone = "SELECT 1 FROM information_schema.schemata WHERE schema_name = 'road_lamp'"
    assert await deployment.fetch(gone) == []


def test_the_sdk_alone_is_enough_to_begin(sdk_environment: FreshEnvironment, tmp_path: Path):
    """No platform, no test kit, no library for signing: a plugin is written and checked."""
    sdk, project = sdk_environment, tmp_path / "road-lamp"
    sdk.run("jingwei-plugin", "new", "road-lamp", "--yes", cwd=tmp_path).succeeded()
    told = sdk.run("jingwei-plugin", "check", "--json", cwd=project).succeeded()
    assert json.loads(told.out)["holds"] == "bronze"
    refused = sdk.run("jingwei-plugin", "sbom", cwd=project, JINGWEI_LOCALE="en")
    assert (refused.code, refused.err.partition(":")[0]) == (1, "SBOM_NEEDS_LIBRARY")
    assert "jingwei-sdk[trust]" in refused.err
    assert not (project / "sbom.cdx.json").exists()


@pytest.mark.parametrize("parts", CHOICES, ids=lambda parts: "+".join(sorted(parts)) or "nothing")
def test_every_choice_of_parts_is_laid_out_clean_and_holds_bronze(
    parts: frozenset[Contribution], tmp_path: Path
):
    project = tmp_path / "plugin"
    write_project(
        Answers("a-b", "样例", "Sample", noun="street_tree", noun_zh="行道树", parts=parts), project
    )
    assert ruff(project, "check") == ""
    assert ruff(project, "format", "--check") == ""
    report = check(Subject.of(project))
    assert list(report.lines())[:-1] == []


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("parts", "tests"), [("settings", 1), ("records", 2), ("jobs", 6)])
def test_a_smaller_choice_passes_its_tests_and_types(
    parts: str, tests: int, author_environment: FreshEnvironment, tmp_path: Path
):
    project = tmp_path / "plugin"
    chosen = frozenset({Contribution(parts)})
    write_project(Answers("street-trees", "行道树", "Street trees", parts=chosen), project)
    assert mypy(author_environment, project) == {}
    tested = author_environment.python("-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=project)
    assert f"{tests} passed" in tested.succeeded().out


def test_what_a_part_stands_on_comes_with_it():
    assert with_needs({Contribution.HOOKS}) == {
        Contribution.HOOKS,
        Contribution.EVENTS,
        Contribution.COMMANDS,
        Contribution.RECORDS,
    }
    assert with_needs({Contribution.SETTINGS}) == {Contribution.SETTINGS}


def test_it_asks_what_was_not_said(tmp_path: Path):
    """Its id and names, then each part; an empty line takes what is proposed."""
    said = ["road-lamp", "路灯", "Road lamps", "", "", "lamp", "路灯", "", "", *"yynnnnnn"]
    project = tmp_path / "road-lamp"
    asked = CliRunner().invoke(cli.app, ["new", "--in", str(project)], input="\n".join([*said, ""]))
    assert asked.exit_code == 0, asked.output
    assert "菜单项 · navigation" in asked.output
    assert sorted(path.name for path in (project / "road_lamp").glob("*.py")) == [
        *("__init__.py", "commands.py", "plugin.py", "records.py", "tables.py"),
    ]
    assert 'name_zh = "路灯"' in (project / "road_lamp/plugin.toml").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"id": "Road"}, "id"),
        ({"id": "road_lamp"}, "id"),
        ({"id": "a" * 31}, "id"),
        ({"noun": "class"}, "noun"),
        ({"noun": "Lamp"}, "noun"),
        ({"name_zh": "Lamps"}, "name_zh"),
        ({"name_en": "路灯"}, "name_en"),
        ({"description_en": 'say "lamp"'}, "description_en"),
        ({"description_zh": "{{ x }}"}, "description_zh"),
    ],
)
def test_an_answer_that_cannot_be_written_is_refused(change: dict[str, str], field: str):
    answers = {"id": "road-lamp", "name_zh": "路灯", "name_en": "Lamps", **change}
    with pytest.raises(Invalid, match="SCAFFOLD_ANSWER") as refusal:
        Answers(**answers)
    assert refusal.value.field == field


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(Conflict, match="SCAFFOLD_FOLDER"):
        write_project(LAMP, tmp_path)
    assert os.listdir(tmp_path) == ["notes.txt"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["new", "x-y", "--yes", "--with", "records,wings"], "SCAFFOLD_PART"),
        (["new", "--yes"], "SCAFFOLD_ANSWER"),
        (["check", "no-such-plugin"], "CHECK_NO_PLUGIN"),
        (["check", ".", "--tier", "platinum"], "CHECK_TIER"),
    ],
)
def test_the_command_says_what_is_wrong(
    words: list[str],
    code: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["jingwei-plugin", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith(f"{code}: ")
    assert list(tmp_path.iterdir()) == []
