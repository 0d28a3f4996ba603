"""Rules of trust (信任, JW-7xx): a licence, types, and a list of what the plugin is made of."""

import json
import re
from collections.abc import Iterator

from jingwei_sdk.check.found import Found, Said, at
from jingwei_sdk.check.subject import MANIFEST_FILE, PROJECT_FILE, Subject
from jingwei_sdk.trust.sbom import SBOM_FILE, sbom_problems

_LICENCE = re.compile(r"^[A-Za-z0-9.+-]+(?: (?:OR|AND|WITH) [A-Za-z0-9.+-]+)*$")


def licence_agrees(subject: Subject) -> Iterator[Found]:
    """The licence is an SPDX expression, the same in the manifest and in the distribution."""
    manifest = subject.manifest
    if manifest is None:
        return
    said = subject.project.get("project", {}).get("license", manifest.licence)
    if said != manifest.licence or not _LICENCE.fullmatch(manifest.licence):
        yield at(subject.path_of(MANIFEST_FILE), manifest=manifest.licence, project=said)


def typed(subject: Subject) -> Iterator[Found]:
    """The package says that it is typed."""
    if subject.shipped("py.typed") is None:
        yield at(subject.path_of("py.typed"))


def sbom_agrees(subject: Subject) -> Iterator[Found]:
    """The bill of materials is there and lists what is declared."""
    subject.require_project()
    source = subject.file(SBOM_FILE)
    if source is None:
        yield at(SBOM_FILE, cause=Said("文件不存在", "the file is missing"))
        return
    try:
        document = json.loads(source.text)
    except ValueError as error:
        yield at(SBOM_FILE, cause=str(error))
        return
    for problem in sbom_problems(document, subject.project):
        yield at(SBOM_FILE, cause=Said(*problem))


def sbom_travels(subject: Subject) -> Iterator[Found]:
    """The wheel takes the bill of materials with it."""
    subject.require_project()
    targets = subject.project.get("tool", {}).get("hatch", {}).get("build", {}).get("targets", {})
    if SBOM_FILE not in targets.get("wheel", {}).get("sbom-files", ()):
        yield at(PROJECT_FILE)


RULES = {
    "JW-701": licence_agrees,
    "JW-702": typed,
    "JW-703": sbom_agrees,
    "JW-704": sbom_travels,
}
