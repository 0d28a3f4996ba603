"""A scene of GraphQL (场景): two cities, chosen plugins, accounts that ask without HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from jingwei_api.app import make_services
from jingwei_api.execution.operation import Runtime
from jingwei_api.settings import ApiSettings
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import Installed, PluginHost
from jingwei_sdk.manifest import Manifest, PermissionText
from jingwei_sdk.plugin import Plugin
from tests.api.planning.conftest import Asker
from tests.api.world import World

TEXTS = {"name_zh": "证明", "name_en": "Proof", "description_zh": "测试", "description_en": "Tests"}


def found(plugin: Plugin, *codes: str, **manifest: Any) -> Installed:
    """A plugin as the host finds it, with a manifest of SDK 1.0 and these permissions."""
    told = {"sdk": ">=1.0,<2", "version": "1.2.0", "licence": "Apache-2.0", **TEXTS, **manifest}
    permissions = tuple(PermissionText(code, code, code) for code in codes)
    return Installed(
        plugin.id, "available", Manifest(plugin.id, permissions=permissions, **told), plugin
    )


@dataclass
class GraphQLScene:
    """The two cities; ``chief`` may do everything, ``worker`` reads in one grid."""

    platform: Platform
    world: World

    @asynccontextmanager
    async def having(
        self, installed: Sequence[Installed], enabled: Mapping[str, Sequence[str]], **limits: Any
    ) -> AsyncIterator["Asking"]:
        """These plugins are installed, and each city (by slug) has some of them on."""
        before = self.platform.host
        self.platform.host = PluginHost(before.core, installed)
        await self.switch(enabled)
        try:
            runtime = Runtime(self.platform, cast(Any, None), cast(Any, None))
            services = make_services(runtime, ApiSettings(cost_per_minute=0, **limits))
            yield Asking(self, services.executor)
        finally:
            self.platform.host = before
            await self.switch({})

    async def switch(self, enabled: Mapping[str, Sequence[str]]) -> None:
        """Each city has these plugins on and no others."""
        async with self.platform.database.owner() as unit:
            await unit.execute("DELETE FROM platform.plugin_state")
            for city in (self.world.yichang, self.world.changzhi):
                for plugin in enabled.get(city.slug, ()):
                    await unit.execute(
                        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled)"
                        " VALUES ($1, $2, true)",
                        city.id,
                        plugin,
                    )
        self.platform.forget()


@dataclass
class Asking:
    """Accounts that ask one executor."""

    scene: GraphQLScene
    executor: Any

    def by(self, slug: str, login: str = "chief") -> Asker:
        """Somebody of a city; call it with a document and variables."""
        return Asker(self.executor, getattr(self.scene.world, slug), login)
