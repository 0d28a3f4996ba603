"""Rules of rooms (房间, JW-201, 202, 206): a plugin uses the SDK and the plugins it declares."""

import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions

from jingwei_sdk.check.found import Found, at
from jingwei_sdk.check.imports import imported_names, runtime_imports
from jingwei_sdk.check.subject import Subject

PLATFORM = frozenset({"jingwei_core", "jingwei_api"})
_AMBIENT = frozenset({"jingwei_sdk.tables.bound_tenant"})
# What the SDK itself promises to authors; it comes with the SDK and need not be declared again.
_WITH_THE_SDK = frozenset({"jingwei_sdk", "msgspec", "packaging", "piccolo"})


def declared_rooms(subject: Subject) -> Iterator[Found]:
    """Code of the platform is never imported, that of another plugin only when required."""
    manifest = subject.manifest
    required = {need.id for need in manifest.needs} if manifest is not None else set()
    closed = PLATFORM | {
        package for package, plugin in subject.neighbours.items() if plugin not in required
    }
    for source in subject.code:
        for line, name in runtime_imports(source.tree):
            if name.partition(".")[0] in closed - {subject.package}:
                yield at(source.path, line, name=name)


def nothing_ambient(subject: Subject) -> Iterator[Found]:
    """No private name of the SDK, and nothing that says "the current tenant" without a context."""
    for source in subject.code:
        for line, name in {*imported_names(source.tree), *runtime_imports(source.tree)}:
            is_private = any(part.startswith("_") for part in name.split(".")[1:])
            if name.startswith("jingwei_sdk.") and (is_private or name in _AMBIENT):
                yield at(source.path, line, name=name)


def declared_libraries(subject: Subject) -> Iterator[Found]:
    """What is imported is asked for, not merely present."""
    subject.require_project()
    providers = packages_distributions()
    asked = {
        _canonical(need) for need in subject.project.get("project", {}).get("dependencies", ())
    }
    known = sys.stdlib_module_names | _WITH_THE_SDK | {subject.package} | set(subject.neighbours)
    for source in subject.code:
        for line, name in runtime_imports(source.tree):
            top = name.partition(".")[0]
            distributions = {_canonical(each) for each in providers.get(top, [top])}
            if top not in known | PLATFORM and not distributions & asked:
                yield at(source.path, line, name=top)


def _canonical(requirement: str) -> str:
    name = re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


RULES = {"JW-201": declared_rooms, "JW-202": nothing_ambient, "JW-206": declared_libraries}
