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
from jingwei_core.tenants.package_model import PlaceRow, TenantPackage

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
    places = {place.code: place for place in package.places}
    levels = {level.code for level in package.levels}
    if plan.role not in {role.code for role in package.roles}:
        document.refuse("PACKAGE_UNKNOWN_ROLE", f"{field}.role", value=plan.role)
    if plan.level and plan.level not in levels:
        document.refuse("PACKAGE_UNKNOWN_LEVEL", f"{field}.level", value=plan.level)
    if plan.place and plan.place not in places:
        document.refuse("PACKAGE_UNKNOWN_PLACE", f"{field}.place", value=plan.place)
    if plan.valid_to is not None and plan.valid_to <= plan.valid_from:
        document.refuse("PACKAGE_PATROLS", f"{field}.valid_to", reason=plan.valid_to)
    is_on = any(row.code == FORCED_PHOTOS and row.is_enabled for row in package.switches)
    if plan.asks_evidence and not (is_on and plan.evidence_rule.strip()):
        document.refuse("PACKAGE_PATROL_EVIDENCE", f"{field}.asks_evidence", value=plan.code)
    document.check_codes(f"{field}.check_points", (row.code for row in plan.check_points))
    is_known = plan.level in {"", *levels} and plan.place in {"", *places}
    around = plan.place or next((code for code, place in places.items() if not place.parent), "")
    for number, point in enumerate(plan.check_points, 1):
        at, spot = f"{field}.check_points[{number}].place", point.place or around
        if point.place and point.place not in places:
            document.refuse("PACKAGE_UNKNOWN_PLACE", at, value=point.place)
        elif is_known and not _is_walked(spot, plan.level, around, places):
            document.refuse("PACKAGE_PATROL_POINT", at, value=spot)


def _is_walked(code: str, level: str, around: str, places: Mapping[str, PlaceRow]) -> bool:
    """Whether a place lies in one that a plan walks: of its level, or else ``around`` itself."""
    is_in = not level
    while code in places:
        is_in = is_in or places[code].level == level
        if code == around:
            return is_in
        code = places[code].parent
    return False
