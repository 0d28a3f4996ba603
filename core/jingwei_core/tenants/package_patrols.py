"""Reading ``patrols.toml``; the file may be absent."""

from collections.abc import Iterable, Mapping

from jingwei_core.patrols.rules import (
    FORCED_PHOTOS,
    NO_PATROLS,
    PackagePlan,
    PatrolFile,
    read_patrol_file,
)
from jingwei_core.tenants.package_files import CODE, PackageFolder
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_core.workforce.rules import Named
from jingwei_sdk.errors import Invalid

FILE = "patrols.toml"


def read_patrols(folder: PackageFolder, package: TenantPackage) -> PatrolFile:
    """Plans and rules of visits, each role, level, place and source that they name checked."""
    document = folder.toml(FILE) if (folder.path / FILE).is_file() else None
    if document is None:
        return NO_PATROLS
    try:
        found = read_patrol_file(document.values)
    except Invalid as error:
        document.refuse("PACKAGE_PATROLS", error.field or "", reason=error.params["cause"])
        return NO_PATROLS
    if found.source not in {source.code for source in package.sources}:
        _refuse(folder, "PACKAGE_UNKNOWN_SOURCE", "source", found.source)
    _check_codes(folder, "plans", found.plans)
    _check_codes(folder, "visits.topics", found.visits.topics)
    _check_codes(folder, "visits.levels", found.visits.levels)
    for number, plan in enumerate(found.plans, 1):
        _check_plan(folder, package, f"plans[{number}]", plan)
    return found


def _check_plan(
    folder: PackageFolder, package: TenantPackage, field: str, plan: PackagePlan
) -> None:
    parents = {place.code: place.parent for place in package.places}
    if plan.role not in {role.code for role in package.roles}:
        _refuse(folder, "PACKAGE_UNKNOWN_ROLE", f"{field}.role", plan.role)
    if plan.level and plan.level not in {level.code for level in package.levels}:
        _refuse(folder, "PACKAGE_UNKNOWN_LEVEL", f"{field}.level", plan.level)
    if plan.place and plan.place not in parents:
        _refuse(folder, "PACKAGE_UNKNOWN_PLACE", f"{field}.place", plan.place)
    if plan.valid_to is not None and plan.valid_to <= plan.valid_from:
        _refuse(folder, "PACKAGE_PATROLS", f"{field}.valid_to", str(plan.valid_to))
    is_on = any(row.code == FORCED_PHOTOS and row.is_enabled for row in package.switches)
    if plan.asks_evidence and not (is_on and plan.evidence_rule.strip()):
        _refuse(folder, "PACKAGE_PATROL_EVIDENCE", f"{field}.asks_evidence", plan.code)
    _check_codes(folder, f"{field}.check_points", plan.check_points)
    for number, point in enumerate(plan.check_points, 1):
        if plan.place and point.place and not _is_inside(point.place, plan.place, parents):
            _refuse(
                folder,
                "PACKAGE_PATROL_POINT",
                f"{field}.check_points[{number}].place",
                point.place,
            )
        elif point.place and point.place not in parents:
            at = f"{field}.check_points[{number}].place"
            _refuse(folder, "PACKAGE_UNKNOWN_PLACE", at, point.place)


def _is_inside(code: str, around: str, parents: Mapping[str, str]) -> bool:
    while code and code != around:
        code = parents.get(code, "")
    return code == around


def _check_codes(folder: PackageFolder, field: str, rows: Iterable[Named]) -> None:
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        at = f"{field}[{number}].code"
        if not CODE.fullmatch(row.code):
            _refuse(folder, "PACKAGE_CODE_FORM", at, row.code)
        if row.code in seen:
            _refuse(folder, "PACKAGE_DUPLICATE", at, row.code)
        seen.add(row.code)


def _refuse(folder: PackageFolder, code: str, field: str, value: str) -> None:
    folder.findings.problem(code, FILE, None, field, value=value, reason=value)
