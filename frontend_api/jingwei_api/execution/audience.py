"""The audience (订阅者): who may want to know of a change, found without asking each.

A change is offered to those whose permissions reach the row by its place, its owners, its
departments or for being seen by everybody. Being offered is no permission: whether the row is in
sight is decided by the statement that reads it for the subscriber.
"""

import asyncio
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from jingwei_api.execution.notices import Notice, Watch
from jingwei_core.access.loading import Access
from jingwei_core.places.labels import ancestor_paths
from jingwei_core.reading.reaching import EVERYONE
from jingwei_core.registry import Registry
from jingwei_core.session import Identity
from jingwei_sdk.errors import JingweiError, Unavailable

WAITING_AT_MOST = 1000
"""Changes one subscriber may be behind before its stream ends with ``SUBSCRIPTION_LAGGED``."""

AT_ONCE = 4
"""Changes that are read side by side for one subscriber."""

ROOT = "/"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a subscriber stands: what its account may do, and the path of the place that it asked
    for; ``None`` for a place out of its sight."""

    access: Access
    under: str | None = ROOT

    def keys(self, registry: Registry) -> set[str]:
        """The ways that may lead to this subscriber."""
        permissions = self.access.permissions
        found = {EVERYONE, str(self.access.account_id)}
        found.update(str(one) for one in self.access.department_ids | self.access.covers)
        for read in {record.read for record in registry.records.values()}:
            found.update(permissions.paths(read))
        return found


class Follower:
    """A subscription: what waits for it, and why it ended, if it did. It holds nothing else."""

    __slots__ = (
        "_failure",
        "_waiter",
        "_waiting",
        "enabled",
        "ends_at",
        "identity",
        "keys",
        "position",
        "registry",
        "tenant",
        "watch",
    )

    def __init__(self, registry: Registry, tenant: uuid.UUID, who: Identity, watch: Watch) -> None:
        self.registry = registry
        self.tenant = tenant
        self.identity = who
        self.watch = watch
        self.ends_at: datetime | None = None
        self.enabled: frozenset[str] = frozenset()
        self.position: Position | None = None
        self.keys: frozenset[str] = frozenset()
        self._waiting: deque[Notice] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._failure: JingweiError | None = None

    def wants(self, notice: Notice) -> bool:
        """Whether it asked for such a change and may read such rows anywhere."""
        record = self.registry.records.get(notice.record)
        if record is None or self.position is None:
            return False
        if self.watch.records is not None and notice.record not in self.watch.records:
            return False
        under = self.position.under
        if under is None or not (under == ROOT or (notice.path or "").startswith(under)):
            return False
        return self.position.access.permissions.allows(record.read)

    def offer(self, notice: Notice) -> None:
        """Let a change wait; too many end the subscription."""
        if len(self._waiting) >= WAITING_AT_MOST:
            self.end(Unavailable("SUBSCRIPTION_LAGGED", limit=WAITING_AT_MOST))
            return
        self._waiting.append(notice)
        self._wake()

    def end(self, failure: JingweiError) -> None:
        """Let the subscription end with an error, whatever still waits."""
        self._failure = self._failure or failure
        self._wake()

    async def next(self) -> list[Notice]:
        """The next changes, at least one and at most :data:`AT_ONCE`; raises why the subscription
        ended."""
        while True:
            if self._failure is not None:
                raise self._failure
            if self._waiting:
                size = min(len(self._waiting), AT_ONCE)
                return [self._waiting.popleft() for _ in range(size)]
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Audience:
    """The followers of one tenant by the ways that lead to them."""

    def __init__(self) -> None:
        self._by_key: dict[str, set[Follower]] = {}
        self.followers: set[Follower] = set()

    def place(self, follower: Follower, position: Position) -> None:
        """Take a follower in, or move it to where it stands now."""
        keys = frozenset(position.keys(follower.registry))
        for key in follower.keys - keys:
            self._leave(follower, key)
        for key in keys - follower.keys:
            self._by_key.setdefault(key, set()).add(follower)
        follower.position, follower.keys = position, keys
        self.followers.add(follower)

    def remove(self, follower: Follower) -> None:
        """Forget a follower."""
        for key in follower.keys:
            self._leave(follower, key)
        follower.keys = frozenset()
        self.followers.discard(follower)

    def reached(self, notice: Notice, reach: Iterable[str]) -> Iterator[Follower]:
        """Those to whom a change may matter."""
        keys: set[str] = set()
        for way in (*reach, notice.path or ""):
            if way.startswith(ROOT):
                keys.update((ROOT, way, *ancestor_paths(way)))
            elif way:
                keys.add(way)
        found: set[Follower] = set()
        for key in keys:
            found |= self._by_key.get(key, set())
        return (follower for follower in found if follower.wants(notice))

    def _leave(self, follower: Follower, key: str) -> None:
        there = self._by_key.get(key)
        if there is not None:
            there.discard(follower)
            if not there:
                del self._by_key[key]
