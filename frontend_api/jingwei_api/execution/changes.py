"""The change feed (变更流): one LISTEN and one dispatcher for each process, shared by all
subscribers. A subscriber that nothing reaches costs nothing but its memory."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Iterable

import structlog

from jingwei_api.execution.audience import ROOT, Audience, Follower, Position
from jingwei_api.execution.hearing import Hearing
from jingwei_api.execution.notices import Notice, PolicyMoved, told_by
from jingwei_api.schema.references import PLACE
from jingwei_core.access.loading import Access
from jingwei_core.database.reading import bound_trip
from jingwei_core.platform import Platform
from jingwei_core.reading.reaching import EVERYONE, reach_of
from jingwei_sdk.errors import JingweiError, Unauthenticated, Unavailable
from jingwei_sdk.records import AtPlace, Record, TenantWide

_POLICY = bound_trip("(SELECT coalesce(max(v.number), 0) FROM core.policy_version v)")
_PLACE_PATH = bound_trip("(SELECT to_json(p.path) FROM core.place p WHERE p.id = $2)")

_log = structlog.get_logger(__name__)


class ChangeFeed:
    """Listens while somebody follows; after ``check_s`` an ended session is noticed."""

    def __init__(self, platform: Platform, check_s: float) -> None:
        self._platform = platform
        self._check_s = check_s
        self._audiences: dict[uuid.UUID, Audience] = {}
        self._told: list[Notice] = []
        self._moved: set[uuid.UUID] = set()
        self._has_news = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._hearing = Hearing(platform.database, self._hear, self._interrupt)

    def start(self) -> None:
        """Begin to hand out what is heard."""
        work = (self._dispatch(), self._check())
        self._tasks = [asyncio.create_task(one) for one in work]

    async def stop(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._hearing.stop()

    async def follow(self, follower: Follower) -> AsyncIterator[list[Notice]]:
        """The changes that may be in a follower's sight, as many as wait but few at once, until its
        session ends; whether they are in sight is decided by whoever reads the rows.

        Raises ``Unauthenticated`` when the account is suspended, signed out or its token expired,
        ``Unavailable`` (``SUBSCRIPTION_PLUGINS``) when a plugin was switched on or off: what the
        subscriber asked for was checked against another schema; ``SUBSCRIPTION_LAGGED``;
        ``SUBSCRIPTION_INTERRUPTED`` when changes may have been missed.
        """
        await self._hearing.join()
        try:
            await self._take_in(follower)
            while True:
                notices = await follower.next()
                await self._require_unchanged(follower)
                yield notices
        finally:
            self._leave(follower)
            self._hearing.leave()

    async def _take_in(self, follower: Follower) -> None:
        state = await self._platform.tenant_by_id(follower.tenant)
        follower.enabled = state.enabled
        position = await self._position(follower)
        # Only now: while it was read, an audience that nobody else listens to would be forgotten.
        self._audiences.setdefault(follower.tenant, Audience()).place(follower, position)

    def _leave(self, follower: Follower) -> None:
        audience = self._audiences.get(follower.tenant)
        if audience is not None:
            audience.remove(follower)
            if not audience.followers:
                del self._audiences[follower.tenant]

    async def _require_unchanged(self, follower: Follower) -> None:
        """Raise why a follower must not be told any more, as far as it is known here."""
        now = self._platform.clock.now()
        if follower.ends_at is not None and follower.ends_at <= now:
            raise Unauthenticated("TOKEN_EXPIRED")
        state = await self._platform.tenant_by_id(follower.tenant)
        state.require_active()
        if state.enabled != follower.enabled:
            raise Unavailable("SUBSCRIPTION_PLUGINS")

    async def _position(self, follower: Follower) -> Position:
        state = await self._platform.tenant_by_id(follower.tenant)
        cache, who = self._platform.access_cache, follower.identity
        now = self._platform.clock.now()
        access = cache.known(follower.tenant, who.account_id, now)
        if access is None or access.epoch != who.epoch:
            access = await cache.load(state.tenant, who, now)
        return Position(access, await self._under(follower, access))

    async def _under(self, follower: Follower, access: Access) -> str | None:
        place = follower.watch.under
        if place is None:
            return ROOT
        answer = await self._platform.database.ask(follower.tenant, _PLACE_PATH, (place,))
        path = answer.decode().strip('"') if answer else None
        read = follower.registry.records[PLACE].read
        return path if path is not None and access.permissions.allows(read, path) else None

    def _hear(self, payload: str) -> None:
        told = told_by(payload)
        if isinstance(told, Notice) and told.tenant in self._audiences:
            self._told.append(told)
            self._has_news.set()
        elif isinstance(told, PolicyMoved) and told.tenant in self._audiences:
            self._moved.add(told.tenant)
            self._has_news.set()

    def _interrupt(self) -> None:
        """After a break changes may be missing, and subscribers must know."""
        for audience in self._audiences.values():
            _end(audience.followers, Unavailable("SUBSCRIPTION_INTERRUPTED"))

    async def _dispatch(self) -> None:
        """Hand out what came; what comes meanwhile waits and goes together."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            moved, self._moved = self._moved, set()
            for tenant in moved:
                await self._minding(tenant, self._look_at(tenant))
            told, self._told = self._told, []
            by_record: dict[tuple[uuid.UUID, str], list[Notice]] = defaultdict(list)
            for notice in told:
                by_record[notice.tenant, notice.record].append(notice)
            for (tenant, name), notices in by_record.items():
                await self._minding(tenant, self._hand_out(tenant, name, notices))

    async def _minding(self, tenant: uuid.UUID, work: Awaitable[None]) -> None:
        """Do what a tenant needs; a fault ends its subscriptions and nobody else's."""
        try:
            await work
        except Exception as error:  # noqa: BLE001 - the feed of all tenants: one ends, it goes on
            _log.error("feed_fault", tenant=str(tenant), error=type(error).__name__)
            if tenant in self._audiences:
                failure = Unavailable("SUBSCRIPTION_INTERRUPTED")
                _end(self._audiences[tenant].followers, failure)

    async def _hand_out(self, tenant: uuid.UUID, name: str, notices: list[Notice]) -> None:
        audience = self._audiences.get(tenant)
        if audience is None:
            return
        try:
            registry = await self._platform.registry(tenant)
            record = registry.records.get(name)
            if record is None:
                return
            ids = list({notice.row_id for notice in notices})
            reach = await reach_of(self._platform.database, registry, record, (tenant, ids))
        except JingweiError as error:
            _log.warning("changes_unread", record=name, code=error.code)
            _end(audience.followers, Unavailable("SUBSCRIPTION_INTERRUPTED"))
            return
        gone = {EVERYONE} if _is_for_everyone(record) else ()
        for notice in notices:
            for follower in audience.reached(notice, reach.get(notice.row_id, gone)):
                follower.offer(notice)

    async def _check(self) -> None:
        """See to it that an ended session does not go on listening, though nothing changes."""
        while True:
            await asyncio.sleep(self._check_s)
            for tenant in list(self._audiences):
                await self._minding(tenant, self._look_at(tenant))

    async def _look_at(self, tenant: uuid.UUID) -> None:
        """Look whether the followers of a tenant may go on, and where they stand now."""
        audience = self._audiences.get(tenant)
        if audience is None:
            return
        try:
            answer = await self._platform.database.ask(tenant, _POLICY, ())
        except JingweiError as error:
            _end(audience.followers, error)
            return
        policy, now = int(answer or 0), self._platform.clock.now()
        for follower in list(audience.followers):
            try:
                await self._require_unchanged(follower)
                at = follower.position
                if at is None or (at.access.policy_version == policy and at.access.holds_at(now)):
                    continue
                await self._move(audience, follower, policy)
            except JingweiError as error:
                follower.end(error)

    async def _move(self, audience: Audience, follower: Follower, policy: int) -> None:
        known = self._platform.access_cache.known(
            follower.tenant, follower.identity.account_id, self._platform.clock.now()
        )
        if known is not None and known.policy_version != policy:
            self._platform.access_cache.drop(follower.tenant, follower.identity.account_id)
        position = await self._position(follower)
        if follower in audience.followers:
            audience.place(follower, position)


def covers(record: Record, access: Access, notice: Notice) -> bool:
    """Whether a row that is gone lay in sight, by its place alone."""
    if not access.permissions.allows(record.read):
        return False
    if _is_for_everyone(record):
        return True
    is_placed = any(isinstance(scope, AtPlace) for scope in record.scope)
    path = notice.path
    return is_placed and path is not None and access.permissions.allows(record.read, path)


def _is_for_everyone(record: Record) -> bool:
    return any(isinstance(scope, TenantWide) for scope in record.scope)


def _end(followers: Iterable[Follower], failure: JingweiError) -> None:
    for follower in followers:
        follower.end(failure)
