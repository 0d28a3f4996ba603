"""Two cities of a few places, organisations and accounts, for the command bus and the reader."""

import uuid
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from jingwei_core.access.tables import Account, Post, Role
from jingwei_core.commands.bus import Answer, Call, execute
from jingwei_core.places.labels import child_path
from jingwei_core.places.tables import Place, PlaceLevel
from jingwei_core.platform import Platform
from jingwei_core.registers.tables import Organisation
from jingwei_core.session import CoreContext, Identity, Request, system_context
from jingwei_core.text import search_text
from jingwei_sdk.context import Tenant
from tests.tenants.listing import list_tenant

LONG_AGO = datetime(2024, 1, 1, tzinfo=UTC)
# 2 and 74 make the labels "2" and "22": the second looks as if it lay below the first.
ORDINALS = {"root": 1, "grid": 2, "sibling": 74}
SECRET = "organisation.secret"
EDITOR = ["place.read", "organisation.read", "organisation.write"]


@dataclass
class City:
    platform: Platform
    tenant: Tenant
    places: dict[str, uuid.UUID] = field(default_factory=dict)
    accounts: dict[str, uuid.UUID] = field(default_factory=dict)

    def identity(self, who: str) -> Identity:
        return Identity(self.accounts[who], 0)

    async def run(self, who: str, name: str, values: dict[str, object], **more: object) -> Answer:
        registry = await self.platform.registry(self.tenant.id)
        call = Call(registry.commands[name], values, **more)  # type: ignore[arg-type]
        request = Request("zh", "request-1")
        return await execute(self.platform, self.tenant, self.identity(who), call, request)

    async def scalar(self, sql: str, *args: object) -> object:
        async with self.platform.database.unit(self.tenant.id) as unit:
            return await unit.fetchval(sql, *args)


async def build(platform: Platform, slug: str) -> City:
    async with platform.database.platform() as unit:
        await list_tenant(unit, slug)
    tenant = (await platform.state(slug)).tenant
    city = City(platform, tenant)
    async with system_context(platform, tenant, "test") as ctx:
        await _places(ctx, city)
        await _accounts(ctx, city)
        await _organisations(ctx, city)
    return city


async def _places(ctx: CoreContext, city: City) -> None:
    for rank, level in enumerate(("city", "grid")):
        await ctx.data.insert(PlaceLevel(code=level, rank=rank, name_zh=level, name_en=level))
    root: Place | None = None
    for name, ordinal in ORDINALS.items():
        place = await ctx.data.insert(
            Place(
                parent=root.id if root else None,
                level="grid" if root else "city",
                ordinal=ordinal,
                path=child_path(root.path if root else None, ordinal),
                depth=1 if root else 0,
                name=name,
                search_text=name,
                source="official",
                valid_from=date(2024, 1, 1),
            )
        )
        root = root or place
        city.places[name] = place.id


async def _accounts(ctx: CoreContext, city: City) -> None:
    roles = {
        "editor": await ctx.data.insert(Role(code="editor", name="编辑", permissions=EDITOR)),
        "reader": await ctx.data.insert(Role(code="reader", name="查看", permissions=EDITOR[:2])),
        "secret": await ctx.data.insert(Role(code="secret", name="保密", permissions=[SECRET])),
    }
    for who, role, place in (
        ("root", "editor", "root"),
        ("worker", "editor", "grid"),
        ("neighbour", "editor", "sibling"),
        ("reader", "reader", "grid"),
        ("mixed", "reader", "root"),
        ("mixed", "secret", "grid"),
    ):
        if who not in city.accounts:
            city.accounts[who] = (await ctx.data.insert(Account(login=who, name=who))).id
        await ctx.data.insert(
            Post(
                place_id=city.places[place],
                account=city.accounts[who],
                role=roles[role].id,
                valid_from=LONG_AGO,
            )
        )


async def _organisations(ctx: CoreContext, city: City) -> None:
    for place, count in (("root", 1), ("grid", 5), ("sibling", 3)):
        for number in range(count):
            name = f"{place}-{number}"
            await ctx.data.insert(
                Organisation(
                    place_id=city.places[place],
                    name=name,
                    # Every second one has no code, so that orders meet NULL.
                    credit_code=None if number % 2 else f"CODE{place}{number}",
                    search_text=search_text(name),
                )
            )
