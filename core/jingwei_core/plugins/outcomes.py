"""Outcomes (调用结果): how what plugins were called for ended, counted here and stored in batches.

A call costs no statement: counts are kept in memory, also of a transaction that is rolled back, and
added to ``platform.plugin_outcome`` about once a second.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog

from jingwei_core.plugins.breaker import BreakerRules, Breakers, Point

if TYPE_CHECKING:
    from jingwei_core.database.engine import Database

FLUSH_EVERY_S = 1.0
_log = structlog.get_logger(__name__)

# Ordered, so that processes that store at the same time do not wait for one another in a ring.
# A success after the time of an open breaker closes it.
_ADD = """
INSERT INTO platform.plugin_outcome AS kept (tenant_id, plugin_id, hook, succeeded, failed,
    timed_out, total_us, last_error, last_at, opened_until)
SELECT n.tenant_id, n.plugin_id, n.hook, n.succeeded, n.failed, n.timed_out, n.total_us,
    n.last_error, clock_timestamp(), clock_timestamp() + n.open_s * interval '1 second'
FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[],
    $7::bigint[], $8::text[], $9::float8[]) AS n (tenant_id, plugin_id, hook, succeeded, failed,
    timed_out, total_us, last_error, open_s)
JOIN platform.tenant t ON t.id = n.tenant_id
ORDER BY n.tenant_id, n.plugin_id, n.hook
ON CONFLICT (tenant_id, plugin_id, hook) DO UPDATE SET
    succeeded = kept.succeeded + excluded.succeeded,
    failed = kept.failed + excluded.failed,
    timed_out = kept.timed_out + excluded.timed_out,
    total_us = kept.total_us + excluded.total_us,
    last_error = excluded.last_error,
    last_at = excluded.last_at,
    opened_until = CASE
        WHEN excluded.opened_until IS NOT NULL THEN excluded.opened_until
        WHEN excluded.succeeded > 0 AND kept.opened_until < clock_timestamp() THEN NULL
        ELSE kept.opened_until END
"""


@dataclass(slots=True)
class Count:
    """What happened at one point since it was stored last; ``total_us`` in microseconds."""

    succeeded: int = 0
    failed: int = 0
    timed_out: int = 0
    total_us: int = 0
    last_error: str = ""
    opens: bool = False

    def add(self, other: "Count") -> None:
        """Take over what another one counted before."""
        if not (self.succeeded or self.failed or self.timed_out):
            self.last_error = other.last_error
        self.succeeded += other.succeeded
        self.failed += other.failed
        self.timed_out += other.timed_out
        self.total_us += other.total_us
        self.opens = self.opens or other.opens


class Outcomes:
    """The counts of one process, and the breakers that they open."""

    def __init__(self, rules: BreakerRules | None = None) -> None:
        self.breakers = Breakers(rules)
        self._counts: dict[Point, Count] = {}

    def succeeded(self, point: Point, took_us: int) -> None:
        """Count a call that went well."""
        count = self._count(point)
        count.succeeded += 1
        count.total_us += took_us
        count.last_error = ""
        self.breakers.succeeded(point)

    def failed(self, point: Point, took_us: int, error: BaseException) -> None:
        """Count a call that failed or took too long. Of the error only its type is kept: a text
        of a stranger's code may quote a person."""
        count = self._count(point)
        if isinstance(error, TimeoutError) or isinstance(error.__cause__, TimeoutError):
            count.timed_out += 1
        else:
            count.failed += 1
        count.total_us += took_us
        count.last_error = type(error).__name__
        if self.breakers.failed(point):
            count.opens = True
            _log.warning("breaker_opened", tenant=str(point[0]), plugin=point[1], point=point[2])

    def counts(self) -> dict[Point, Count]:
        """What is counted and not stored yet."""
        return dict(self._counts)

    async def store(self, database: "Database") -> int:
        """Add the counts to the database's; of how many points there were some.

        Raises what the database raises; then the counts are kept for the next time.
        """
        counts, self._counts = self._counts, {}
        if not counts:
            return 0
        rows = [self._row(point, count) for point, count in counts.items()]
        try:
            async with database.platform() as unit:
                await unit.execute(_ADD, *map(list, zip(*rows, strict=True)))
        except BaseException:
            for point, count in counts.items():
                self._count(point).add(count)
            raise
        for point, count in counts.items():
            if count.opens:
                self.breakers.stored(point)
        return len(counts)

    def _row(self, point: Point, count: Count) -> tuple[object, ...]:
        opens_s = self.breakers.rules.open_s if count.opens else None
        figures = (count.succeeded, count.failed, count.timed_out, count.total_us)
        return (*point, *figures, count.last_error, opens_s)

    def _count(self, point: Point) -> Count:
        count = self._counts.get(point)
        if count is None:
            count = self._counts[point] = Count()
        return count


@asynccontextmanager
async def outcomes_stored(outcomes: Outcomes, database: "Database") -> AsyncIterator[None]:
    """Store the counts each :data:`FLUSH_EVERY_S` seconds, and a last time at the end."""
    storing = asyncio.create_task(_store_again_and_again(outcomes, database))
    try:
        yield
    finally:
        storing.cancel()
        with suppress(asyncio.CancelledError):
            await storing
        await _store(outcomes, database)


async def _store_again_and_again(outcomes: Outcomes, database: "Database") -> None:
    while True:
        await asyncio.sleep(FLUSH_EVERY_S)
        await _store(outcomes, database)


async def _store(outcomes: Outcomes, database: "Database") -> None:
    try:
        await outcomes.store(database)
    except Exception as error:  # noqa: BLE001 - figures must not end the process they are about
        _log.warning("outcomes_not_stored", error=type(error).__name__)
