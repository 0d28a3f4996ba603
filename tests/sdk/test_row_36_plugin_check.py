"""Row 36: ``plugin check``, bronze…gold, machine rules first; exemptions with their reasons.

That each rule finds what it should is proved by ``tests/sdk/check/test_rules.py``."""

import json
import sys
from pathlib import Path

import pytest

from jingwei_sdk import cli
from jingwei_sdk.check import RULES, Subject, Tier, check
from jingwei_sdk.errors import Refused
from tests.policy.project import ROOT
from tests.sdk.check.sample import golden

PROMISED = {
    "manifest": "JW-101",
    "rooms by AST": "JW-201",
    "permissions on everything": "JW-301",
    "tenant keys": "JW-401",
    "privacy declarations": "JW-403",
    "translations in both languages": "JW-601",
    "no N+1 against its baseline": "JW-611",
    "docs present": "JW-607",
    "N-1 schema": "JW-405",
    "deprecations ahead": "JW-802",
    "SBOM": "JW-703",
}
OWN = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    return golden(tmp_path / "road-lamp")


def edit(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """The exit code and the output of ``jingwei-plugin``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["jingwei-plugin", *words])
        patch.setenv("JINGWEI_LOCALE", "en")
        with pytest.raises(SystemExit) as ended:
            cli.main()
    return int(ended.value.code or 0), capsys.readouterr().out


@pytest.mark.parametrize("promise", PROMISED)
def test_each_promise_has_its_rule(promise: str):
    assert RULES[PROMISED[promise]].words.reason_en


@pytest.mark.timeout(600)
@pytest.mark.parametrize("folder", OWN, ids=lambda folder: folder.name)
def test_our_own_plugins_hold_gold(folder: Path):
    """With their own tests, on the kit that strangers use: the counts of statements that were
    written down, and another city that sees nothing."""
    subject = Subject.of(folder)
    report = check(subject, Tier.GOLD, next_major=True, runs_tests=True)
    assert [finding.message for finding in report.findings] == []
    assert report.holds is Tier.GOLD
    assert subject.manifest is not None
    assert subject.manifest.tier == "gold"
    for exempted in report.exempted:
        assert exempted.exemption is not None
        assert exempted.exemption.reason
        assert exempted.exemption.issue


def test_a_tier_asks_for_its_own_rules_and_those_below(plugin: Path):
    edit(plugin / "road_lamp/plugin.toml", 'homepage = "https://example.org/road-lamp"\n', "")
    (plugin / "sbom.cdx.json").unlink()
    found = {
        tier: [finding.rule for finding in check(Subject.of(plugin), tier).findings]
        for tier in Tier
    }
    assert found == {
        Tier.BRONZE: [],
        Tier.SILVER: ["JW-108"],
        Tier.GOLD: ["JW-108", "JW-703"],
    }
    assert check(Subject.of(plugin), Tier.GOLD).holds is Tier.BRONZE
    # What the manifest claims is what is asked for when nobody says otherwise.
    edit(plugin / "road_lamp/plugin.toml", 'tier = "bronze"', 'tier = "gold"')
    assert check(Subject.of(plugin)).tier is Tier.GOLD


def test_an_exemption_excuses_one_rule_and_says_why(
    plugin: Path, capsys: pytest.CaptureFixture[str]
):
    jobs, manifest = plugin / "road_lamp/jobs.py", plugin / "road_lamp/plugin.toml"
    jobs.write_text(
        jobs.read_text(encoding="utf-8") + "\nimport socket\nimport subprocess\n", "utf-8"
    )
    excuse = (
        '\n[[exemptions]]\nrule = "JW-203"\nreason = "only for a port number"\n'
        'issue = "https://example.org/issues/7"\n'
    )
    manifest.write_text(manifest.read_text(encoding="utf-8") + excuse, encoding="utf-8")
    code, out = run("check", str(plugin), "--json", capsys=capsys)
    told = json.loads(out)
    assert code == 1
    assert [finding["rule"] for finding in told["findings"]] == ["JW-205"]
    (exempted,) = told["exempted"]
    assert exempted["rule"] == "JW-203"
    assert exempted["exemption"] == {
        "reason": "only for a port number",
        "issue": "https://example.org/issues/7",
    }
    code, out = run("check", str(plugin), capsys=capsys)
    assert "= only for a port number (https://example.org/issues/7)" in out
    assert "road-lamp: bronze 1 findings, holds -" in out


@pytest.mark.parametrize("left_out", ["reason", "issue"])
def test_an_exemption_without_reason_or_issue_is_none(left_out: str, plugin: Path):
    values = {"rule": "JW-203", "reason": "a port number", "issue": "7", left_out: ""}
    lines = [f'{name} = "{value}"' for name, value in values.items()]
    manifest = plugin / "road_lamp/plugin.toml"
    text = manifest.read_text(encoding="utf-8") + "\n[[exemptions]]\n" + "\n".join(lines)
    manifest.write_text(text, encoding="utf-8")
    assert "JW-101" in [finding.rule for finding in check(Subject.of(plugin)).findings]


def test_a_finding_names_file_line_and_next_step(plugin: Path, capsys: pytest.CaptureFixture[str]):
    edit(plugin / "road_lamp/messages.toml", 'en = "The code {number} is taken"\n', "")
    code, out = run("check", str(plugin), capsys=capsys)
    place, step, *_ = out.splitlines()
    source = (plugin / "road_lamp/commands.py").read_text(encoding="utf-8").splitlines()
    line = next(
        n for n, text in enumerate(source, 1) if "ROAD_LAMP_CODE_TAKEN" in text and "raise" in text
    )
    assert (code, place) == (1, f"road_lamp/commands.py:{line}: JW-601 ROAD_LAMP_CODE_TAKEN: no en")
    assert step.startswith("  → complete it in messages.toml")


def test_next_tells_what_the_next_major_takes_away(plugin: Path):
    reactions = plugin / "road_lamp/reactions.py"
    text = reactions.read_text(encoding="utf-8")
    reactions.write_text(text + "\nfrom jingwei_sdk.hooks import hookimpl\n", encoding="utf-8")
    assert check(Subject.of(plugin)).is_passed
    ahead = check(Subject.of(plugin), next_major=True)
    line = text.count("\n") + 2
    assert [(found.rule, found.file, found.line) for found in ahead.findings] == [
        ("JW-802", "road_lamp/reactions.py", line)
    ]


def test_an_installed_plugin_is_checked_by_its_id(capsys: pytest.CaptureFixture[str]):
    _, out = run("check", "safety-production", "--json", capsys=capsys)
    assert json.loads(out)["plugin"] == "safety-production"
    with pytest.raises(Refused, match="CHECK_NO_PLUGIN"):
        Subject.of("no-such-plugin")


def test_checking_leaves_loaded_modules_alone(plugin: Path):
    import jingwei_safety_production.plugin as loaded

    Subject.of("safety-production")
    Subject.of(plugin)
    assert sys.modules["jingwei_safety_production.plugin"] is loaded
    assert "road_lamp" not in sys.modules
    assert str(plugin) not in sys.path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda project: (project / "road_lamp/plugin.toml").unlink(),
        lambda project: (project / "road_lamp/plugin.toml").write_text("id =", "utf-8"),
        lambda project: (project / "road_lamp/plugin.py").write_text("x = (", "utf-8"),
        lambda project: (project / "road_lamp/plugin.py").write_text("exit()", "utf-8"),
        lambda project: (project / "road_lamp/messages.toml").write_text("[A", "utf-8"),
        lambda project: (project / "sbom.cdx.json").write_text("{", "utf-8"),
    ],
    ids=["no manifest", "half a manifest", "syntax", "exit", "half a catalogue", "half a bill"],
)
def test_whatever_is_broken_is_a_finding_and_no_crash(spoil: object, plugin: Path):
    assert callable(spoil)
    spoil(plugin)
    report = check(Subject.of(plugin), Tier.GOLD, next_major=True)
    assert report.findings
    assert report.holds is not Tier.GOLD
