"""Tenants in the platform's list, for tests that need no package."""

import uuid
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from jingwei_core.access.tables import Role
from jingwei_core.database.unit import Unit
from jingwei_core.platform import Platform
from jingwei_core.session import system_context
from jingwei_sdk.context import Tenant

ZONE = "Asia/Shanghai"


async def list_tenant(
    unit: Unit, slug: str, plugins: Iterable[str] = (), *, tenant_id: uuid.UUID | None = None
) -> Tenant:
    """A tenant that is called as its slug, with these plugins switched on."""
    tenant = Tenant(tenant_id or uuid.uuid4(), slug, slug, ZoneInfo(ZONE))
    await unit.execute(
        "INSERT INTO platform.tenant (id, slug, name, timezone) VALUES ($1, $2, $2, $3)",
        tenant.id,
        slug,
        ZONE,
    )
    await unit.executemany(
        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled) VALUES ($1, $2, true)",
        [(tenant.id, plugin) for plugin in plugins],
    )
    return tenant


async def add_hands(platform: Platform, slug: str) -> None:
    """A role that may take every step of an event: a plugin's workflow works in the tenant."""
    async with system_context(platform, await platform.tenant(slug), "test") as ctx:
        await ctx.data.insert(Role(code="all", name="all", permissions=["event.*"]))
