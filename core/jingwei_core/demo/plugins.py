"""Demo rows of plugins (插件演示数据): in a demonstration tenant each plugin fills in its own."""

import random

from jingwei_core.audit.writing import append_audit
from jingwei_core.commands.data import UnitData
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.platform import Platform
from jingwei_core.session import Request, system_context
from jingwei_core.tenants.package_model import TenantPackage
from jingwei_sdk.errors import Refused


async def fill_plugins(platform: Platform, package: TenantPackage) -> dict[str, int]:
    """Let each plugin that the tenant has on add its demo rows; how many each added, by id.

    Each works in a transaction of its own, with the same random numbers every time. Raises
    ``Refused`` (``DEMO_TENANT_ONLY``) for a tenant that is not marked as a demonstration, and
    whatever a plugin raises; what those before it added stays.
    """
    if not package.tenant.demo:
        raise Refused("DEMO_TENANT_ONLY", tenant=package.tenant.slug)
    return await fill_demonstration(platform, package.tenant.slug)


async def fill_demonstration(platform: Platform, slug: str) -> dict[str, int]:
    """The same for a tenant that the caller knows to be a demonstration."""
    tenant = await platform.tenant(slug)
    added: dict[str, int] = {}
    for plugin in (await platform.registry(tenant.id)).plugins:
        if plugin.demo is None:
            continue
        name = f"demo:{plugin.id}"
        async with system_context(platform, tenant, name, Request(request_id=name)) as ctx:
            chance = random.Random(f"{slug} {plugin.id}")  # noqa: S311 - the same every time
            added[plugin.id] = await plugin.demo.fill(given_to(plugin.id, ctx), chance)
            assert isinstance(ctx.data, UnitData)
            if ctx.data.changes:
                await append_audit(ctx, "tenant.demo", None)
    return added
