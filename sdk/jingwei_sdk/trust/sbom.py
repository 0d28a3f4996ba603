"""The bill of materials (软件物料清单, SBOM): CycloneDX JSON, committed beside ``pyproject.toml``.

Hatchling puts it into the wheel (``sbom-files``; PEP 770). It is written by
``jingwei-plugin sbom`` from what is installed; ``plugin check`` compares it with what is declared.
"""

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from jingwei_sdk.errors import Refused

SBOM_FILE = "sbom.cdx.json"


def declared_needs(project: Mapping[str, Any]) -> dict[str, Requirement]:
    """The dependencies that a ``pyproject.toml`` declares, by canonical name."""
    found = {}
    for text in project.get("project", {}).get("dependencies", ()):
        try:
            need = Requirement(str(text))
        except InvalidRequirement:
            continue
        found[canonical(need.name)] = need
    return found


def sbom_problems(
    document: Mapping[str, Any], project: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Where a bill of materials and the declared dependencies disagree, in zh and en."""
    told = project.get("project", {})
    main = document.get("metadata", {}).get("component", {})
    if document.get("bomFormat") != "CycloneDX":
        yield "不是 CycloneDX", "it is no CycloneDX"
    for key in ("name", "version"):
        if main.get(key) != told.get(key):
            both = f"{key} {main.get(key)!r}, pyproject.toml {told.get(key)!r}"
            yield both, both
    components = {
        canonical(str(each.get("name", ""))): str(each.get("version", ""))
        for each in document.get("components", ())
    }
    for name, need in declared_needs(project).items():
        if name not in components:
            yield f"缺少 {name}", f"{name} is missing"
        elif not _fits(need, components[name]):
            found = f"{name} {components[name]}"
            yield f"{found}，声明为 {need.specifier}", f"{found}, declared {need.specifier}"
    refs = {each.get("bom-ref"): canonical(str(each.get("name", ""))) for each in _all(document)}
    direct = next(
        (e.get("dependsOn", ()) for e in document.get("dependencies", ()) if _is_of(e, main)), ()
    )
    for ref in direct:
        if refs.get(ref) not in declared_needs(project):
            name = refs.get(ref, str(ref))
            yield f"{name} 没有声明", f"{name} is not declared"


def write_sbom(folder: Path) -> Path:
    """Write the bill of materials of a project and answer its path.

    Versions are those installed here, found from the declared dependencies on; the same
    installation gives the same file. Raises ``Refused``: ``SBOM_NEEDS_LIBRARY`` without the extra
    ``jingwei-sdk[trust]``, ``SBOM_NOT_INSTALLED`` for a dependency that is not there.
    """
    project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    target = folder / SBOM_FILE
    target.write_text(_written(project), encoding="utf-8")
    return target


def _written(project: Mapping[str, Any]) -> str:
    try:
        from cyclonedx.contrib.license.factories import LicenseFactory
        from cyclonedx.model.bom import Bom
        from cyclonedx.model.component import Component, ComponentType
        from cyclonedx.output.json import JsonV1Dot6
        from packageurl import PackageURL
    except ImportError as error:
        raise Refused("SBOM_NEEDS_LIBRARY", cause=str(error)) from error

    def component(name: str, version: str, licence: str, kind: ComponentType) -> Component:
        url = PackageURL("pypi", name=name, version=version)
        made = [LicenseFactory().make_from_string(licence)] if licence else []
        return Component(
            name=name, version=version, type=kind, purl=url, bom_ref=str(url), licenses=made
        )

    told = project["project"]
    bom = Bom()
    main = component(
        told["name"], told["version"], str(told.get("license", "")), ComponentType.LIBRARY
    )
    bom.metadata.component = main
    known = {
        name: component(name, version, licence, ComponentType.LIBRARY)
        for name, (version, licence, _) in _closure(project).items()
    }
    for name, (_, _, needs) in _closure(project).items():
        bom.components.add(known[name])
        bom.register_dependency(known[name], [known[need] for need in needs])
    bom.register_dependency(main, [known[name] for name in declared_needs(project)])
    # No clock and no dice: a file in version control changes only with what it tells.
    bom.serial_number = uuid5(NAMESPACE_URL, f"pkg:pypi/{told['name']}@{told['version']}")
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"].pop("timestamp", None)
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


Closure = dict[str, tuple[str, str, list[str]]]


def _closure(project: Mapping[str, Any]) -> Closure:
    """Version, licence and needs of everything that the declared dependencies bring."""
    found: Closure = {}
    waiting = sorted((name, tuple(need.extras)) for name, need in declared_needs(project).items())
    while waiting:
        name, extras = waiting.pop()
        try:
            installed = distribution(name)
        except PackageNotFoundError as error:
            raise Refused("SBOM_NOT_INSTALLED", name=name) from error
        needs = []
        for text in installed.requires or ():
            need = Requirement(text)
            if _applies(need, extras):
                needs.append(canonical(need.name))
                if canonical(need.name) not in found:
                    waiting.append((canonical(need.name), tuple(need.extras)))
        licence = str(installed.metadata.json.get("license_expression", ""))
        before = found.get(name, ("", "", []))[2]
        found[name] = (installed.version, licence, sorted({*before, *needs}))
    return {name: found[name] for name in sorted(found)}


def _applies(need: Requirement, extras: tuple[str, ...]) -> bool:
    marker = need.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras))


def canonical(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _fits(need: Requirement, version: str) -> bool:
    try:
        return need.specifier.contains(Version(version), prereleases=True)
    except InvalidVersion:
        return False


def _all(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from document.get("components", ())


def _is_of(entry: Mapping[str, Any], main: Mapping[str, Any]) -> bool:
    return bool(main.get("bom-ref")) and entry.get("ref") == main.get("bom-ref")
