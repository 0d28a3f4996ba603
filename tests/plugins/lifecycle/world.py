"""Two wards (街区) in a database of their own, for the life of one plugin in the first of them."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.database import Database, open_database
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost, discover
from jingwei_core.session import Identity, Request, account_context, system_context
from jingwei_core.settings import Settings
from jingwei_sdk.context import Tenant
from tests.plugins.lifecycle.ward_book.book import installed
from tests.tenants.listing import list_tenant

SLUGS = ("east", "west")


@dataclass
class Ward:
    """A tenant with one place and one account, which may do all that the book offers."""

    platform: Platform
    tenant: Tenant
    keeper: uuid.UUID
    place: uuid.UUID

    async def fetch(self, sql: str, *args: object) -> list[Any]:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await unit.fetch(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        return (await self.fetch(sql, *args))[0][0]

    async def run(self, name: str, target: uuid.UUID | None = None, /, **given: object) -> Answer:
        registry = await self.platform.registry(self.tenant.id)
        call = Call(registry.commands[name], given, target)
        identity = Identity(self.keeper, 0)
        return await execute(self.platform, self.tenant, identity, call, Request("zh", "test"))

    def account(self) -> Any:
        identity = Identity(self.keeper, 0)
        return account_context(self.platform, self.tenant, identity, Request("zh", "test"))

    def system(self) -> Any:
        return system_context(self.platform, self.tenant, "test", Request("zh", "test"))

    def seen_by(self, platform: Platform) -> "Ward":
        """The same ward through another process's platform."""
        return Ward(platform, self.tenant, self.keeper, self.place)


@dataclass
class Wards:
    """Both wards, over one database."""

    database: Database
    east: Ward
    west: Ward

    async def owner(self, sql: str, *args: object) -> list[Any]:
        """Rows of a statement that sees every tenant."""
        async with self.database.owner() as unit:
            return await unit.fetch(sql, *args)

    def platform_of(self, *others: Installed) -> Platform:
        """A process of its own, with these plugins beside the shipped ones."""
        return platform_over(self.database, others)


def platform_over(database: Database, others: Sequence[Installed]) -> Platform:
    """A platform with these plugins beside the shipped ones."""
    host = PluginHost(core_contribution(), [*discover(), *others], core_manifest=core_manifest())
    return Platform(database, host, open_store(database.settings))


@asynccontextmanager
async def wards_in(settings: Settings, book: Installed | None = None) -> AsyncIterator[Wards]:
    """Two wards in a migrated database; nothing is switched on."""
    found = book or installed()
    plugins = [each.plugin for each in (*discover(), found) if each.plugin is not None]
    report = await migrate(settings, installed_apps(plugins))
    assert report.faults == ()
    async with open_database(settings) as database:
        platform = platform_over(database, [found])
        east, west = [await _ward(platform, slug) for slug in SLUGS]
        yield Wards(database, east, west)


async def _ward(platform: Platform, slug: str) -> Ward:
    async with platform.database.platform() as unit:
        await list_tenant(unit, slug)
    tenant = (await platform.state(slug)).tenant
    ward = Ward(platform, tenant, uuid.uuid4(), uuid.uuid4())
    ward.place = await ward.value(
        "INSERT INTO core.place (code, name, path, level, valid_from)"
        " VALUES ('1', $1, '/1/', 'city', '2020-01-01') RETURNING id",
        slug,
    )
    ward.keeper = await ward.value(
        "INSERT INTO core.account (login, name, phone) VALUES ('keeper', $1, '13900000001')"
        " RETURNING id",
        f"{slug} keeper",
    )
    await ward.fetch(
        "WITH held AS (INSERT INTO core.role (code, name, permissions) VALUES"
        " ('all', 'all', ARRAY['ward.read', 'ward.write', 'place.read']) RETURNING id)"
        " INSERT INTO core.post (account, role, place_id, valid_from)"
        " SELECT $1, id, $2, now() - interval '1 day' FROM held",
        ward.keeper,
        ward.place,
    )
    return ward
