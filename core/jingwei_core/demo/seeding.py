"""Seeding (播种): a tenant gets the demo rows of its package; again, it gets what is missing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from jingwei_core.demo.events import Storyteller
from jingwei_core.demo.organisations import seed_organisations
from jingwei_core.demo.people import load_cast, seed_people
from jingwei_core.demo.plugins import fill_plugins
from jingwei_core.demo.residents import seed_residents
from jingwei_core.demo.rounds import seed_rounds
from jingwei_core.demo.workforce import seed_workforce
from jingwei_core.evidence.opening import open_workers
from jingwei_core.platform import Platform
from jingwei_core.tenants.package_model import TenantPackage


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the events of a tenant are."""

    slug: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Seeded:
    """What one run added: accounts, organisations, steps of events, rows of plugins, commands
    about patrols and visits, and residents."""

    slug: str
    accounts: int = 0
    organisations: int = 0
    steps: int = 0
    plugin_rows: int = 0
    rounds: int = 0
    residents: int = 0


Told = Callable[[Progress], None]


async def seed(
    platform: Platform, package: TenantPackage, secrets_path: Path, progress: Told
) -> Seeded:
    """Demo accounts, organisations and events of a package that was applied.

    Passwords are made at random and kept in ``secrets_path`` (0600). Raises ``NotFound``
    (``TENANT_NOT_FOUND``) before the package was applied.
    """
    tenant = await platform.tenant(package.tenant.slug)
    accounts = await seed_people(platform, tenant, package, secrets_path)
    await seed_workforce(platform, tenant, package)
    rest = await seed_world(platform, package, progress)
    return replace(rest, accounts=accounts)


async def seed_world(platform: Platform, package: TenantPackage, progress: Told) -> Seeded:
    """Organisations, residents, patrols, visits and events, by the demo accounts that are there;
    then what the plugins add."""
    slug = package.tenant.slug
    tenant = await platform.tenant(slug)
    cast = await load_cast(platform, tenant, package)
    organisations = await seed_organisations(platform, tenant, package, cast)
    residents = await seed_residents(platform, tenant, cast)
    rounds = await seed_rounds(platform, tenant, package, cast)
    steps = 0
    events = sorted(package.demo.events, key=lambda row: -row.days_ago)
    async with open_workers() as workers:
        teller = Storyteller(platform, tenant, package, workers)
        await teller.open()
        for number, row in enumerate(events, start=1):
            steps += await teller.tell(row, cast)
            progress(Progress(slug, number, len(events)))
    added = await fill_plugins(platform, package) if package.tenant.demo else {}
    rows = sum(added.values())
    return Seeded(slug, 0, organisations, steps, rows, rounds, residents)
