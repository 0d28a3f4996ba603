"""Row 1: `plugin.toml` in the wheel, a typed model, JSON schema published; read without import."""

import json
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jingwei_core.plugins.host import discover
from jingwei_sdk.errors import Refused
from jingwei_sdk.manifest import Capability, Requirement, Scope, read_manifest
from tests.core.plugins.packages import MANIFEST, Package
from tests.policy.project import ROOT
from tests.sdk.wheelhouse import Wheelhouse

SHIPPED = sorted((ROOT / "plugins").glob("*/*/plugin.toml"))
SCHEMA = json.loads((ROOT / "sdk" / "jingwei_sdk" / "plugin.schema.json").read_text("utf-8"))
FULL = """
scope = "both"
graphql_prefix = "Permit"
permission_prefix = "permit"
capabilities = ["network"]
requires = ["maps", { id = "people", version = ">=2,<3", optional = true }]
roles = [{ code = "desk", zh = "许可窗口", en = "Permit desk", permissions = ["permit.read"] }]
exemptions = [{ rule = "JW-201", reason = "a test of the rule itself", issue = "#7" }]
"""
WRONG = {
    "an unknown key": "flying = true",
    "a scope there is not": 'scope = "planet"',
    "a capability there is not": 'capabilities = ["mind-reading"]',
    "a permission without English": 'roles = [{ code = "a", zh = "甲" }]',
}


def write(folder: Path, more: str = "", manifest: str = MANIFEST.format(id="permits")) -> Path:
    path = folder / "plugin.toml"
    path.write_text(manifest + more, encoding="utf-8")
    return path


def is_valid(path: Path) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(tomllib.loads(path.read_text("utf-8"))))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.parent.name)
def test_a_manifest_is_read_in_a_process_that_never_imports_its_package(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from jingwei_sdk.manifest import read_manifest;"
        "print(read_manifest(Path(sys.argv[1])).id, sys.argv[2] in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path), path.parent.name],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [path.parent.name[8:].replace("_", "-"), "False"]


def test_every_key_is_typed(tmp_path: Path) -> None:
    manifest = read_manifest(write(tmp_path, FULL))
    assert (manifest.scope, manifest.capabilities) == (Scope.BOTH, (Capability.NETWORK,))
    assert manifest.needs == (Requirement("maps"), Requirement("people", ">=2,<3", optional=True))
    assert manifest.roles[0].permissions == ("permit.read",)
    assert manifest.schema == "permits"


@pytest.mark.parametrize("wrong", WRONG)
def test_the_published_schema_and_the_model_refuse_the_same(tmp_path: Path, wrong: str) -> None:
    assert is_valid(write(tmp_path, FULL))
    path = write(tmp_path, WRONG[wrong])
    assert not is_valid(path)
    with pytest.raises(Refused) as refusal:
        read_manifest(path)
    assert refusal.value.code == "PLUGIN_MANIFEST"


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    more = """
permission_prefix = "lamp"
requires = ["permits", { id = "maps", version = "newest" }]
roles = [{ code = "a", zh = "甲", en = "a", permissions = ["tenant.erase"] }]
exemptions = [{ rule = "JW-201", reason = "", issue = "" }]
"""
    with pytest.raises(Refused) as refusal:
        read_manifest(write(tmp_path, more))
    cause = str(refusal.value.params["cause"])
    for part in ("'permit.read' does not begin", "'permits' is no id", "'newest'", "tenant.erase"):
        assert part in cause
    assert "'JW-201' needs a reason" in cause
    assert cause.count(";") == 4


def test_the_manifest_travels_in_the_wheel_and_the_schema_in_the_sdks(tmp_path: Path) -> None:
    wheels = Wheelhouse(tmp_path)
    with zipfile.ZipFile(wheels.wheel("plugins/safety_production")) as wheel:
        inside = wheel.read("jingwei_safety_production/plugin.toml").decode()
    assert inside == SHIPPED[0].read_text(encoding="utf-8")
    with zipfile.ZipFile(wheels.wheel("sdk")) as wheel:
        published: Any = json.loads(wheel.read("jingwei_sdk/plugin.schema.json"))
    assert published == SCHEMA
    Draft202012Validator.check_schema(published)


def test_a_package_whose_code_cannot_run_is_known_by_its_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    point = Package(code="raise SystemExit('never')").write(tmp_path)
    (found,) = discover([point])
    assert found.manifest is not None
    assert (found.manifest.name_zh, found.plugin) == ("许可", None)
    assert "never" in found.reason
