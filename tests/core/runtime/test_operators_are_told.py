"""What an operator has set wrongly is named, by setting or file, and nothing else happens."""

import os
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from jingwei_core.cli import main as command_line
from jingwei_core.events.workflow_reading import read_workflow
from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.evidence.opening import open_store
from jingwei_core.outbox.outbox_settings import OutboxSettings, read_outbox_settings
from jingwei_core.settings import Settings
from jingwei_core.tenants import package_files
from jingwei_core.tenants.package import PackageInvalid, load_package
from jingwei_sdk.errors import Invalid, Unavailable
from tests.core.events.city import STANDARD
from tests.tenants.small_package import write_package


def test_an_s3_store_needs_all_it_is_reached_by() -> None:
    chosen = EvidenceSettings(store="s3", s3_endpoint="127.0.0.1:9")
    with pytest.raises(Unavailable) as refusal:
        open_store(Settings(), chosen)
    assert refusal.value.code == "EVIDENCE_S3_UNSET"
    missing = str(refusal.value.params["missing"])
    assert "JINGWEI_EVIDENCE_S3_SECRET_KEY" in missing
    assert "S3_ENDPOINT" not in missing


def test_a_setting_of_the_outbox_that_does_not_fit_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "webhooks.toml"
    path.write_text('[yichang]\nurl = "no address"\nsecret = "the-secret-itself"\n', "utf-8")
    with pytest.raises(Unavailable) as refusal:
        OutboxSettings(webhooks_file=path).webhook_of("yichang")
    assert refusal.value.code == "OUTBOX_SETTINGS"
    assert "the-secret-itself" not in str(refusal.value)
    assert OutboxSettings(webhooks_file=path).webhook_of("changzhi") is None

    monkeypatch.setenv("JINGWEI_OUTBOX_CONNECT_TIMEOUT_S", "600")
    with pytest.raises(Unavailable) as refusal:
        read_outbox_settings()
    assert (refusal.value.code, refusal.value.params["cause"]) == (
        "OUTBOX_SETTINGS",
        "connect_timeout_s",
    )


def test_a_file_of_a_package_that_is_too_large_or_closed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_package(tmp_path / "small")
    monkeypatch.setattr(package_files, "MAX_FILE_BYTES", 20)
    with pytest.raises(PackageInvalid) as refusal:
        load_package(folder)
    assert {"PACKAGE_FILE_TOO_LARGE"} == {problem.code for problem in refusal.value.problems}
    monkeypatch.undo()

    (folder / "departments.csv").unlink()
    (folder / "departments.csv").mkdir()
    with pytest.raises(PackageInvalid) as refusal:
        load_package(folder)
    told = [problem for problem in refusal.value.problems if problem.file == "departments.csv"]
    assert [problem.code for problem in told] == ["PACKAGE_FILE_UNREADABLE"]


def test_a_state_that_a_workflow_does_not_have_is_named() -> None:
    workflow = read_workflow(tomllib.loads(STANDARD.read_text(encoding="utf-8")))
    assert workflow.state(workflow.start).code == workflow.start
    with pytest.raises(Invalid) as refusal:
        workflow.state("on-the-moon")
    assert refusal.value.code == "WORKFLOW_STATE_UNKNOWN"


def test_a_group_that_cannot_be_loaded_says_why_when_it_is_called(log_as_it_was: None) -> None:
    def broken() -> object:
        raise ImportError("no module named 'left_out'")

    command = command_line._loaded("lamps", broken)  # type: ignore[arg-type]
    told = CliRunner().invoke(command_line.make_app(), ["--help"], env=dict(os.environ))
    assert told.exit_code == 0
    with pytest.raises(Unavailable) as refusal:
        command.main([], standalone_mode=False)
    assert refusal.value.code == "COMMAND_GROUP_BROKEN"
    assert "left_out" in str(refusal.value.params["cause"])
