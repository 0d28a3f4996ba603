"""A city whose staff have phones, and people who may or may not see them."""

import pytest

from jingwei_core.access.tables import Account, Post, Role
from jingwei_core.database.engine import Database
from jingwei_core.platform import assemble
from jingwei_core.session import system_context
from tests.core.runtime.city import LONG_AGO, City, build

STAFF = {
    "clerk": ("root", ["staff.read"]),
    "admin": ("root", ["staff.read", "account.manage", "role.bind"]),
    "chief": ("root", ["staff.read", "staff.reveal"]),
    "grid_chief": ("grid", ["staff.read", "staff.reveal"]),
    "sibling_chief": ("sibling", ["staff.read", "staff.reveal"]),
}
PHONE = "13812345678"


@pytest.fixture
async def city(database: Database) -> City:
    """``worker`` has the phone ``PHONE`` and a post in ``grid``; ``idle`` has one and no post."""
    city = await build(assemble(database), "here")
    async with system_context(city.platform, city.tenant, "test") as ctx:
        for who, (place, permissions) in STAFF.items():
            role = await ctx.data.insert(Role(code=who, name=who, permissions=permissions))
            account = await ctx.data.insert(Account(login=who, name=who))
            city.accounts[who] = account.id
            await ctx.data.insert(
                Post(
                    place_id=city.places[place],
                    account=account.id,
                    role=role.id,
                    valid_from=LONG_AGO,
                )
            )
        idle = await ctx.data.insert(Account(login="idle", name="idle", phone="13900001111"))
        city.accounts["idle"] = idle.id
        worker = await ctx.data.get(Account, city.accounts["worker"])
        await ctx.data.update(worker, phone=PHONE)
    return city
