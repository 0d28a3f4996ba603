"""An operation (操作): one GraphQL document being run for one caller."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jingwei_api.execution.changes import ChangeFeed, Notice, Watch
from jingwei_api.execution.rows import Rows
from jingwei_core.commands import bus
from jingwei_core.evidence.commits import Commits
from jingwei_core.platform import Platform
from jingwei_core.reading.reader import RecordReader
from jingwei_core.registry import Registry
from jingwei_core.session import CoreContext, Identity, Request, account_context
from jingwei_sdk.context import Tenant
from jingwei_sdk.errors import JingweiError, Unauthenticated


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
    """The ``info.context`` of resolvers.

    A query reads in one context, hence one transaction. Each mutation runs in a transaction of its
    own; what its payload selects is read in a fresh context after the commit, as the caller would
    read it in the next request.
    """

    def __init__(
        self, runtime: Runtime, registry: Registry, caller: Caller, document: Document
    ) -> None:
        self.registry = registry
        self.caller = caller
        self.document = document
        self._runtime = runtime
        self._platform = runtime.platform
        self._reader = runtime.platform.reader(registry)
        self._stack: AsyncExitStack | None = None
        self._ctx: CoreContext | None = None
        self._rows: Rows | None = None
        self._refusal: JingweiError | None = None

    @property
    def ctx(self) -> CoreContext:
        """The open read context; raises what refused to open it."""
        if self._ctx is None:
            raise self._refusal or Unauthenticated("SESSION_ENDED")
        return self._ctx

    @property
    def rows(self) -> Rows:
        """Batched reading in the open context."""
        if self._rows is None:
            raise self._refusal or Unauthenticated("SESSION_ENDED")
        return self._rows

    async def open(self) -> None:
        """Open the read context; raises ``Unauthenticated`` (``SESSION_ENDED``)."""
        await self.close()
        stack = AsyncExitStack()
        caller = self.caller
        self._ctx = await stack.enter_async_context(
            account_context(self._platform, caller.tenant, caller.identity, caller.request)
        )
        self._stack = stack
        self._rows = Rows(self._ctx, self._reader)

    async def close(self) -> None:
        """Give the connection back; to be called by the task that opened it."""
        stack, self._stack = self._stack, None
        self._ctx = self._rows = None
        if stack is not None:
            await stack.aclose()

    async def command(self, call: bus.Call) -> bus.Answer:
        """Run a command and open the context in which its payload is read."""
        await self.close()
        caller = self.caller
        answer = await bus.execute(
            self._platform, caller.tenant, caller.identity, call, caller.request
        )
        await self._open_again()
        return answer

    async def commit_evidence(self, evidence_id: uuid.UUID) -> None:
        """Make an upload evidence; no transaction is open while its bytes are looked at."""
        await self.close()
        caller = self.caller
        await self._runtime.commits.commit(
            caller.tenant, caller.identity, evidence_id, caller.request
        )
        await self._open_again()

    async def _open_again(self) -> None:
        self._refusal = None
        try:
            await self.open()
        except JingweiError as refusal:
            # The command is committed; only reading its row is refused, and told at that field.
            self._refusal = refusal

    def changes(self, under: str | None, records: list[str] | None) -> AsyncIterator[Notice]:
        """The changes in the caller's area; each is yielded with the read context open."""
        return self._runtime.feed.follow(self, Watch.of(self.registry, under, records))

    @property
    def reader(self) -> RecordReader:
        """The reader of the operation's registry."""
        return self._reader
