"""Rules of the manifest (清单, JW-1xx): it can be read, and the package is what it says."""

from collections.abc import Iterator

from packaging.specifiers import SpecifierSet

from jingwei_sdk.check.found import Found, Said, at
from jingwei_sdk.check.subject import MANIFEST_FILE, PROJECT_FILE, Subject
from jingwei_sdk.plugin import ENTRY_POINT_GROUP
from jingwei_sdk.trust.sbom import declared_needs
from jingwei_sdk.versions import SDK_VERSION

_FAR_MAJOR = f"{int(SDK_VERSION.partition('.')[0]) + 1}.0.0"


def readable(subject: Subject) -> Iterator[Found]:
    """The manifest is there, is valid, and asks for an SDK that is served."""
    if subject.manifest is None:
        yield at(subject.path_of(MANIFEST_FILE), cause=subject.manifest_error)


def loads(subject: Subject) -> Iterator[Found]:
    """One entry point, named like the plugin, gives its declarations; no file hides from rules."""
    for path in subject.unread:
        yield at(path, cause=Said("不是 UTF-8 的 Python 文件", "it is no Python in UTF-8"))
    manifest, names = subject.manifest, list(subject.entry)
    where = PROJECT_FILE if subject.is_project else subject.path_of(MANIFEST_FILE)
    if len(names) != 1:
        yield at(
            where,
            cause=Said(
                f"{ENTRY_POINT_GROUP} 中有 {len(names)} 个入口点",
                f"{len(names)} entry points in {ENTRY_POINT_GROUP}",
            ),
        )
    elif manifest is not None and names[0] != manifest.id:
        yield at(
            where,
            cause=Said(
                f"入口点 {names[0]!r}，id {manifest.id!r}",
                f"entry point {names[0]!r}, id {manifest.id!r}",
            ),
        )
    elif subject.plugin is None:
        yield at(where, cause=subject.load_error)
    elif subject.plugin.id != names[0]:
        made = f"Plugin(id={subject.plugin.id!r})"
        cause = Said(f"入口点 {names[0]!r}，{made}", f"entry point {names[0]!r}, {made}")
        yield at(where, cause=cause)


def version_agrees(subject: Subject) -> Iterator[Found]:
    """Manifest and distribution carry the same version."""
    said = subject.project.get("project", {}).get("version")
    manifest = subject.manifest
    if manifest is not None and said is not None and said != manifest.version:
        source = subject.shipped(MANIFEST_FILE)
        line = source.line_of("version") if source is not None else 1
        path = subject.path_of(MANIFEST_FILE)
        yield at(path, line, manifest=manifest.version, project=said)


def range_ends(subject: Subject) -> Iterator[Found]:
    """The SDK range ends before a major version that nobody has seen."""
    manifest = subject.manifest
    if manifest is not None and SpecifierSet(manifest.sdk).contains(_FAR_MAJOR):
        source = subject.shipped(MANIFEST_FILE)
        line = source.line_of("sdk") if source is not None else 1
        yield at(subject.path_of(MANIFEST_FILE), line, range=manifest.sdk)


def exemptions_known(subject: Subject) -> Iterator[Found]:
    """Each exemption names a rule that there is."""
    # The register imports this module, so it is looked up when the rule runs.
    from jingwei_sdk.check.rules import RULES

    manifest = subject.manifest
    for exemption in manifest.exemptions if manifest is not None else ():
        if exemption.rule not in RULES:
            source = subject.shipped(MANIFEST_FILE)
            line = source.line_of(exemption.rule) if source is not None else 1
            yield at(subject.path_of(MANIFEST_FILE), line, rule=exemption.rule)


def requirements_agree(subject: Subject) -> Iterator[Found]:
    """``Plugin(requires=…)`` and the manifest name the same plugins."""
    manifest, plugin = subject.manifest, subject.plugin
    if manifest is None or plugin is None:
        return
    said = sorted(need.id for need in manifest.needs if not need.optional)
    declared = sorted(plugin.requires)
    if declared and declared != said:
        yield at(subject.path_of(MANIFEST_FILE), plugin=declared, manifest=said)


def core_is_not_required(subject: Subject) -> Iterator[Found]:
    """The distribution stands on the SDK, never on the platform's own packages."""
    source = subject.file(PROJECT_FILE)
    for name, need in declared_needs(subject.project).items():
        if name in ("jingwei-core", "jingwei-api") and source is not None:
            yield at(PROJECT_FILE, source.line_of(need.name), need=str(need))


def homepage_told(subject: Subject) -> Iterator[Found]:
    """Users of the plugin find its authors."""
    if subject.manifest is not None and not subject.manifest.homepage:
        yield at(subject.path_of(MANIFEST_FILE))


RULES = {
    "JW-101": readable,
    "JW-102": loads,
    "JW-103": version_agrees,
    "JW-104": range_ends,
    "JW-105": exemptions_known,
    "JW-106": requirements_agree,
    "JW-107": core_is_not_required,
    "JW-108": homepage_told,
}
