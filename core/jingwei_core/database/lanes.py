"""Lanes (读取通道): connections that only run statements which bind their tenant themselves.

Each is a session of the application role, read only, bound to the tenant nil, with generic plans
and without JIT. A lane is kept connected and handed from one read to the next without a word to
the server: a read leaves nothing behind in the session.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import asyncpg

from jingwei_core.database.errors import LOST_CONNECTION, told
from jingwei_core.settings import Settings
from jingwei_sdk.errors import Unavailable

NIL = UUID(int=0)
"""The tenant that a lane is bound to until a statement binds its own; nobody's."""

LONGEST_CACHED = 128 * 1024
"""Longer statements do not stay prepared: the server keeps a plan of many times their length, in
each lane."""

_RECOVERY_S = 5.0
# More would wait longer than a client does, and each holds its request in memory.
_WAITING_FOR_A_LANE = 256
# What a server says before it closes a connection, and what the operating system says after.
_ENDED = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)

Lane = Any  # asyncpg.Connection; asyncpg ships no types


class Lanes:
    """At most ``settings.read_lanes`` connections, opened when they are needed."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._url = url
        self._settings = settings
        self._free: list[Lane] = []
        self._open = 0
        self._waiting: deque[asyncio.Future[Lane | None]] = deque()
        self._recovering: set[asyncio.Task[None]] = set()
        self._closing = False

    async def read(self, sql: str, args: Sequence[object]) -> Any:
        """The first column of the first row.

        A lane that was lost is replaced once without a word: a read may be repeated. Raises
        ``Unavailable``: ``STATEMENT_TIMEOUT``, ``DATABASE_BUSY``, ``DATABASE_UNREACHABLE``,
        ``DATABASE_CONNECTION_LOST``. Cancelling the task cancels the statement in the server.
        """
        try:
            return await self._attempt(sql, args)
        except _Lost:
            pass
        try:
            return await self._attempt(sql, args)
        except _Lost as lost:
            raise Unavailable("DATABASE_CONNECTION_LOST") from lost.__cause__

    async def close(self) -> None:
        """Close every lane; one in use is closed when its read is over."""
        self._closing = True
        while self._waiting:
            self._waiting.popleft().cancel()
        free, self._free = self._free, []
        for lane in free:
            self._open -= 1
            with suppress(*LOST_CONNECTION):
                await lane.close(timeout=_RECOVERY_S)
        await asyncio.gather(*self._recovering, return_exceptions=True)

    async def _attempt(self, sql: str, args: Sequence[object]) -> Any:
        lane = self._free.pop() if self._free else None
        if lane is None or lane.is_closed():
            lane = await self._obtain(lane)
        try:
            answer = await lane.fetchval(sql, *args)
        except asyncio.CancelledError:
            self._aside(self._recover(lane))
            raise
        except LOST_CONNECTION as error:
            refusal = told(error)
            if refusal is None and _is_lost(lane, error):
                self._drop(lane)
                raise _Lost from error
            self._hand_on(lane)
            if refusal is None:
                raise
            raise refusal from error
        except BaseException:
            self._hand_on(lane)
            raise
        self._hand_on(lane)
        return answer

    async def _obtain(self, dead: Lane | None) -> Lane:
        """A lane that is connected: another free one, a new one, or the next that is given back."""
        while dead is not None:
            self._open -= 1
            dead = None
            if self._free:
                lane = self._free.pop()
                if not lane.is_closed():
                    return lane
                dead = lane
        if self._open < self._settings.read_lanes:
            return await self._connect()
        if len(self._waiting) >= self._settings.read_lanes * _WAITING_FOR_A_LANE:
            raise Unavailable("DATABASE_BUSY")
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Lane | None] = loop.create_future()
        patience = loop.call_later(self._settings.connect_timeout_s, _give_up, turn)
        self._waiting.append(turn)
        try:
            lane = await turn
        except BaseException:
            self._pass_turn(turn)
            raise
        finally:
            patience.cancel()
        return lane if lane is not None else await self._connect()

    def _pass_turn(self, turn: "asyncio.Future[Lane | None]") -> None:
        """Whoever stops waiting just when it was given a lane hands it on."""
        with suppress(ValueError):
            self._waiting.remove(turn)
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            lane = turn.result()
            if lane is None:
                self._invite()
            else:
                self._hand_on(lane)
        else:
            turn.cancel()

    async def _connect(self) -> Lane:
        self._open += 1
        try:
            return await asyncpg.connect(
                self._url,
                timeout=self._settings.connect_timeout_s,
                statement_cache_size=self._settings.statement_cache_size,
                # A statement stays prepared until a more recent one takes its place.
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=LONGEST_CACHED,
                server_settings=session_settings(self._settings),
            )
        except BaseException as error:
            self._open -= 1
            self._invite()
            if isinstance(error, TimeoutError | OSError | asyncpg.PostgresError):
                cause = str(error) or "timeout"
                raise Unavailable("DATABASE_UNREACHABLE", cause=cause) from error
            raise

    def _hand_on(self, lane: Lane) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(lane)
                return
        if self._closing:
            self._aside(self._part(lane))
            return
        self._free.append(lane)

    def _invite(self) -> None:
        """There is room for one more: let whoever waits longest open it."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _drop(self, lane: Lane) -> None:
        self._open -= 1
        with suppress(*LOST_CONNECTION):
            lane.terminate()
        self._invite()

    async def _recover(self, lane: Lane) -> None:
        """Hand a lane on whose statement was cancelled, once the server has let go of it."""
        try:
            async with asyncio.timeout(_RECOVERY_S):
                await lane.fetchval("SELECT 1")
        except LOST_CONNECTION:
            self._drop(lane)
        except BaseException:
            self._drop(lane)
            raise
        else:
            self._hand_on(lane)

    async def _part(self, lane: Lane) -> None:
        self._open -= 1
        with suppress(*LOST_CONNECTION):
            await lane.close(timeout=_RECOVERY_S)

    def _aside(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.ensure_future(work)
        self._recovering.add(task)
        task.add_done_callback(self._recovering.discard)


class _Lost(Exception):
    """The connection was lost while a statement ran."""


def session_settings(settings: Settings) -> dict[str, str]:
    """What the session of a lane is told when it begins."""
    return {
        "application_name": "jingwei-read",
        "app.tenant": str(NIL),
        "default_transaction_read_only": "on",
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",
        "TimeZone": "UTC",
        "statement_timeout": f"{round(settings.statement_timeout_s * 1000)}ms",
        "lock_timeout": f"{round(settings.lock_timeout_s * 1000)}ms",
        "idle_in_transaction_session_timeout": (
            f"{round(settings.idle_in_unit_timeout_s * 1000)}ms"
        ),
    }


def _give_up(turn: "asyncio.Future[Lane | None]") -> None:
    if not turn.done():
        turn.set_exception(Unavailable("DATABASE_BUSY"))


def _is_lost(lane: Lane, error: BaseException) -> bool:
    return lane.is_closed() or isinstance(error, _ENDED)
