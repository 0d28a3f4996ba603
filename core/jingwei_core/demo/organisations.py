"""Demo organisations (演示单位), entered in the register by the demo account that may."""

from jingwei_core.commands.bus import Call, execute
from jingwei_core.demo.people import Cast
from jingwei_core.platform import Platform
from jingwei_core.registers.commands import register_organisation
from jingwei_core.session import Request
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

PERMISSION = "organisation.write"


async def seed_organisations(
    platform: Platform, tenant: Tenant, package: TenantPackage, cast: Cast
) -> int:
    """Enter those of the package that are not there yet; how many were."""
    async with platform.database.unit(tenant.id) as unit:
        places = {r["code"]: r for r in await unit.fetch("SELECT code, id, path FROM core.place")}
        rows = await unit.fetch(
            "SELECT request_id FROM core.audit_entry"
            " WHERE command = 'organisation.register' AND request_id LIKE 'seed:%'"
        )
    known = {row["request_id"] for row in rows}
    made = 0
    for row in package.demo.organisations:
        request = Request(request_id=f"seed:{row.code}")
        place = places[row.place]
        clerk = cast.who_may(PERMISSION, place["path"])
        if request.request_id in known or clerk is None:
            continue
        given = {"place_id": place["id"], "name": row.name_zh, "kind": row.category}
        call = Call(declaration(register_organisation), given)
        await execute(platform, tenant, clerk.identity, call, request)
        made += 1
    return made
