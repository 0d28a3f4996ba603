"""Reading ``patrols.toml``; the file may be absent."""

from collections.abc import Mapping

from jingwei_core.patrols.rules import (
    FORCED_PHOTOS,
    NO_PATROLS,
    PackagePlan,
    PatrolFile,
    read_patrol_file,
)
from jingwei_core.tenants.package_files import PackageFolder, Section
from jingwei_core.tenants.package_model import TenantPackage

FILE = "patrols.toml"


def read_patrols(folder: PackageFolder, package: TenantPackage) -> PatrolFile:
    """Plans and rules of visits, each role, level, place and source that they name checked."""
    read = folder.rules(FILE, read_patrol_file, "PACKAGE_PATROLS")
    if read is None:
        return NO_PATROLS
    document, found = read
    if found.source not in {source.code for source in package.sources}:
        document.refuse("PACKAGE_UNKNOWN_SOURCE", "source", value=found.source)
    document.check_codes("plans", (row.code for row in found.plans))
    document.check_codes("visits.topics", (row.code for row in found.visits.topics))
    document.check_codes("visits.levels", (row.code for row in found.visits.levels))
    for number, plan in enumerate(found.plans, 1):
        _check_plan(document, package, f"plans[{number}]", plan)
    return found


def _check_plan(document: Section, package: TenantPackage, field: str, plan: PackagePlan) -> None:
    parents = {place.code: place.parent for place in package.places}
    if plan.role not in {role.code for role in package.roles}:
        document.refuse("PACKAGE_UNKNOWN_ROLE", f"{field}.role", value=plan.role)
    if plan.level and plan.level not in {level.code for level in package.levels}:
        document.refuse("PACKAGE_UNKNOWN_LEVEL", f"{field}.level", value=plan.level)
    if plan.place and plan.place not in parents:
        document.refuse("PACKAGE_UNKNOWN_PLACE", f"{field}.place", value=plan.place)
    if plan.valid_to is not None and plan.valid_to <= plan.valid_from:
        document.refuse("PACKAGE_PATROLS", f"{field}.valid_to", reason=plan.valid_to)
    is_on = any(row.code == FORCED_PHOTOS and row.is_enabled for row in package.switches)
    if plan.asks_evidence and not (is_on and plan.evidence_rule.strip()):
        document.refuse("PACKAGE_PATROL_EVIDENCE", f"{field}.asks_evidence", value=plan.code)
    document.check_codes(f"{field}.check_points", (row.code for row in plan.check_points))
    for number, point in enumerate(plan.check_points, 1):
        at = f"{field}.check_points[{number}].place"
        if plan.place and point.place and not _is_inside(point.place, plan.place, parents):
            document.refuse("PACKAGE_PATROL_POINT", at, value=point.place)
        elif point.place and point.place not in parents:
            document.refuse("PACKAGE_UNKNOWN_PLACE", at, value=point.place)


def _is_inside(code: str, around: str, parents: Mapping[str, str]) -> bool:
    while code and code != around:
        code = parents.get(code, "")
    return code == around
