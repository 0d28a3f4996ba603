"""Reads a tenant package (租户数据包): a folder of data that describes a city, checked whole.

``load_package`` touches no database. The format is documented in ``docs/tenant-package.md``.
"""

from dataclasses import replace
from pathlib import Path

from jingwei_core.tenants.package_demo import DemoWorld, read_demo
from jingwei_core.tenants.package_events import (
    KindReader,
    read_deadlines,
    read_departments,
    read_forms,
    warn_deadline_gaps,
)
from jingwei_core.tenants.package_files import PackageFolder, Section
from jingwei_core.tenants.package_manifest import (
    MANIFEST,
    read_calendar,
    read_levels,
    read_plugins,
    read_roles,
    read_sources,
    read_switches,
    read_tenant,
)
from jingwei_core.tenants.package_meetings import read_ledgers, read_meetings
from jingwei_core.tenants.package_model import Demo, KindRow, TenantPackage
from jingwei_core.tenants.package_notifications import read_notifications
from jingwei_core.tenants.package_patrols import read_patrols
from jingwei_core.tenants.package_places import read_places, read_shapes
from jingwei_core.tenants.package_problems import Findings, PackageInvalid, Problem
from jingwei_core.tenants.package_public import read_public
from jingwei_core.tenants.package_routing import read_routing
from jingwei_core.tenants.package_workflow import check_workflows, read_workflows
from jingwei_core.tenants.package_workforce import (
    read_certificates,
    read_secondments,
    read_workforce,
)

__all__ = ["PackageInvalid", "Problem", "TenantPackage", "load_package"]

NO_DEMO = Demo((), (), ())


def load_package(path: Path) -> TenantPackage:
    """The package in folder ``path``, every reference checked, parents before children.

    Raises ``PackageInvalid`` (``PACKAGE_INVALID``) with all problems found; nothing else.
    """
    folder = PackageFolder(path, Findings())
    manifest = folder.toml(MANIFEST) or Section(MANIFEST, "", {}, Findings())
    package = _read(folder, manifest)
    if folder.findings.problems:
        raise PackageInvalid(path, folder.findings.problems)
    return package


def _read(folder: PackageFolder, manifest: Section) -> TenantPackage:
    tenant = read_tenant(manifest)
    sources = read_sources(manifest)
    known = frozenset(source.code for source in sources)
    levels = read_levels(manifest, known)
    places = read_places(folder, levels, known, tenant.division_code)
    shapes = read_shapes(folder, places)
    departments = read_departments(folder, {place.code: place for place in places})
    roles = read_roles(folder)
    package = TenantPackage(
        folder=folder.path,
        tenant=tenant,
        levels=levels,
        sources=sources,
        switches=read_switches(manifest),
        places=places,
        shapes=shapes,
        departments=departments,
        roles=roles,
        kinds=(),
        forms=read_forms(folder),
        workflows=(workflows := read_workflows(folder, known)),
        deadlines=read_deadlines(folder, workflows, known),
        calendar=read_calendar(folder),
        notifications=read_notifications(folder, known),
        plugins=read_plugins(folder),
        meetings=read_meetings(folder, {level.code for level in levels}, roles),
        ledgers=read_ledgers(folder),
        demo=NO_DEMO,
        warnings=(),
    )
    package = replace(package, kinds=_kinds(folder, package))
    check_workflows(package, folder.findings)
    package = replace(package, workforce=read_workforce(folder, package))
    package = replace(package, patrols=read_patrols(folder, package))
    package = replace(package, routing=read_routing(folder, package))
    package = replace(package, public=read_public(folder, package))
    demo = _demo(folder, package)
    return replace(package, demo=demo, warnings=tuple(folder.findings.warnings))


def _kinds(folder: PackageFolder, package: TenantPackage) -> tuple[KindRow, ...]:
    kinds = KindReader(
        department=frozenset(row.code for row in package.departments),
        workflow=frozenset(row.code for row in package.workflows),
        form=frozenset(row.code for row in package.forms),
        deadline=frozenset(row.profile for row in package.deadlines),
        source=frozenset(row.code for row in package.sources),
    ).read(folder)
    warn_deadline_gaps(kinds, package.workflows, package.deadlines, folder.findings)
    return kinds


def _demo(folder: PackageFolder, package: TenantPackage) -> Demo:
    if not package.tenant.demo:
        return NO_DEMO
    world = DemoWorld(
        places={row.code: row for row in package.places},
        shapes=package.shapes,
        kinds={row.code: row for row in package.kinds},
        workflows={row.code: row for row in package.workflows},
        roles=frozenset(row.code for row in package.roles),
        departments=frozenset(row.code for row in package.departments),
    )
    package = replace(package, demo=read_demo(folder, world))
    return replace(
        package.demo,
        secondments=read_secondments(folder, package),
        certificates=read_certificates(folder, package),
    )
