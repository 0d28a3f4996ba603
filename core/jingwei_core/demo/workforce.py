"""Demo secondments and certificates (示范下派与证件), for the demo accounts that are there."""

import uuid
from collections.abc import Mapping

from jingwei_core.access.tables import Department
from jingwei_core.commands.bus import Call, run
from jingwei_core.places.tables import Place
from jingwei_core.platform import Platform
from jingwei_core.session import CoreContext, Request, system_context
from jingwei_core.tenants.package_model import DemoCertificate, DemoSecondment, TenantPackage
from jingwei_core.workforce.staff_commands import add_certificate, declare_secondment
from jingwei_core.workforce.tables import Certificate, Secondment
from jingwei_sdk.commands import declaration
from jingwei_sdk.context import Tenant

_ACTOR = "demo"
_ACCOUNTS = "SELECT login, id FROM core.account"


async def seed_workforce(platform: Platform, tenant: Tenant, package: TenantPackage) -> int:
    """Declare and enter what is missing; how many rows that were."""
    added = 0
    request = Request(request_id="seed:workforce")
    async with system_context(platform, tenant, _ACTOR, request) as ctx:
        accounts = {row["login"]: row["id"] for row in await ctx.data.fetch(_ACCOUNTS)}
        for row in package.demo.secondments:
            added += await _second(ctx, row, accounts)
        for certificate in package.demo.certificates:
            added += await _certify(ctx, certificate, accounts)
    return added


async def _second(ctx: CoreContext, row: DemoSecondment, accounts: Mapping[str, uuid.UUID]) -> int:
    account = accounts[row.login]
    (place,) = await ctx.data.find(Place, code=row.place)
    (department,) = await ctx.data.find(Department, code=row.department)
    if await ctx.data.find(Secondment, account=account, place_id=place.id):
        return 0
    new = {
        "account_id": account,
        "department_id": department.id,
        "place_id": place.id,
        "weekdays": list(row.weekdays),
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
    }
    await run(ctx, Call(declaration(declare_secondment), new))
    return 1


async def _certify(
    ctx: CoreContext, row: DemoCertificate, accounts: Mapping[str, uuid.UUID]
) -> int:
    if await ctx.data.find(Certificate, kind=row.kind, number=row.number):
        return 0
    new = {
        "account_id": accounts[row.login],
        "kind": row.kind,
        "number": row.number,
        "issuer": row.issuer,
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
    }
    await run(ctx, Call(declaration(add_certificate), new))
    return 1
