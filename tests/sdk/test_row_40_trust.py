"""Row 40: hashes + SBOM in the wheel, verify policy per deployment; declared capabilities."""

import json
import py_compile
import shutil
import sys
import zipfile
from importlib.metadata import EntryPoint, distributions
from pathlib import Path

import pytest

from jingwei_sdk.check import Subject, Tier, check
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.manifest import Capability
from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from jingwei_sdk.trust.policy import Policy, read_policy
from jingwei_sdk.trust.sbom import sbom_problems, write_sbom
from jingwei_sdk.trust.signature import new_key, sign
from jingwei_sdk.trust.statement import statement_of
from jingwei_sdk.trust.verify import verify, verify_one
from tests.sdk.check.sample import LAMP, golden
from tests.sdk.wheelhouse import ROOT, build_wheel

PACKAGE = "road_lamp"
POLICY = """\
unsigned = "refuse"
without_sbom = "refuse"
signatures = "."
capabilities = []

[[keys]]
name = "Acme Lamps"
public_key = "{key}"
plugins = ["{plugins}"]
"""


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel of a plugin, its signature, and the key's public half."""
    folder = tmp_path_factory.mktemp("released")
    wheel = build_wheel(golden(folder / "project"), folder)
    key = new_key(folder / "acme.pem")
    (folder / "acme.pub").write_text(key, encoding="utf-8")
    sign(statement_of(wheel, source="https://example.org/lamps@7f3a"), folder / "acme.pem", folder)
    return folder


@pytest.fixture
def site(released: Path, tmp_path: Path) -> Path:
    """Where the wheel is unpacked, as an installer does."""
    folder = tmp_path / "site"
    (wheel,) = released.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def installed(site: Path) -> EntryPoint:
    (point,) = (
        point
        for found in distributions(path=[str(site)])
        for point in found.entry_points
        if point.group == ENTRY_POINT_GROUP
    )
    return point


def strict(released: Path, plugins: str = "road-*") -> Policy:
    key = (released / "acme.pub").read_text(encoding="utf-8")
    path = released / "policy.toml"
    path.write_text(POLICY.format(key=key, plugins=plugins), encoding="utf-8")
    return read_policy(path)


def codes(policy: Policy, site: Path) -> list[str]:
    return [problem.code for problem in verify_one(policy, installed(site)).problems]


def test_a_signed_wheel_with_its_bill_of_materials_is_trusted(released: Path, site: Path):
    verdict = verify_one(strict(released), installed(site))
    assert (verdict.state, verdict.signer, verdict.problems) == ("signed", "Acme Lamps", ())
    assert [path.name for path in site.glob("*.dist-info/sboms/*")] == ["sbom.cdx.json"]
    # What installers write themselves does not count, bytecode neither.
    (info,) = site.glob("*.dist-info")
    (info / "INSTALLER").write_text("pip", encoding="utf-8")
    (site / PACKAGE / "__pycache__").mkdir()
    (site / PACKAGE / "__pycache__" / "plugin.cpython-311.pyc").write_bytes(b"")
    assert codes(strict(released), site) == []


@pytest.mark.parametrize("policy", ["strict", "none"])
def test_each_kind_of_tampering_is_found(policy: str, released: Path, site: Path):
    believed = strict(released) if policy == "strict" else Policy()
    module = site / PACKAGE / "jobs.py"
    original = module.read_text(encoding="utf-8")
    module.write_text(original + "\n# one line more\n", encoding="utf-8")
    assert "TRUST_FILE_CHANGED" in codes(believed, site)
    module.unlink()
    assert "TRUST_FILE_MISSING" in codes(believed, site)
    module.write_text(original, encoding="utf-8")
    assert codes(believed, site) == []
    (site / PACKAGE / "more.py").write_text("x = 1\n", encoding="utf-8")
    assert codes(believed, site) == ["TRUST_FILE_UNLISTED"]


def test_a_compiled_file_that_would_run_in_place_of_its_source_is_found(
    released: Path, site: Path, tmp_path: Path
):
    module = site / PACKAGE / "jobs.py"
    ours = Path(py_compile.compile(str(module), doraise=True))
    optimised = Path(py_compile.compile(str(module), doraise=True, optimize=2))
    assert codes(strict(released), site) == [], "what the installer compiled is of its source"
    # The source as it was signed, and bytecode of another one with the header that Python asks for.
    other = tmp_path / "jobs.py"
    other.write_text(module.read_text(encoding="utf-8") + "\nSTOLEN = 1\n", encoding="utf-8")
    theirs = Path(py_compile.compile(str(other), cfile=str(tmp_path / "x.pyc"), doraise=True))
    for compiled in (ours, optimised):
        genuine = compiled.read_bytes()
        compiled.write_bytes(genuine[:16] + theirs.read_bytes()[16:])
        (problem,) = verify_one(strict(released), installed(site)).problems
        assert (problem.code, problem.file) == (
            "TRUST_COMPILED",
            f"{PACKAGE}/__pycache__/{compiled.name}",
        )
        compiled.write_bytes(genuine)
    # Nor may there be one for a module that nobody gave away.
    ghost = ours.with_name(ours.name.replace("jobs", "ghost"))
    shutil.copy(ours, ghost)
    assert codes(strict(released), site) == ["TRUST_COMPILED"]


@pytest.mark.parametrize("policy", [Policy(), Policy(unsigned="refuse")])
def test_whoever_takes_the_record_away_makes_nothing_editable(policy: Policy, site: Path):
    (record,) = site.glob("*.dist-info/RECORD")
    record.unlink()
    (site / PACKAGE / "jobs.py").write_text("x = 1\n", encoding="utf-8")
    verdict = verify_one(policy, installed(site))
    assert (verdict.state, verdict.is_trusted) == ("refused", False)
    assert verdict.problems[0].code == "TRUST_FILE_MISSING"
    assert verdict.problems[0].file == "RECORD"


def test_a_rewritten_record_does_not_help_without_the_key(released: Path, site: Path):
    module, (record,) = site / PACKAGE / "jobs.py", site.glob("*.dist-info/RECORD")
    module.write_text("x = 1\n", encoding="utf-8")
    lines = record.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(f"{PACKAGE}/jobs.py")]
    record.write_text("\n".join([*kept, f"{PACKAGE}/jobs.py,,"]) + "\n", encoding="utf-8")
    assert codes(Policy(), site) == []
    assert codes(strict(released), site) == ["TRUST_FILE_CHANGED", "TRUST_UNSIGNED"]


def test_a_policy_believes_a_key_only_about_its_plugins(released: Path, site: Path, tmp_path: Path):
    assert codes(strict(released, plugins="street-*"), site) == [
        "TRUST_SIGNER_UNKNOWN",
        "TRUST_UNSIGNED",
    ]
    other = tmp_path / "other"
    shutil.copytree(released, other, ignore=shutil.ignore_patterns("project", "*.jingwei-sig"))
    assert codes(strict(other), site) == ["TRUST_UNSIGNED"]
    (signature,) = released.glob("*.jingwei-sig")
    document = json.loads(signature.read_text(encoding="utf-8"))
    damaged = {**document, "statement": document["statement"][4:]}
    (other / signature.name).write_text(json.dumps(damaged), encoding="utf-8")
    assert codes(strict(other), site) == ["TRUST_SIGNER_UNKNOWN", "TRUST_UNSIGNED"]
    (other / signature.name).write_text("{}", encoding="utf-8")
    assert codes(strict(other), site) == ["TRUST_SIGNATURE_FILE", "TRUST_UNSIGNED"]


def test_the_signature_of_another_release_is_refused(released: Path, site: Path):
    (info,) = site.glob("*.dist-info/METADATA")
    text = info.read_text(encoding="utf-8")
    info.write_text(text.replace("Version: 0.1.0", "Version: 0.1.1"), encoding="utf-8")
    (signature,) = released.glob("*.jingwei-sig")
    later = released / signature.name.replace("0.1.0", "0.1.1")
    shutil.copy(signature, later)
    try:
        assert "TRUST_OTHER_RELEASE" in codes(strict(released), site)
    finally:
        later.unlink()


def test_a_deployment_says_which_capabilities_and_materials_it_asks_for(released: Path, site: Path):
    manifest = site / PACKAGE / "plugin.toml"
    text = manifest.read_text(encoding="utf-8")
    manifest.write_text(
        text.replace('tier = "bronze"', 'tier = "bronze"\ncapabilities = ["network"]'),
        encoding="utf-8",
    )
    assert "TRUST_CAPABILITY" in codes(strict(released), site)
    assert "TRUST_CAPABILITY" not in codes(Policy(capabilities=(Capability.NETWORK,)), site)
    (bill,) = site.glob("*.dist-info/sboms/*")
    record = bill.parents[1] / "RECORD"
    lines = record.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if "sboms" not in line]
    record.write_text("\n".join(kept) + "\n", encoding="utf-8")
    shutil.rmtree(bill.parent)
    assert "TRUST_NO_SBOM" in codes(strict(released), site)


def test_editable_plugins_are_said_to_be_so_and_the_policy_decides():
    (verdict,) = (each for each in verify(Policy()) if each.plugin == "safety-production")
    assert (verdict.state, verdict.is_trusted) == ("editable", True)
    (refused,) = (
        each for each in verify(Policy(editable="refuse")) if each.plugin == "safety-production"
    )
    assert [problem.code for problem in refused.problems] == ["TRUST_EDITABLE"]


def test_a_loose_entry_point_and_a_faulty_policy_are_refused(tmp_path: Path):
    loose = EntryPoint("road-lamp", f"{PACKAGE}.plugin:plugin", ENTRY_POINT_GROUP)
    assert [p.code for p in verify_one(Policy(), loose).problems] == ["TRUST_NOT_INSTALLED"]
    path = tmp_path / "policy.toml"
    path.write_text('unsigned = "perhaps"', encoding="utf-8")
    with pytest.raises(Invalid, match="TRUST_POLICY"):
        read_policy(path)


def test_only_whole_wheels_are_signed(released: Path, tmp_path: Path):
    (wheel,) = released.glob("*.whl")
    for change, code in (("", "TRUST_FILE_UNLISTED"), ("#", "TRUST_FILE_CHANGED")):
        spoilt = tmp_path / f"{len(change)}.whl"
        with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(spoilt, "w") as new:
            for name in old.namelist():
                more = change.encode() if name.endswith("jobs.py") else b""
                new.writestr(name, old.read(name) + more)
            if not change:
                new.writestr(f"{PACKAGE}/more.py", "x = 1\n")
        with pytest.raises(Refused, match=code):
            statement_of(spoilt)
    with pytest.raises(Invalid, match="TRUST_NO_WHEEL"):
        statement_of(released / "acme.pub")


def test_a_key_is_never_overwritten_and_must_be_ed25519(released: Path, tmp_path: Path):
    key = released / "acme.pem"
    before = key.read_bytes()
    assert key.stat().st_mode & 0o077 == 0
    with pytest.raises(Invalid, match="TRUST_KEY"):
        new_key(key)
    assert key.read_bytes() == before
    (wheel,) = released.glob("*.whl")
    with pytest.raises(Invalid, match="TRUST_KEY"):
        sign(statement_of(wheel), released / "acme.pub", tmp_path)
    assert list(tmp_path.glob("*.jingwei-sig")) == []


def test_our_own_plugin_ships_its_bill_of_materials(tmp_path: Path):
    wheel = build_wheel(ROOT / "plugins" / "safety_production", tmp_path)
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if ".dist-info/sboms/" in each)
        document = json.loads(archive.read(name))
    assert document["metadata"]["component"]["name"] == "jingwei-safety-production"
    assert "jingwei-sdk" in {component["name"] for component in document["components"]}


def test_the_bill_of_materials_follows_what_is_declared(tmp_path: Path):
    project = tmp_path / "project"
    golden(project)
    first = write_sbom(project).read_text(encoding="utf-8")
    assert write_sbom(project).read_text(encoding="utf-8") == first
    document = json.loads(first)
    declared = {"project": {"name": LAMP.names["distribution"], "version": "0.1.0"}}
    assert list(sbom_problems(document, Subject.of(project).project)) == []
    assert {each["name"] for each in document["components"]} >= {"jingwei-sdk", "msgspec"}
    more = {"project": {**declared["project"], "dependencies": ["jingwei-sdk>=2", "shapely"]}}
    assert sorted(en.partition(" ")[0] for _, en in sbom_problems(document, more)) == [
        "jingwei-sdk",
        "shapely",
    ]
    text = (project / "pyproject.toml").read_text(encoding="utf-8")
    absent = text.replace('"jingwei-sdk>=1.0.0,<2"]', '"jingwei-sdk>=1", "no-such-library"]', 1)
    (project / "pyproject.toml").write_text(absent, encoding="utf-8")
    with pytest.raises(Refused, match="SBOM_NOT_INSTALLED"):
        write_sbom(project)
    assert (project / "sbom.cdx.json").read_text(encoding="utf-8") == first


def test_whoever_lacks_a_library_is_told_how_to_get_it(
    released: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Checking wholeness needs neither; signing and writing a bill say what to install."""
    golden(tmp_path / "project")
    monkeypatch.setitem(sys.modules, "cyclonedx.model.bom", None)
    monkeypatch.setitem(sys.modules, "cryptography.hazmat.primitives", None)
    with pytest.raises(Refused, match="SBOM_NEEDS_LIBRARY"):
        write_sbom(tmp_path / "project")
    with pytest.raises(Refused, match="TRUST_NEEDS_LIBRARY"):
        new_key(tmp_path / "key.pem")
    assert not (tmp_path / "key.pem").exists()
    assert verify(Policy()) != []


def test_undeclared_network_files_and_processes_are_found(tmp_path: Path):
    project = golden(tmp_path / "project")
    jobs = project / PACKAGE / "jobs.py"
    reaching = "\nimport socket\nimport subprocess\n\n\ndef data():\n    return open('a.txt')\n"
    jobs.write_text(jobs.read_text(encoding="utf-8") + reaching, encoding="utf-8")
    found = {finding.rule for finding in check(Subject.of(project), Tier.BRONZE).findings}
    assert found == {"JW-203", "JW-204", "JW-205"}
    manifest = project / PACKAGE / "plugin.toml"
    text = manifest.read_text(encoding="utf-8")
    claims = 'capabilities = ["network", "files", "processes"]\ntier = "bronze"'
    manifest.write_text(text.replace('tier = "bronze"', claims), encoding="utf-8")
    assert check(Subject.of(project), Tier.BRONZE).is_passed
