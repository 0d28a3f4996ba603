"""Booting a platform with one plugin for its tests: the entry point of ``jingwei.testing``."""

import asyncio
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from jingwei_api.testing.captures import ChannelRecorder, HookRecorder, Queues, Statements, Wire
from jingwei_api.testing.cities import KitCity
from jingwei_api.testing.clock import StandingClock
from jingwei_api.testing.evidence import PhotoBox
from jingwei_api.testing.folders import new_folder, remove_left_over
from jingwei_api.testing.graphql_client import KitClient
from jingwei_api.testing.sight import Sight
from jingwei_api.testing.template import CITIES, started
from jingwei_core.database import Database, open_database
from jingwei_core.database.migrate import migrate
from jingwei_core.database.migration_apps import installed_apps
from jingwei_core.platform import Platform, assemble
from jingwei_core.plugins.discovery import Installed, discover
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Refused
from jingwei_sdk.plugin import ENTRY_POINT_GROUP, Plugin
from jingwei_sdk.testing.contract import PluginUnderTest, Switched


@dataclass(frozen=True, eq=False)
class KitScene:
    """One test's platform; see the kit's contract."""

    city: KitCity
    other_city: KitCity
    client: KitClient
    clock: StandingClock
    evidence: PhotoBox
    hooks: HookRecorder
    jobs: Queues
    channels: ChannelRecorder
    wire: Wire
    sight: Sight
    before: Mapping[str, int]
    usual: Any

    def counting(self) -> AbstractContextManager[Statements]:
        """Note the statements that are sent while the block runs."""
        return self.wire.counting()

    async def leaks(self) -> Sequence[str]:
        """What of this test the other city can see."""
        return await self.sight.leaks(self.city, self.other_city, self.before, self.usual)


@dataclass(frozen=True, eq=False)
class KitPlatform:
    """A platform with one plugin; what it stands on ends with it."""

    plugin: Plugin
    database: Database
    platform: Platform
    recorder: HookRecorder
    sight: Sight
    resources: AsyncExitStack
    took_s: float

    @asynccontextmanager
    async def scene(self, switched: Switched) -> AsyncIterator[KitScene]:
        """The platform for one test; nothing of it is kept."""
        self.recorder.calls.clear()
        wire = Wire()
        channels = ChannelRecorder()
        with wire.attached(), channels.attached():
            async with self.database.rehearsal() as rehearsed:
                clock = self._renew(rehearsed)
                cities = [KitCity(self.platform, await self.platform.tenant(s)) for s in CITIES]
                how = await self._switch(cities, switched)
                before = await self.sight.counts(cities[1])
                usual = await self.sight.usual(cities[1], how)
                yield KitScene(
                    city=cities[0],
                    other_city=cities[1],
                    client=self.sight.client,
                    clock=clock,
                    evidence=PhotoBox(self.platform),
                    hooks=self.recorder,
                    jobs=Queues(cities),
                    channels=channels,
                    wire=wire,
                    sight=self.sight,
                    before=before,
                    usual=usual,
                )
        evidence = self.platform.settings.data_dir / "evidence"
        await asyncio.to_thread(shutil.rmtree, evidence, ignore_errors=True)

    async def close(self) -> None:
        """Stop all that was started for it."""
        await self.resources.aclose()

    def _renew(self, database: Database) -> StandingClock:
        """Make the platform as if it had just been opened over this database, and its clock."""
        fresh = Platform(database, self.platform.host, self.platform.store)
        clock = StandingClock()
        fresh.clock = clock
        # The same object: the executor keeps its schemas, which take longer than a test.
        vars(self.platform).update(vars(fresh))
        return clock

    async def _switch(self, cities: Sequence[KitCity], switched: Switched) -> str:
        """Bring the plugin to how the test wants it; a word for how the other city has it."""
        first, other = cities
        if switched.settings:
            await first.switch(self.plugin.id, enabled=True, settings=switched.settings)
        if not switched.is_on_in_other:
            await other.switch(self.plugin.id, enabled=False, settings={})
            return "off"
        if switched.settings:
            await other.switch(self.plugin.id, enabled=True, settings=switched.settings)
        return f"on {dict(switched.settings)!r}"


class Provider:
    """Boots platforms; see the kit's contract."""

    async def boot(self, plugin: PluginUnderTest) -> KitPlatform:
        """A platform on which the plugin's migrations have run, switched on in both cities.

        Raises ``Refused`` (``PLUGIN_OFF``), ``MigrationRefused``, ``Unavailable``.
        """
        began = time.monotonic()
        installed = found_with_needs(plugin)
        recorder = HookRecorder()
        resources = AsyncExitStack()
        try:
            await asyncio.to_thread(remove_left_over)
            folder = new_folder()
            resources.callback(shutil.rmtree, folder, ignore_errors=True)
            server, settings = await started(folder)
            resources.callback(server.stop)
            listening = [_recorded(found, plugin.id, recorder) for found in installed]
            database, platform = await _opened(settings, listening, resources)
            await _enable(platform, [found.id for found in installed])
        except BaseException:
            await resources.aclose()
            raise
        (tested,) = (found.plugin for found in listening if found.id == plugin.id and found.plugin)
        sight = Sight(tested, KitClient(platform))
        took_s = time.monotonic() - began
        return KitPlatform(tested, database, platform, recorder, sight, resources, took_s)


def provide() -> Provider:
    """What the entry point names."""
    return Provider()


def found_with_needs(plugin: PluginUnderTest) -> list[Installed]:
    """The plugin and what it requires, each before those that need it.

    Raises ``Refused`` (``PLUGIN_OFF``) for one that cannot be used, with the reason.
    """
    package = plugin.entry.partition(":")[0].partition(".")[0]
    for folder in (plugin.folder, plugin.folder / "src"):
        # A project that is not installed: its own folder comes first, as in its author's shell.
        if find_spec(package) is None and (folder / package).is_dir():
            sys.path.insert(0, str(folder))
    points = [EntryPoint(plugin.id, plugin.entry, ENTRY_POINT_GROUP)]
    for point in points:
        (found,) = discover([point])
        if found.plugin is None or found.manifest is None:
            raise Refused("PLUGIN_OFF", plugin=found.id, state=found.state, reason=found.reason)
        known = {one.name for one in points}
        for need in found.manifest.needs:
            if need.id not in known:
                points += list(entry_points(group=ENTRY_POINT_GROUP, name=need.id))[:1]
    return discover(points)


def _recorded(found: Installed, plugin_id: str, recorder: HookRecorder) -> Installed:
    if found.id != plugin_id or found.plugin is None:
        return found
    return replace(found, plugin=recorder.listening_to(found.plugin))


async def _opened(
    settings: Settings, installed: Sequence[Installed], resources: AsyncExitStack
) -> tuple[Database, Platform]:
    plugins = [found.plugin for found in installed if found.plugin is not None]
    report = await migrate(settings, installed_apps(plugins))
    for fault in report.faults:
        raise fault.error
    database = await resources.enter_async_context(open_database(settings))
    return database, assemble(database, installed=installed)


async def _enable(platform: Platform, plugin_ids: Sequence[str]) -> None:
    """Switch the plugins on in both cities, those first that others need."""
    order = [one for one in platform.host.order if one in plugin_ids]
    for slug in CITIES:
        city = KitCity(platform, await platform.tenant(slug))
        for plugin_id in order:
            await city.switch(plugin_id, enabled=True, settings={})
        if slug != min(CITIES):
            # What this announces has happened where a test does nothing; in its own city it waits.
            await Queues([city]).run_all()
