"""Two tenants and plugins that hear what a test wants: ``hearing(database, *plugins)``.

The platform, the database and the units are the real ones; only the plugins are made here. A test
database that is rehearsed will do: nothing here depends on a commit.
"""

import json
import uuid
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.database import Database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.dispatcher import Dispatcher
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_core.plugins.outcomes import Outcomes
from jingwei_core.session import CoreContext, system_context
from jingwei_sdk.context import Context
from jingwei_sdk.hooks import Hook
from jingwei_sdk.manifest import Manifest, Scope
from jingwei_sdk.payloads import (
    EventToAssign,
    EventTransition,
    PluginEnabled,
    SubjectExport,
)
from jingwei_sdk.plugin import Plugin

ID = uuid.UUID(int=7)
GIVEN: dict[type[Any], Any] = {
    EventTransition: EventTransition(ID, "A1", "city.road", "close", "done", "closed", True, ID),
    PluginEnabled: PluginEnabled("aaa", "1.0.0"),
    EventToAssign: EventToAssign(ID, "A1", "city.road", "dispatch", ID),
    SubjectExport: SubjectExport("Account", ID),
}
"""Something of each type that a hook is given."""

HERE, THERE = uuid.UUID(int=101), uuid.UUID(int=102)


class HearingPlatform(Platform):
    """A platform with the tenants ``here`` and ``there``; the plugins are on in both."""

    async def enable(self, *plugins: str) -> None:
        """Make the tenants, with these plugins switched on."""
        async with self.database.platform() as unit:
            for tenant_id, slug in ((HERE, "here"), (THERE, "there")):
                await unit.execute(
                    "INSERT INTO platform.tenant (id, slug, name, timezone)"
                    " VALUES ($1, $2, $2, 'Asia/Shanghai') ON CONFLICT DO NOTHING",
                    *(tenant_id, slug),
                )
                for plugin in plugins:
                    await unit.execute(
                        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, version)"
                        " VALUES ($1, $2, true, '1.0.0') ON CONFLICT (tenant_id, plugin_id)"
                        " DO UPDATE SET enabled = true",
                        *(tenant_id, plugin),
                    )
        self.forget()

    async def context(self, slug: str = "here") -> AbstractAsyncContextManager[CoreContext]:
        """A context of the platform itself in that tenant."""
        return system_context(self, await self.tenant(slug), "test")

    async def queued(self, slug: str = "here") -> list[Any]:
        """The payloads of the tenant's reactions that wait, oldest first."""
        async with await self.context(slug) as ctx:
            rows = await ctx.data.fetch(
                "SELECT convert_from(payload, 'UTF8') AS payload FROM jobs.pgqueuer"
                " WHERE tenant_id = $1 ORDER BY id",
                ctx.tenant.id,
            )
        return [json.loads(row["payload"]) for row in rows]


async def hearing(
    database: Database, *plugins: Plugin, outcomes: Outcomes | None = None
) -> HearingPlatform:
    """A platform on which these plugins are installed, and on for both tenants."""
    installed = [Installed(one.id, "available", manifest_of(one), one) for one in plugins]
    host = PluginHost(core_contribution(), installed, core_manifest=core_manifest())
    found = HearingPlatform(database, host, open_store(database.settings))
    found.hooks = Dispatcher(outcomes)
    assert {one.id: one.reason for one in host.installed() if one.state != "available"} == {}
    await found.enable(*(one.id for one in plugins))
    return found


def manifest_of(plugin: Plugin) -> Manifest:
    """A manifest with nothing in it but what has to be."""
    return Manifest(
        id=plugin.id,
        version="1.0.0",
        sdk=">=1,<2",
        name_zh="听",
        name_en="Hears",
        description_zh="听",
        description_en="Hears",
        licence="Apache-2.0",
        requires=plugin.requires,
        scope=Scope.BOTH,
    )


def hears(hook: Hook[Any, Any], answer: Callable[[Any], Any]) -> Callable[..., Any]:
    """A new async implementation of a hook that answers ``answer(given)``."""

    async def implementation(ctx: Context, given: Any) -> Any:
        return answer(given)

    return hook(implementation)
