"""A plugin that keeps every rule: a new one from the scaffold, brought to gold."""

import json
import shutil
from importlib.metadata import version
from pathlib import Path

from jingwei_sdk.check import Subject
from jingwei_sdk.check.rules import Example
from jingwei_sdk.scaffold import Answers, write_project
from jingwei_sdk.versions import SDK_VERSION

LAMP = Answers(
    id="road-lamp",
    name_zh="路灯",
    name_en="Road lamps",
    noun="lamp",
    noun_zh="路灯",
    homepage="https://example.org/road-lamp",
)


def golden(folder: Path) -> Path:
    """The project of a plugin that holds gold, in ``folder``."""
    write_project(LAMP, folder)
    pyproject = folder / "pyproject.toml"
    text = pyproject.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "sbom-files" not in line]
    at = lines.index('packages = ["road_lamp"]')
    lines.insert(at + 1, 'sbom-files = ["sbom.cdx.json"]')
    pyproject.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "sbom.cdx.json").write_text(json.dumps(_sbom()), encoding="utf-8")
    return folder


def edited(golden_folder: Path, folder: Path, *examples: Example) -> Subject:
    """The golden plugin with edits, as a rule sees it."""
    shutil.copytree(golden_folder, folder)
    for example in examples:
        _edit(folder / example.file, example)
    return Subject.of(folder)


def _edit(path: Path, example: Example) -> None:
    if not example.replaces and not example.text:
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        return
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if example.replaces:
        assert text.count(example.replaces) >= 1, f"{path}: no {example.replaces!r}"
        text = text.replace(example.replaces, example.text.lstrip("\n"), 1)
    else:
        text += example.text
    path.write_text(text, encoding="utf-8")


def _sbom() -> dict[str, object]:
    main, sdk = "pkg:pypi/road-lamp@0.1.0", f"pkg:pypi/jingwei-sdk@{SDK_VERSION}"
    assert version("jingwei-sdk") == SDK_VERSION
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {"component": {"name": "road-lamp", "version": "0.1.0", "bom-ref": main}},
        "components": [{"name": "jingwei-sdk", "version": SDK_VERSION, "bom-ref": sdk}],
        "dependencies": [{"ref": main, "dependsOn": [sdk]}, {"ref": sdk}],
    }
