"""The change feed (变更流): one LISTEN for each process, shared by all subscribers."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import structlog

from jingwei_api.schema import global_id
from jingwei_api.schema.references import PLACE
from jingwei_core.database.engine import Database
from jingwei_core.registry import Registry
from jingwei_core.signals import CHANGES_CHANNEL
from jingwei_sdk.context import Permissions
from jingwei_sdk.errors import Invalid, Unauthenticated, Unavailable
from jingwei_sdk.records import AtPlace, Record, TenantWide

if TYPE_CHECKING:
    from jingwei_api.execution.operation import Operation

WAITING_AT_MOST = 1000
"""Changes one subscriber may be behind before its stream ends with ``SUBSCRIPTION_LAGGED``."""

_PATH = "SELECT path FROM core.place WHERE id = $1"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Notice:
    """A committed change: the source of the GraphQL type ``Change``."""

    tenant: uuid.UUID
    record: str
    row_id: uuid.UUID
    path: str | None
    at: datetime

    @property
    def global_id(self) -> str:
        """The row's global id."""
        return global_id.encode(self.record, self.row_id)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a subscriber asked for."""

    under: uuid.UUID | None
    records: frozenset[str] | None

    @classmethod
    def of(cls, registry: Registry, under: str | None, records: list[str] | None) -> "Watch":
        """Raises ``Invalid``: ``ID_INVALID``, ``ID_OF_OTHER_TYPE``, ``RECORD_NAME_UNKNOWN``."""
        for name in records or ():
            if name not in registry.records:
                raise Invalid("RECORD_NAME_UNKNOWN", field="records", record=name)
        place = global_id.decode_as(PLACE, under, "under") if under else None
        return cls(place, None if records is None else frozenset(records))


@dataclass(eq=False)
class _Subscriber:
    tenant: uuid.UUID
    waiting: asyncio.Queue[Notice] = field(default_factory=lambda: asyncio.Queue(WAITING_AT_MOST))
    has_lagged: bool = False
    was_interrupted: bool = False


class ChangeFeed:
    """Listens while the process lives; after ``check_s`` an ended session is noticed."""

    def __init__(self, database: Database, check_s: float) -> None:
        self._database = database
        self._check_s = check_s
        self._subscribers: dict[uuid.UUID, set[_Subscriber]] = {}
        self._listening: asyncio.Task[None] | None = None
        self._is_ready = asyncio.Event()

    def start(self) -> None:
        """Begin to listen."""
        self._listening = asyncio.create_task(self._listen())

    async def stop(self) -> None:
        """Stop listening."""
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.gather(self._listening, return_exceptions=True)

    async def follow(self, operation: "Operation", watch: Watch) -> AsyncIterator[Notice]:
        """The changes an operation's caller may see, until the caller's session ends.

        Each is yielded with the operation's read context open, which taking the next one closes.
        Raises ``Unauthenticated`` when the account is suspended, signed out or its token expired,
        ``Unavailable`` (``SUBSCRIPTION_PLUGINS``) when a plugin was switched on or off: what the
        subscriber asked for was checked against another schema.
        """
        subscriber = _Subscriber(operation.caller.tenant.id)
        try:
            async with asyncio.timeout(self._check_s):
                await self._is_ready.wait()
        except TimeoutError as error:
            raise Unavailable("SUBSCRIPTION_INTERRUPTED") from error
        everyone = self._subscribers.setdefault(subscriber.tenant, set())
        everyone.add(subscriber)
        try:
            sight = first = await _look(operation, watch)
            checked_at = asyncio.get_running_loop().time()
            while True:
                notice = await self._next(subscriber, checked_at)
                now = asyncio.get_running_loop().time()
                if notice is None or now - checked_at >= self._check_s:
                    sight = await _look(operation, watch)
                    sight.require_plugins_of(first)
                    checked_at = now
                if notice is None or not sight.might_show(notice):
                    continue
                # The sight above is a few seconds old at most; what is sent is decided anew.
                await operation.open()
                if await _look_again(operation, first, notice):
                    yield notice
                await operation.close()
        finally:
            await operation.close()
            everyone.discard(subscriber)
            if not everyone and self._subscribers.get(subscriber.tenant) is everyone:
                del self._subscribers[subscriber.tenant]

    async def _next(self, subscriber: _Subscriber, checked_at: float) -> Notice | None:
        """The next change, or ``None`` when the session has to be looked at again."""
        if subscriber.has_lagged:
            raise Unavailable("SUBSCRIPTION_LAGGED", limit=WAITING_AT_MOST)
        if subscriber.was_interrupted:
            raise Unavailable("SUBSCRIPTION_INTERRUPTED")
        left = checked_at + self._check_s - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(max(left, 0.01)):
                return await subscriber.waiting.get()
        except TimeoutError:
            return None

    async def _listen(self) -> None:
        async for payload in self._database.listen(CHANGES_CHANNEL):
            if payload is None:
                self._begin_again()
                continue
            notice = _notice(payload)
            if notice is not None:
                self._hand_out(notice)

    def _begin_again(self) -> None:
        """Listening began; after a break changes may be missing, and subscribers must know."""
        if self._is_ready.is_set():
            for everyone in self._subscribers.values():
                for subscriber in everyone:
                    subscriber.was_interrupted = True
        self._is_ready.set()

    def _hand_out(self, notice: Notice) -> None:
        for subscriber in self._subscribers.get(notice.tenant, ()):
            try:
                subscriber.waiting.put_nowait(notice)
            except asyncio.QueueFull:
                subscriber.has_lagged = True


@dataclass(frozen=True, slots=True)
class _Sight:
    """What the caller may read, as last looked at; spares a transaction for what is far away."""

    permissions: Permissions
    records: Mapping[str, Record]
    watch: Watch
    under: str | None
    enabled: frozenset[str]

    def require_plugins_of(self, first: "_Sight") -> None:
        if self.enabled != first.enabled:
            raise Unavailable("SUBSCRIPTION_PLUGINS")

    def might_show(self, notice: Notice) -> bool:
        record = self.records.get(notice.record)
        if record is None or (self.watch.records and notice.record not in self.watch.records):
            return False
        if not self.permissions.allows(record.read):
            return False
        return self.watch.under is None or self.covers_under(notice)

    def covers_under(self, notice: Notice) -> bool:
        return self.under is not None and (notice.path or "").startswith(self.under)

    def covers(self, notice: Notice) -> bool:
        """Whether a row that is gone lay in sight, by its place alone."""
        record = self.records[notice.record]
        if any(isinstance(scope, TenantWide) for scope in record.scope):
            return True
        is_placed = any(isinstance(scope, AtPlace) for scope in record.scope)
        return (
            is_placed
            and notice.path is not None
            and self.permissions.allows(record.read, notice.path)
        )


async def _look(operation: "Operation", watch: Watch) -> _Sight:
    await operation.open()
    try:
        return await _sight(operation, watch)
    finally:
        await operation.close()


async def _sight(operation: "Operation", watch: Watch) -> _Sight:
    ctx, records = operation.ctx, operation.registry.records
    ends_at = operation.caller.ends_at
    if ends_at is not None and ends_at <= ctx.clock.now():
        raise Unauthenticated("TOKEN_EXPIRED")
    under = None
    if watch.under is not None:
        found = await operation.reader.by_ids(ctx, records[PLACE], [watch.under])
        if watch.under in found:
            under = await ctx.data.fetchval(_PATH, watch.under)
    return _Sight(ctx.permissions, records, watch, under, ctx.registry.enabled)


async def _look_again(operation: "Operation", first: _Sight, notice: Notice) -> bool:
    sight = await _sight(operation, first.watch)
    sight.require_plugins_of(first)
    if not sight.might_show(notice):
        return False
    record = operation.registry.records[notice.record]
    if await operation.reader.by_ids(operation.ctx, record, [notice.row_id]):
        return True
    return sight.covers(notice)


def _notice(payload: str) -> Notice | None:
    try:
        told = json.loads(payload)
        return Notice(
            uuid.UUID(told["tenant"]),
            str(told["record"]),
            uuid.UUID(told["id"]),
            told["path"],
            datetime.now(UTC),
        )
    except (ValueError, KeyError, TypeError):
        _log.warning("change_unreadable", length=len(payload))
        return None
