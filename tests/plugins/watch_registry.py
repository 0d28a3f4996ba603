"""A process of its own: says when a tenant's registry has a plugin, and when it has it no more.

python watch_registry.py SLUG PLUGIN     settings come from the environment
"""

import asyncio
import sys

from jingwei_core.platform import Platform, open_platform
from jingwei_core.settings import Settings


async def wait_for(platform: Platform, slug: str, plugin: str, *, present: bool) -> None:
    tenant = await platform.tenant(slug)
    while True:
        registry = await platform.registry(tenant.id)
        if (plugin in registry.enabled) is present:
            return
        await asyncio.sleep(0.02)


async def watch(slug: str, plugin: str) -> None:
    async with open_platform(Settings()) as platform:
        for present in (True, False):
            await wait_for(platform, slug, plugin, present=not present)
            sys.stdout.write("watching\n")
            sys.stdout.flush()
            await wait_for(platform, slug, plugin, present=present)
            sys.stdout.write("on\n" if present else "off\n")
            sys.stdout.flush()


asyncio.run(watch(*sys.argv[1:]))
