"""The states of tenants (租户状态) as one process knows them, and how a switch of plugins arrives.

A state is read again when it is older than :data:`SNAPSHOT_AGE_S`. A process that serves listens as
well: then a switch is seen at once, and whoever has something to warm does so before the new set
counts. Meanwhile the old set goes on, so nobody waits for what a switch makes necessary.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from jingwei_core.access.call_limits import UNSTATED, CallLimits, stored_limits
from jingwei_core.database.engine import Database
from jingwei_core.database.lanes import NIL
from jingwei_core.database.reading import bound_trip
from jingwei_core.database.unit import open_unit_or_none
from jingwei_core.plugins.off import Off
from jingwei_core.plugins.snapshot import PLUGINS_JSON, Snapshot
from jingwei_core.plugins.tenant_settings import TenantSettings
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Denied, NotFound

SNAPSHOT_AGE_S = 1.0
"""How old the copy of a tenant's state may be where nobody listens."""
WARM_WITHIN_S = 1.0
"""A new set of plugins counts after this time even if it is not warm."""
CHANNEL = "jingwei_plugins"

_STATE = f"""(
SELECT json_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'timezone', t.timezone,
       'status', t.status, 'limits', t.limits, {PLUGINS_JSON})
  FROM platform.tenant t WHERE t.slug = {{slug}})"""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TenantState:
    """A tenant as the platform's tables say: its status, its plugins, its limits."""

    tenant: Tenant
    status: str
    snapshot: Snapshot = field(default_factory=Snapshot)
    limits: CallLimits = UNSTATED

    @property
    def enabled(self) -> frozenset[str]:
        """The plugins that may be served to it here."""
        return self.snapshot.enabled

    @property
    def settings(self) -> Mapping[str, Mapping[str, Any]]:
        """Its settings of plugins, by plugin id, without secrets."""
        return self.snapshot.settings

    @property
    def typed(self) -> TenantSettings:
        """Its settings of plugins as the structs of the plugins."""
        return self.snapshot.typed

    @property
    def held_back(self) -> Mapping[str, Off]:
        """Why some plugins that it has on are not served by this process."""
        return self.snapshot.held_back

    def require_active(self) -> None:
        """Raise ``Denied`` (``TENANT_SUSPENDED``) for a tenant that may not be used."""
        if self.status != "active":
            raise Denied("TENANT_SUSPENDED", tenant=self.tenant.slug)


Warm = Callable[[TenantState], Awaitable[object]]
"""Makes ready what requests of a tenant in this state will need."""
ReadSnapshot = Callable[[uuid.UUID, Mapping[str, Any]], Snapshot]
"""Makes the snapshot of a tenant from its row."""


@dataclass(slots=True)
class _Kept:
    read_at: float
    state: TenantState


class TenantStates:
    """What one process knows of its tenants."""

    def __init__(self, database: Database, read_snapshot: ReadSnapshot) -> None:
        self._database = database
        self._read_snapshot = read_snapshot
        self._kept: dict[str, _Kept] = {}
        self._slugs: dict[uuid.UUID, str] = {}
        self._reading: dict[str, asyncio.Future[TenantState]] = {}
        self._swapping: dict[str, asyncio.Task[None]] = {}
        self._warming: list[Warm] = []
        self._told: list[Callable[[TenantState], None]] = []
        self._subscribers: list[asyncio.Queue[tuple[uuid.UUID, int]]] = []
        self._changed: set[str] = set()
        self._has_changed = asyncio.Event()
        self._numbers: dict[uuid.UUID, int] = {}
        self._names: frozenset[str] = frozenset()
        self._names_read_at = float("-inf")
        self._forgotten = 0

    def warm_before(self, warm: Warm) -> None:
        """Call ``warm`` with each new set of plugins of a tenant in use, before it counts."""
        self._warming.append(warm)

    def tell(self, told: Callable[[TenantState], None]) -> None:
        """Call ``told`` with each state that was read, before anybody is given it."""
        self._told.append(told)

    async def state(self, slug: str) -> TenantState:
        """The tenant's state; raises ``NotFound`` (``TENANT_NOT_FOUND``)."""
        kept = self._kept.get(slug)
        if kept is not None and time.monotonic() - kept.read_at < SNAPSHOT_AGE_S:
            return kept.state
        if open_unit_or_none() is not None:
            return await self._read(slug)  # the unit may have changed it, and may undo it
        if kept is None and self._is_nobody(slug):
            raise NotFound("TENANT_NOT_FOUND", tenant=slug)
        reading = self._reading.get(slug)
        if reading is None:
            # Whoever asks meanwhile shares the answer.
            reading = self._reading[slug] = asyncio.ensure_future(self._renew(slug))
            reading.add_done_callback(lambda done: self._has_read(slug, done))
        return await asyncio.shield(reading)

    async def by_id(self, tenant_id: uuid.UUID) -> TenantState:
        """The state of the tenant with this id; raises ``NotFound`` (``TENANT_NOT_FOUND``)."""
        slug = self._slugs.get(tenant_id)
        if slug is None:
            async with self._database.platform() as unit:
                slug = await unit.fetchval(
                    "SELECT slug FROM platform.tenant WHERE id = $1", tenant_id
                )
        if slug is None:
            raise NotFound("TENANT_NOT_FOUND", tenant=str(tenant_id))
        return await self.state(slug)

    def forget(self) -> None:
        """Drop every copy, after this process changed something itself: what is asked next is read
        anew and counts at once."""
        self._forgotten += 1
        self._kept.clear()
        self._reading.clear()
        self._names_read_at = float("-inf")

    async def changes(self) -> AsyncIterator[tuple[uuid.UUID, int]]:
        """Each tenant in use whose plugins changed, with the number of its new snapshot, once this
        process serves it; only while :meth:`follow` runs."""
        inbox: asyncio.Queue[tuple[uuid.UUID, int]] = asyncio.Queue()
        self._subscribers.append(inbox)
        try:
            while True:
                yield await inbox.get()
        finally:
            self._subscribers.remove(inbox)

    async def follow(self) -> None:
        """Listen for switches of plugins until cancelled, through lost connections."""
        renewing = asyncio.create_task(self._renew_changed())
        try:
            async for payload in self._database.listen(CHANNEL):
                self._hear(payload)
        finally:
            swaps = [renewing, *self._swapping.values()]
            for task in swaps:
                task.cancel()
            await asyncio.gather(*swaps, return_exceptions=True)

    def _hear(self, payload: str | None) -> None:
        if payload is None:
            # Listening begins: what was told before is unknown, so everything is old.
            self._changed |= self._kept.keys()
        else:
            with suppress(ValueError, KeyError):
                self._changed.add(self._slugs[uuid.UUID(payload.partition(" ")[0])])
        if self._changed:
            self._has_changed.set()

    async def _renew_changed(self) -> None:
        """Read what changed, one tenant at a time, those that were in use last first."""
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            while self._changed & self._kept.keys():
                slug = max(self._changed & self._kept.keys(), key=lambda s: self._kept[s].read_at)
                self._changed.discard(slug)
                self._kept[slug].read_at = float("-inf")
                try:
                    await self.state(slug)
                except Exception as error:  # noqa: BLE001 - who asks next reads it again, and is told
                    _log.warning("state_unread", tenant=slug, error=type(error).__name__)
                swap = self._swapping.get(slug)
                if swap is not None:
                    await asyncio.wait({swap})
            self._changed.clear()

    def _has_read(self, slug: str, done: "asyncio.Future[TenantState]") -> None:
        if self._reading.get(slug) is done:
            del self._reading[slug]
        if not done.cancelled():
            done.exception()  # whoever waited was told; a reader that went away need not be

    async def _renew(self, slug: str) -> TenantState:
        asked_at, forgotten = time.monotonic(), self._forgotten
        try:
            new = await self._read(slug)
        except NotFound:
            if time.monotonic() - self._names_read_at >= SNAPSHOT_AGE_S:
                await self._read_names()
            raise
        if forgotten != self._forgotten:
            return new  # read before a change of this process: no copy for others
        old = self._kept.get(slug)
        if old is None or not self._warming or old.state.enabled == new.enabled:
            self._keep(slug, asked_at, new)
            return new
        breakers = new.snapshot.open_breakers
        still = replace(new, snapshot=replace(old.state.snapshot, open_breakers=breakers))
        self._kept[slug] = _Kept(asked_at, still)
        if slug not in self._swapping:
            self._swapping[slug] = asyncio.create_task(self._swap(slug, new))
        return still

    def _is_nobody(self, slug: str) -> bool:
        """Whether the names that were read lately do without this one. Names that nobody has cost
        one look at all of them in :data:`SNAPSHOT_AGE_S`, however many are asked for."""
        is_fresh = time.monotonic() - self._names_read_at < SNAPSHOT_AGE_S
        return is_fresh and slug not in self._names

    async def _read_names(self) -> None:
        asked_at, forgotten = time.monotonic(), self._forgotten
        async with self._database.platform() as unit:
            rows = await unit.fetch("SELECT slug FROM platform.tenant")
        if forgotten == self._forgotten:
            self._names, self._names_read_at = frozenset(row["slug"] for row in rows), asked_at

    async def _swap(self, slug: str, new: TenantState) -> None:
        asked_at, forgotten = time.monotonic(), self._forgotten
        try:
            async with asyncio.timeout(WARM_WITHIN_S):
                for warm in self._warming:
                    await warm(new)
        except Exception as error:  # noqa: BLE001 - the first request does it, and is told
            _log.warning("not_warmed_up", tenant=slug, error=type(error).__name__)
        finally:
            del self._swapping[slug]
        if forgotten == self._forgotten:
            self._keep(slug, asked_at, new)

    def _keep(self, slug: str, read_at: float, state: TenantState) -> None:
        self._kept[slug] = _Kept(read_at, state)
        tenant_id, number = state.tenant.id, state.snapshot.number
        before, self._numbers[tenant_id] = self._numbers.get(tenant_id, number), number
        if before != number:
            for inbox in self._subscribers:
                inbox.put_nowait((tenant_id, number))

    async def _read(self, slug: str) -> TenantState:
        if open_unit_or_none() is None:
            # The platform's tables are nobody's in particular, so nobody is bound: one round trip.
            sql = bound_trip(_STATE.format(slug="$2"))
            answer = await self._database.ask(NIL, sql, (slug,))
        else:
            async with self._database.platform() as unit:
                answer = await unit.fetchval(f"SELECT {_STATE.format(slug='$1')}::text", slug)
        if answer is None:
            self._kept.pop(slug, None)
            raise NotFound("TENANT_NOT_FOUND", tenant=slug)
        row = json.loads(answer)
        tenant = Tenant(uuid.UUID(row["id"]), row["slug"], row["name"], ZoneInfo(row["timezone"]))
        self._slugs[tenant.id] = slug
        snapshot = self._read_snapshot(tenant.id, row)
        state = TenantState(tenant, row["status"], snapshot, stored_limits(row["limits"]))
        for told in self._told:
            told(state)
        return state
