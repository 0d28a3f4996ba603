"""An operation (操作): one GraphQL document being run for one caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jingwei_api.execution.changes import ChangeFeed, Notice, Watch
from jingwei_core.evidence.commits import Commits
from jingwei_core.platform import Platform
from jingwei_core.reading.reader import RecordReader
from jingwei_core.registry import Registry
from jingwei_core.session import CoreContext, Identity, Request, account_context
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, where, and in which language the answer is read.

    ``ends_at`` is when the token that began a connection is over at the latest.
    """

    tenant: Tenant
    identity: Identity
    request: Request
    ends_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Runtime:
    """What the operations of one process share."""

    platform: Platform
    feed: ChangeFeed
    commits: Commits


@dataclass(frozen=True, slots=True)
class Document:
    """What a client sent."""

    query: str
    variables: Mapping[str, Any] | None = None
    operation_name: str | None = None


class Operation:
    """A subscription of one caller: between changes it holds nothing, and opens a read context to
    look at its caller's sight."""

    def __init__(self, runtime: Runtime, registry: Registry, caller: Caller) -> None:
        self.registry = registry
        self.caller = caller
        self.reader: RecordReader = runtime.platform.reader(registry)
        self._feed = runtime.feed
        self._platform = runtime.platform
        self._stack: AsyncExitStack | None = None
        self._ctx: CoreContext | None = None

    @property
    def ctx(self) -> CoreContext:
        """The open read context."""
        if self._ctx is None:
            raise Unauthenticated("SESSION_ENDED")
        return self._ctx

    async def open(self) -> None:
        """Open the read context; raises ``Unauthenticated`` (``SESSION_ENDED``)."""
        await self.close()
        stack = AsyncExitStack()
        caller = self.caller
        self._ctx = await stack.enter_async_context(
            account_context(self._platform, caller.tenant, caller.identity, caller.request)
        )
        self._stack = stack

    async def close(self) -> None:
        """Give the connection back; to be called by the task that opened it."""
        stack, self._stack = self._stack, None
        self._ctx = None
        if stack is not None:
            await stack.aclose()

    def follow(self, watch: Watch) -> AsyncIterator[Notice]:
        """The changes in the caller's area; each is yielded with the read context open."""
        return self._feed.follow(self, watch)
