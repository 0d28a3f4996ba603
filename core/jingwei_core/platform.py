"""The platform (平台): everything one process needs, opened once and handed down.

Nothing here is global: a process may open several platforms, as tests do.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from jingwei_core.access.cache import AccessCache
from jingwei_core.access.call_limits import UNSTATED, CallLimits, stored_limits
from jingwei_core.access.loading import CompiledSets
from jingwei_core.access.tokens import AccessTokens
from jingwei_core.catalogue import load_core_texts
from jingwei_core.clock import SystemClock
from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.lanes import NIL
from jingwei_core.database.reading import bound_trip
from jingwei_core.database.unit import open_unit_or_none
from jingwei_core.events.configuration import KnownConfigurations
from jingwei_core.events.opening import EventService
from jingwei_core.evidence.opening import open_store
from jingwei_core.evidence.store import ObjectStore
from jingwei_core.jobs.origins import Origins
from jingwei_core.jobs.queue import JobQueue
from jingwei_core.places.known import KnownPlaces
from jingwei_core.plugins.dispatcher import Dispatcher
from jingwei_core.plugins.host import PluginHost, discover
from jingwei_core.plugins.off import Off
from jingwei_core.plugins.plugin_rows import stored_settings
from jingwei_core.plugins.sealing import TenantVault, Vault
from jingwei_core.plugins.standing import standing
from jingwei_core.plugins.tenant_settings import TenantSettings
from jingwei_core.reading.in_sight import RecordsInSight
from jingwei_core.registry import Registry
from jingwei_core.settings import Settings
from jingwei_sdk.context import Clock, Events, Records, Tenant, TypedSettings
from jingwei_sdk.errors import Denied, NotFound
from jingwei_sdk.messages import Catalogue

SNAPSHOT_AGE_S = 1.0
"""How old the copy of a tenant's state may be: a switch is seen everywhere within this time."""


@dataclass(frozen=True, slots=True)
class TenantState:
    """A tenant as the platform's tables say: its status, its enabled plugins, its limits.

    ``held_back`` are those among its switched-on plugins that this process does not serve to it,
    and that are not in ``enabled``; ``typed`` reads settings as structs of the plugins.
    """

    tenant: Tenant
    status: str
    enabled: frozenset[str]
    settings: Mapping[str, Mapping[str, Any]]
    limits: CallLimits = UNSTATED
    typed: TypedSettings | None = field(default=None, repr=False)
    held_back: Mapping[str, Off] = field(default_factory=dict)

    def require_active(self) -> None:
        """Raise ``Denied`` (``TENANT_SUSPENDED``) for a tenant that may not be used."""
        if self.status != "active":
            raise Denied("TENANT_SUSPENDED", tenant=self.tenant.slug)


_STATE = """(
SELECT json_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'timezone', t.timezone,
       'status', t.status, 'limits', t.limits, 'enabled', (
           SELECT coalesce(jsonb_object_agg(p.plugin_id, json_build_object(
                      'data_version', p.data_version, 'settings', p.settings,
                      'settings_version', p.settings_version, 'sealed', p.sealed)), '{{}}')
             FROM platform.plugin_state p WHERE p.tenant_id = t.id AND p.enabled))
  FROM platform.tenant t WHERE t.slug = {slug})"""


class Platform:
    """The running platform; make it with :func:`open_platform`."""

    def __init__(self, database: Database, host: PluginHost, store: ObjectStore) -> None:
        self.database = database
        self.settings: Settings = database.settings
        self.host = host
        self.hooks = Dispatcher()
        self.store = store
        self.clock: Clock = SystemClock()
        self.queue = JobQueue(_origins(host, self.settings.plugin_jobs_waiting))
        self.events: Events = EventService()
        self.records: Records = RecordsInSight()
        lifetime = timedelta(seconds=self.settings.access_token_s)
        self.tokens = AccessTokens(self.settings.secret(), lifetime)
        self.permission_sets = CompiledSets()
        self.configurations = KnownConfigurations(database)
        self.places = KnownPlaces()
        self.access_cache = AccessCache(database, self.permission_sets)
        self.command_secret = self.settings.derived_secret("command-key").encode()
        self.cursor_secret = self.settings.derived_secret("cursor").encode()
        self.vault = Vault(self.settings)
        self.catalogue = _catalogue(host)
        self._by_slug: dict[str, tuple[float, TenantState]] = {}
        self._by_id: dict[uuid.UUID, str] = {}
        self._reading: dict[str, asyncio.Future[TenantState]] = {}

    async def state(self, slug: str) -> TenantState:
        """The tenant's state, at most :data:`SNAPSHOT_AGE_S` old.

        Raises ``NotFound`` (``TENANT_NOT_FOUND``).
        """
        kept = self._known(slug)
        if kept is not None:
            return kept
        if open_unit_or_none() is not None:
            return await self._read(slug)  # the unit may have changed it
        reading = self._reading.get(slug)
        if reading is None:
            # Whoever asks meanwhile shares the answer.
            reading = self._reading[slug] = asyncio.ensure_future(self._read(slug))
            reading.add_done_callback(lambda _: self._reading.pop(slug, None))
        return await asyncio.shield(reading)

    async def _read(self, slug: str) -> TenantState:
        read_at = time.monotonic()
        state = await _read_state(self.database, slug)
        if state is None:
            self._by_slug.pop(slug, None)
            raise NotFound("TENANT_NOT_FOUND", tenant=slug)
        state = self._with_plugins(state)
        self._by_slug[slug] = (read_at, state)
        self._by_id[state.tenant.id] = slug
        return state

    def _with_plugins(self, state: TenantState) -> TenantState:
        """The state with its rows of plugins read: their settings, and who is held back."""
        stored = {plugin: stored_settings(row) for plugin, row in state.settings.items()}
        known = [found for found in self.host.installed() if found.id in stored]
        typed = TenantSettings(known, stored, TenantVault(self.vault, state.tenant.id).open)
        held = {
            found.id: off
            for found in known
            if (off := standing(found, state.settings[found.id]["data_version"])) is not None
        }
        held |= {plugin: Off(plugin, "outdated", why) for plugin, why in typed.misfits.items()}
        return replace(
            state,
            enabled=state.enabled.difference(held),
            settings=typed.shown,
            typed=typed,
            held_back=held,
        )

    async def tenant(self, slug: str) -> Tenant:
        """The tenant, if it may be used; raises ``NotFound``, ``Denied`` (``TENANT_SUSPENDED``)."""
        state = await self.state(slug)
        state.require_active()
        return state.tenant

    def _known(self, slug: str) -> TenantState | None:
        kept = self._by_slug.get(slug)
        if kept is not None and time.monotonic() - kept[0] < SNAPSHOT_AGE_S:
            return kept[1]
        return None

    async def tenant_by_id(self, tenant_id: uuid.UUID) -> TenantState:
        """The state of the tenant with this id; raises ``NotFound`` (``TENANT_NOT_FOUND``)."""
        slug = self._by_id.get(tenant_id)
        if slug is not None:
            kept = self._known(slug)
            if kept is not None:
                return kept
        else:
            async with self.database.platform() as unit:
                slug = await unit.fetchval(
                    "SELECT slug FROM platform.tenant WHERE id = $1", tenant_id
                )
        if slug is None:
            raise NotFound("TENANT_NOT_FOUND", tenant=str(tenant_id))
        return await self.state(slug)

    async def registry(self, tenant_id: uuid.UUID) -> Registry:
        """What the tenant's enabled plugins and the core declare."""
        state = await self.tenant_by_id(tenant_id)
        return self.host.registry(state.enabled)

    def forget(self) -> None:
        """Drop copies of tenant states, after this process changed one itself."""
        self._by_slug.clear()
        self._reading.clear()


@asynccontextmanager
async def open_platform(settings: Settings) -> AsyncIterator[Platform]:
    """The platform over the settings' database and evidence store.

    Raises ``Unavailable`` when the database or the store cannot be reached.
    """
    async with open_database(settings) as database:
        yield assemble(database)


def assemble(database: Database) -> Platform:
    """A platform over an open database, with the plugins installed on this machine."""
    host = PluginHost(core_contribution(), discover(), core_manifest=core_manifest())
    return Platform(database, host, open_store(database.settings))


async def _read_state(database: Database, slug: str) -> TenantState | None:
    if open_unit_or_none() is None:
        # The platform's tables are nobody's in particular, so nobody is bound: one round trip.
        answer = await database.ask(NIL, bound_trip(_STATE.format(slug="$2")), (slug,))
    else:
        async with database.platform() as unit:
            answer = await unit.fetchval(f"SELECT {_STATE.format(slug='$1')}::text", slug)
    if answer is None:
        return None
    row = json.loads(answer)
    tenant = Tenant(uuid.UUID(row["id"]), row["slug"], row["name"], ZoneInfo(row["timezone"]))
    limits = stored_limits(row["limits"])
    return TenantState(tenant, row["status"], frozenset(row["enabled"]), row["enabled"], limits)


def _origins(host: PluginHost, most_waiting: int) -> Origins:
    packages = [(host.core, "")]
    for found in host.installed():
        if found.plugin is not None:
            packages.append((found.plugin, found.manifest.version if found.manifest else ""))
    return Origins(packages, most_waiting)


def _catalogue(host: PluginHost) -> Catalogue:
    catalogue = Catalogue()
    load_core_texts(catalogue)
    host.load_texts(catalogue)
    return catalogue
