"""Ways to ask PostgreSQL in the name of a tenant: how many answers a second, and what each costs.

    python -m tests.bench.drivers [--rounds 5] [--seconds 2]

Each way reads the same row under row security, 16 at a time on 16 connections, in one process with
uvloop; the ways take turns within a round, and medians of the rounds are printed. ``client`` is the
processor time of this process for one answer: it tells drivers apart where the server is the limit.
Ways whose driver is not installed (psycopg, psqlpy) are left out.
"""

import argparse
import asyncio
import importlib
import importlib.util
import statistics
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from jingwei_core.database.embedded import EmbeddedServer
from jingwei_core.database.reading import bound_trip
from jingwei_core.database.urls import with_credentials

CONCURRENT = 16
SIZES = {"small": 200, "30 kB": 30_000}
TENANT = uuid.UUID(int=7)
ROLE, PASSWORD = "bench_reader", "bench"
SETTINGS = {"plan_cache_mode": "force_generic_plan", "jit": "off"}
OPTIONS = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())

_SET_UP = f"""
CREATE TABLE answer (tenant_id uuid, size int, body text, PRIMARY KEY (tenant_id, size));
ALTER TABLE answer ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON answer USING (tenant_id = (SELECT current_setting('app.tenant')::uuid));
CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}';
GRANT SELECT ON answer TO {ROLE};
"""
_PLAIN = "SELECT convert_to(body, 'UTF8') FROM answer WHERE size = {}"
_BIND = f"SELECT set_config('app.tenant', '{TENANT}', true)"
_ONE = bound_trip("(SELECT body FROM answer WHERE size = $2)")

Ask = Callable[[int], Awaitable[bytes]]
Way = Callable[[str], AsyncIterator[Ask]]


@dataclass
class Figures:
    """What was measured of one way."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)


async def asyncpg_one_statement(url: str) -> AsyncIterator[Ask]:
    """The way of ``jingwei_core.database.lanes``."""
    connection = await asyncpg.connect(url, server_settings=SETTINGS)

    async def ask(size: int) -> bytes:
        answer: bytes = await connection.fetchval(_ONE, str(TENANT), size)
        return answer

    yield ask
    await connection.close()


async def asyncpg_transaction(url: str) -> AsyncIterator[Ask]:
    """Three round trips: BEGIN with the binding, the query, COMMIT."""
    connection = await asyncpg.connect(url, server_settings=SETTINGS)

    async def ask(size: int) -> bytes:
        await connection.execute(f"BEGIN; {_BIND}")
        answer: bytes = await connection.fetchval(_PLAIN.format("$1"), size)
        await connection.execute("COMMIT")
        return answer

    yield ask
    await connection.close()


async def psycopg_pipeline(url: str) -> AsyncIterator[Ask]:
    """Two statements and one synchronisation in one round trip."""
    connection = await _installed("psycopg").AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=0, options=OPTIONS
    )

    async def ask(size: int) -> bytes:
        async with connection.pipeline(), connection.cursor(binary=True) as cursor:
            await connection.execute(_BIND)
            await cursor.execute(_PLAIN.format("%s"), (size,))
            row: Any = await cursor.fetchone()
        answer: bytes = row[0]
        return answer

    yield ask
    await connection.close()


async def psycopg_one_statement(url: str) -> AsyncIterator[Ask]:
    """The one statement through the other driver."""
    connection = await _installed("psycopg").AsyncConnection.connect(
        url, autocommit=True, prepare_threshold=0, options=OPTIONS
    )
    sql = _ONE.replace("$1, true) = $1", "%(t)s, true) = %(t)s").replace("$2", "%(size)s")

    async def ask(size: int) -> bytes:
        async with connection.cursor(binary=True) as cursor:
            await cursor.execute(sql, {"t": str(TENANT), "size": size})
            row: Any = await cursor.fetchone()
        answer: bytes = row[0]
        return answer

    yield ask
    await connection.close()


async def psqlpy_one_statement(url: str) -> AsyncIterator[Ask]:
    """The one statement through a driver written in Rust."""
    connection = await _installed("psqlpy").connect(dsn=url, options=OPTIONS)

    async def ask(size: int) -> bytes:
        return bytes(await connection.fetch_val(_ONE, [str(TENANT), size], prepared=True))

    yield ask
    connection.close()


def _installed(package: str) -> Any:
    return importlib.import_module(package)


WAYS: dict[str, tuple[str, Callable[[str], AsyncIterator[Ask]]]] = {
    "asyncpg, one statement": ("asyncpg", asyncpg_one_statement),
    "asyncpg, BEGIN / query / COMMIT": ("asyncpg", asyncpg_transaction),
    "psycopg 3, pipeline": ("psycopg", psycopg_pipeline),
    "psycopg 3, one statement": ("psycopg", psycopg_one_statement),
    "psqlpy, one statement": ("psqlpy", psqlpy_one_statement),
}


async def measure(url: str, rounds: int, seconds: float) -> dict[tuple[str, str], Figures]:
    """The figures of each way and size."""
    found: dict[tuple[str, str], Figures] = {}
    async with AsyncExitStack() as stack:
        open_ways = {
            name: [
                await stack.enter_async_context(asynccontextmanager(way)(url))
                for _ in range(CONCURRENT)
            ]
            for name, (package, way) in WAYS.items()
            if importlib.util.find_spec(package)
        }
        for size, length in SIZES.items():
            for turn in range(rounds + 1):
                for name, asks in open_ways.items():
                    rate, cost = await _drive(asks, length, seconds if turn else 0.3)
                    if turn:
                        figures = found.setdefault((name, size), Figures())
                        figures.rates.append(rate)
                        figures.costs.append(cost)
    return found


async def _drive(asks: list[Ask], length: int, seconds: float) -> tuple[float, float]:
    """Answers a second, and processor time for one in microseconds."""
    done = 0
    began, worked = time.perf_counter(), time.process_time()

    async def one(ask: Ask) -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            assert len(await ask(length)) == length
            done += 1

    await asyncio.gather(*(one(ask) for ask in asks))
    elapsed = time.perf_counter() - began
    return done / elapsed, (time.process_time() - worked) / done * 1e6


async def _set_up(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(_SET_UP)
    await connection.execute(
        "INSERT INTO answer SELECT t, s, repeat('x', s)"
        " FROM unnest($1::uuid[]) AS t, unnest($2::int[]) AS s",
        [TENANT, *(uuid.uuid4() for _ in range(200))],
        list(SIZES.values()),
    )
    await connection.execute("VACUUM ANALYZE answer")
    await connection.close()


def table(found: dict[tuple[str, str], Figures]) -> str:
    """The medians, one line a way."""
    lines = ["| way | size | answers/s | lowest–highest | client µs |", "|---|---|---|---|---|"]
    for (name, size), figures in found.items():
        rates = figures.rates
        lines.append(
            f"| {name} | {size} | {statistics.median(rates):,.0f}"
            f" | {min(rates):,.0f}–{max(rates):,.0f} | {statistics.median(figures.costs):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Run on a server of its own, in memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0)
    chosen = parser.parse_args()
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        Path(folder).chmod(0o711)
        server = EmbeddedServer(Path(folder) / "postgres")
        url = server.start().url()
        try:
            uvloop.run(_set_up(url))
            reader = with_credentials(url, ROLE, PASSWORD)
            print(table(uvloop.run(measure(reader, chosen.rounds, chosen.seconds))))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
