"""The platform (平台): everything one process needs, opened once and handed down.

Nothing here is global: a process may open several platforms, as tests do.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import cached_property

from jingwei_core.access.cache import AccessCache
from jingwei_core.access.loading import CompiledSets
from jingwei_core.access.tokens import AccessTokens
from jingwei_core.catalogue import load_core_texts
from jingwei_core.clock import SystemClock
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.database.engine import Database, open_database
from jingwei_core.event_ports import event_ports
from jingwei_core.events.configuration import KnownConfigurations
from jingwei_core.events.opening import EventService
from jingwei_core.events.ports import Ports
from jingwei_core.evidence.evidence_settings import EvidenceSettings
from jingwei_core.evidence.opening import open_store
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.jobs.origins import Origins
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.places.known import KnownPlaces
from jingwei_core.plugins.deny_list import DenyList
from jingwei_core.plugins.dispatcher import Dispatcher
from jingwei_core.plugins.host import Installed, PluginHost, discover
from jingwei_core.plugins.outcomes import outcomes_stored
from jingwei_core.plugins.sealing import Vault
from jingwei_core.plugins.snapshot import Snapshots
from jingwei_core.plugins.watch import PluginWatch, deployment_word, take_over
from jingwei_core.reading.in_sight import RecordsInSight
from jingwei_core.registry import Registry
from jingwei_core.settings import Settings
from jingwei_core.tenant_states import SNAPSHOT_AGE_S, TenantState, TenantStates, Warm
from jingwei_sdk.context import Clock, Events, Records, Tenant
from jingwei_sdk.messages import Catalogue

__all__ = ["SNAPSHOT_AGE_S", "Platform", "TenantState", "assemble", "open_platform"]


class Platform:
    """The running platform; make it with :func:`open_platform`."""

    def __init__(self, database: Database, host: PluginHost, store: ObjectStore) -> None:
        self.database = database
        self.settings: Settings = database.settings
        self.host = host
        self.hooks = Dispatcher()
        self.store = store
        self.clock: Clock = SystemClock()
        self.queue = JobQueue(_origins(host, self.settings))
        self.events: Events = EventService()
        self.event_ports: Ports = event_ports()
        self.records: Records = RecordsInSight()
        lifetime = timedelta(seconds=self.settings.access_token_s)
        self.tokens = AccessTokens(self.settings.secret(), lifetime)
        self.permission_sets = CompiledSets()
        self.configurations = KnownConfigurations(database)
        self.places = KnownPlaces()
        self.access_cache = AccessCache(database, self.permission_sets)
        self.command_secret = self.settings.derived_secret("command-key").encode()
        self.cursor_secret = self.settings.derived_secret("cursor").encode()
        self.person_secret = self.settings.derived_secret("person-number").encode()
        self.vault = Vault(self.settings)
        self.catalogue = _catalogue(host)
        snapshots = Snapshots(lambda: self.host, self.vault)
        self.states = TenantStates(database, snapshots.read)
        self.states.tell(self._learn)
        self._watch = PluginWatch(database, lambda: self.host)

    @cached_property
    def evidence_settings(self) -> EvidenceSettings:
        """The settings of evidence, read from the environment when they are first asked for."""
        return EvidenceSettings()

    async def state(self, slug: str) -> TenantState:
        """The tenant's state, at most :data:`SNAPSHOT_AGE_S` old.

        Raises ``NotFound`` (``TENANT_NOT_FOUND``).
        """
        return await self.states.state(slug)

    async def tenant_by_id(self, tenant_id: uuid.UUID) -> TenantState:
        """The state of the tenant with this id; raises ``NotFound`` (``TENANT_NOT_FOUND``)."""
        return await self.states.by_id(tenant_id)

    async def tenant(self, slug: str) -> Tenant:
        """The tenant, if it may be used; raises ``NotFound``, ``Denied`` (``TENANT_SUSPENDED``)."""
        state = await self.state(slug)
        state.require_active()
        return state.tenant

    async def registry(self, tenant_id: uuid.UUID) -> Registry:
        """What the tenant's enabled plugins and the core declare."""
        state = await self.tenant_by_id(tenant_id)
        return self.host.registry(state.enabled)

    def forget(self) -> None:
        """Drop copies of tenant states, after this process changed one itself."""
        self.states.forget()

    def warm_before(self, warm: Warm) -> None:
        """Call ``warm`` with the new state of a tenant in use, before a new set of its plugins
        counts in this process."""
        self.states.warm_before(warm)

    def changed_plugins(self) -> AsyncIterator[tuple[uuid.UUID, int]]:
        """Each tenant in use whose plugins changed, and the number of the snapshot that counts now;
        only while :meth:`watching`."""
        return self.states.changes()

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """For as long as a process serves: hear of switches at once, read the deny list again and
        again.

        Raises ``Unavailable`` before it begins: ``PLUGIN_REQUIRED`` when a plugin that this
        deployment requires is off, ``DENY_LIST_UNREADABLE`` when it has a deny list and no version
        of it could ever be read.
        """
        await self._watch.look(is_strict=True)
        self.host.require(self.settings.required_plugins)
        work = (self.states.follow(), self._watch.run())
        tasks = [asyncio.create_task(one) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _learn(self, state: TenantState) -> None:
        self.hooks.outcomes.breakers.learn(state.tenant.id, state.snapshot.open_breakers)


@asynccontextmanager
async def open_platform(settings: Settings) -> AsyncIterator[Platform]:
    """The platform over the settings' database and evidence store.

    Raises ``Unavailable`` when the database or the store cannot be reached.
    """
    async with open_database(settings) as database:
        word = await deployment_word(database)
        platform = assemble(database, word.denied)
        take_over(platform.host, word)
        async with outcomes_stored(platform.hooks.outcomes, database):
            yield platform


def assemble(
    database: Database,
    denied: DenyList | None = None,
    *,
    installed: Sequence[Installed] | None = None,
) -> Platform:
    """A platform over an open database, with the plugins installed on this machine; those on the
    deny list are not imported. ``installed`` are the plugins instead."""
    found = discover(denied=denied) if installed is None else installed
    host = PluginHost(core_contribution(), found, core_manifest=core_manifest())
    return Platform(database, host, open_store(database.settings))


def _origins(host: PluginHost, settings: Settings) -> Origins:
    versions = host.versions()
    packages = [(host.core, "")]
    packages += [(one.plugin, versions[one.id]) for one in host.installed() if one.plugin]
    return Origins(packages, settings.plugin_jobs_waiting, settings.plugin_jobs_together)


def _catalogue(host: PluginHost) -> Catalogue:
    catalogue = Catalogue()
    load_core_texts(catalogue)
    host.load_texts(catalogue)
    return catalogue
