"""What a plugin does beside answering: calls of its hooks, jobs in the queue, messages that leave,
statements sent."""

import functools
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from jingwei_api.testing.cities import KitCity
from jingwei_core.database.connections import Connections
from jingwei_core.jobs.origins import CORE
from jingwei_core.jobs.running import run_job
from jingwei_core.outbox import attempts
from jingwei_core.outbox.channels import Owned
from jingwei_core.session import CoreContext, Request, system_context
from jingwei_sdk.channels import Delivered, Message, Outcome
from jingwei_sdk.context import Context
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.testing.contract import ChannelCall, HookCall, WaitingJob

# A job that queues itself again would never leave the queue empty.
_MOST_RUNS = 1000
_CONTROL = ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET ", "DEALLOCATE")


@dataclass(eq=False)
class HookRecorder:
    """Keeps each call of a plugin's hooks; the functions run as ever."""

    calls: list[HookCall] = field(default_factory=list)

    def of(self, hook: str) -> Sequence[HookCall]:
        """The calls of one hook."""
        return [call for call in self.calls if call.hook == hook]

    def listening_to(self, plugin: Plugin) -> Plugin:
        """The plugin with hooks that tell this recorder; one object of SDK 0.1 stays as it is."""
        if not isinstance(plugin.hooks, tuple):
            return plugin
        return replace(plugin, hooks=tuple(self._told(function) for function in plugin.hooks))

    def _told(self, function: Callable[..., Any]) -> Callable[..., Any]:
        name: str = function.__hook__.name  # type: ignore[attr-defined]

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(ctx: Context, given: Any, /) -> Any:
                with self._noting(name, ctx, given) as answer:
                    answer.append(await function(ctx, given))
                return answer[0]

            return awaited

        @functools.wraps(function)
        def called(ctx: Context, given: Any, /) -> Any:
            with self._noting(name, ctx, given) as answer:
                answer.append(function(ctx, given))
            return answer[0]

        return called

    @contextmanager
    def _noting(self, name: str, ctx: Context, given: Any) -> Iterator[list[Any]]:
        answer: list[Any] = []
        slug = ctx.tenant.slug
        try:
            yield answer
        except BaseException as error:
            self.calls.append(HookCall(name, slug, given, error=error))
            raise
        self.calls.append(HookCall(name, slug, given, answer[0]))


@dataclass(eq=False)
class ChannelRecorder:
    """Keeps each attempt to deliver a message; what the core would send stays here."""

    calls: list[ChannelCall] = field(default_factory=list)

    def of(self, channel: str) -> Sequence[ChannelCall]:
        """The attempts of one channel."""
        return [call for call in self.calls if call.channel == channel]

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Stand between the outbox and the channels while the block runs."""
        original = attempts.attempt

        async def noted(ctx: CoreContext, found: Owned, message: Message) -> Outcome:
            is_core = found.plugin.id == CORE
            outcome = Delivered() if is_core else await original(ctx, found, message)
            code, city = found.channel.code, ctx.tenant.slug
            self.calls.append(ChannelCall(code, city, message, outcome))
            return outcome

        attempts.attempt = noted
        try:
            yield
        finally:
            attempts.attempt = original


@dataclass(frozen=True)
class Queues:
    """The queues of the cities of a test, run by hand."""

    cities: Sequence[KitCity]

    async def waiting(self, name: str = "") -> Sequence[WaitingJob]:
        """The jobs that wait, oldest first."""
        found = []
        for city in self.cities:
            rows = await city.fetch(
                "SELECT id, entrypoint, payload FROM jobs.pgqueuer WHERE tenant_id = $1"
                " AND status = 'queued' ORDER BY id",
                city.tenant.id,
            )
            slug = city.tenant.slug
            found += [(row["id"], _job(slug, row)) for row in rows]
        ordered = [job for _, job in sorted(found, key=lambda pair: pair[0])]
        return [job for job in ordered if not name or job.name == name]

    async def run_all(self) -> int:
        """Run what waits, and what that queues; how many ran."""
        ran = 0
        while taken := await self._next():
            city, job = taken
            await self._execute(city, job.name, job.payload)
            ran += 1
            assert ran < _MOST_RUNS, f"the queue does not end: {job.name}"
        return ran

    async def run(self, city: KitCity, name: str, **payload: object) -> None:
        """Run a declared job now."""
        city.has_acted = True
        await self._execute(city, name, payload)

    async def _next(self) -> tuple[KitCity, WaitingJob] | None:
        for city in self.cities:
            rows = await city.fetch(
                "DELETE FROM jobs.pgqueuer WHERE id = (SELECT min(id) FROM jobs.pgqueuer"
                " WHERE tenant_id = $1 AND status = 'queued') RETURNING entrypoint, payload",
                city.tenant.id,
            )
            if rows:
                return city, _job(city.tenant.slug, rows[0])
        return None

    async def _execute(self, city: KitCity, name: str, payload: Mapping[str, object]) -> None:
        registry = await city.platform.registry(city.tenant.id)
        if name not in registry.jobs:
            raise LookupError(f"no job {name!r} in {city.tenant.slug}")
        who = f"job:{name}"
        async with system_context(city.platform, city.tenant, who, Request("zh", "test")) as ctx:
            await run_job(ctx, registry.jobs[name], payload)


def _job(slug: str, row: Mapping[str, Any]) -> WaitingJob:
    return WaitingJob(row["entrypoint"], json.loads(row["payload"] or b"{}"), slug)


@dataclass(eq=False)
class Statements:
    """What was sent while a block ran."""

    _sent: list[str] = field(default_factory=list)

    @property
    def statements(self) -> Sequence[str]:
        """Each message but those that only begin and end savepoints."""
        return [told for told in self._sent if not told.upper().startswith(_CONTROL)]

    def note(self, told: str) -> None:
        """Keep one message."""
        self._sent.append(" ".join(told.split()))


@dataclass(eq=False)
class Wire:
    """Hears what is sent on the connections that are taken while it is attached."""

    _listening: list[Statements] = field(default_factory=list)
    _taken: list[Any] = field(default_factory=list)

    def __call__(self, logged: Any) -> None:
        """Called by the driver for each message."""
        for statements in self._listening:
            statements.note(str(logged.query))

    @contextmanager
    def counting(self) -> Iterator[Statements]:
        """Note what is sent while the block runs."""
        noted = Statements()
        self._listening.append(noted)
        try:
            yield noted
        finally:
            self._listening.remove(noted)

    @contextmanager
    def attached(self) -> Iterator[None]:
        """Hear every connection that is taken while the block runs."""
        original = Connections.lend

        async def lend(connections: Connections) -> Any:
            proxy = await original(connections)
            if all(proxy._con is not connection for connection in self._taken):
                self._taken.append(proxy._con)
                proxy._con.add_query_logger(self)
            return proxy

        Connections.lend = lend  # type: ignore[method-assign,assignment]
        try:
            yield
        finally:
            Connections.lend = original  # type: ignore[method-assign]
            for connection in self._taken:
                connection.remove_query_logger(self)
            self._taken.clear()
