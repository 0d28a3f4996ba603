"""Limits on calls in a package: of the tenant and of its roles."""

from pathlib import Path
from uuid import UUID

from jingwei_core.access.call_limits import UNSTATED, CallLimits
from jingwei_core.platform import Platform
from jingwei_core.tenants.apply import apply_package
from jingwei_core.tenants.package import load_package
from tests.tenants.small_package import edit

TENANT = UUID("0195f000-0000-7000-8000-000000000001")


async def test_limits_of_the_tenant_and_its_roles_are_applied(
    platform: Platform, folder: Path
) -> None:
    await apply_package(platform, load_package(folder))
    assert (await platform.tenant_by_id(TENANT)).limits == UNSTATED

    edit(folder, "tenant.toml", "[[levels]]", "[limits]\nmax_cost = 900\n\n[[levels]]")
    edit(folder, "roles.toml", "permissions = [", "limits = { max_rows = 500 }\npermissions = [")
    told = await apply_package(platform, load_package(folder), dry_run=True)
    assert told.tenant.changed == {"limits": ("{}", '{"max_cost": 900}')}
    assert (await platform.tenant_by_id(TENANT)).limits == UNSTATED

    await apply_package(platform, load_package(folder))

    assert (await platform.tenant_by_id(TENANT)).limits == CallLimits(max_cost=900)
    async with platform.database.unit(TENANT) as unit:
        stated = await unit.fetchval("SELECT limits::text FROM core.role WHERE limits <> '{}'")
    assert stated == '{"max_rows": 500}'
    assert (await apply_package(platform, load_package(folder))).is_empty
