"""The whole national division file in one tenant: importing it, and looking things up in it."""

import asyncio
import gzip
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.unit import Unit
from jingwei_core.places.importing import DivisionFile, import_divisions
from jingwei_core.places.search import PLACES, find_statement
from jingwei_core.settings import Settings
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.figures import Figure, table

TITLE = "National tree"
SOURCE = Path(__file__).parent / "divisions" / "china.csv.gz"
ROWS = 665_276
REPEATS = 15
SEARCHED = ("西陵", "和平", "王家", "新", "村委会", "xiling", "hp", "4205")
"""Rare and common, Chinese and pinyin, a beginning and an end, a code; some just below and above
the count at which the statement changes its way."""


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page; ``choices`` change nothing here."""
    settings = cluster.settings.model_copy(update={"statement_timeout_s": 120.0})
    figures = asyncio.run(_figures(settings))
    return table(figures)


async def _figures(settings: Settings) -> list[Figure]:
    async with open_database(settings) as database:
        tenant, figures = await measure_import(database)
        return [*figures, *await measure_look_ups(database, tenant)]


async def measure_import(database: Database) -> tuple[UUID, list[Figure]]:
    """Import the file; the limit is a bare COPY of the same lines into a table without keys."""
    tenant = uuid7()
    began = time.monotonic()
    async with database.unit(tenant) as unit:
        with gzip.open(SOURCE, "rt", encoding="utf-8") as lines:
            file = DivisionFile(lines, SOURCE.name, date(2024, 1, 1))
            count = await import_divisions(unit, file, _told)
    took = time.monotonic() - began
    print(file=sys.stderr)
    assert count == ROWS, f"{count} of {ROWS} rows"
    async with database.owner() as unit:
        await unit.execute("ANALYZE core.place; ANALYZE core.place_term")
    return tenant, [
        Figure("national tree: import", (took,), "s", "bare COPY", await _copy(database))
    ]


async def measure_look_ups(database: Database, tenant: UUID) -> list[Figure]:
    """Look-ups on the national tree; the limit is the same unit of work with ``SELECT 1``."""
    async with database.unit(tenant) as unit:
        county = await unit.fetchrow("SELECT id, path FROM core.place WHERE code = '420502'")
        community = await unit.fetchrow("SELECT path FROM core.place WHERE code = '420502001001'")
    assert county is not None
    assert community is not None
    low, high = county["path"], county["path"][:-1] + "0"
    parts = community["path"].strip("/").split("/")
    above = ["/" + "/".join(parts[:depth]) + "/" for depth in range(1, len(parts))]
    cases: dict[str, tuple[str, tuple[object, ...]]] = {
        "by code": ("SELECT id FROM core.place WHERE code = $1", ("420502001001",)),
        "subtree of a county": (
            "SELECT count(*) FROM core.place WHERE path >= $1 AND path < $2",
            (low, high),
        ),
        "children": (
            "SELECT id, name FROM core.place WHERE parent = $1 ORDER BY ordinal",
            (county["id"],),
        ),
        "ancestors": ("SELECT name FROM core.place WHERE path = ANY($1)", (above,)),
        "search by exact name": ("SELECT id FROM core.place WHERE name = $1", ("西陵区",)),
    }
    for text in SEARCHED:
        cases[f"search for {text}"] = (find_statement(20), PLACES.bounds(text))
    limit = _median(await _times(database, tenant, lambda unit: unit.fetch("SELECT 1")))
    figures = []
    for name, (sql, arguments) in cases.items():

        async def look_up(
            unit: Unit, sql: str = sql, arguments: tuple[object, ...] = arguments
        ) -> None:
            assert await unit.fetch(sql, *arguments), sql

        times = await _times(database, tenant, look_up)
        figures.append(Figure(f"national tree: {name}", times, "ms", "SELECT 1", limit))
    return figures


async def _copy(database: Database) -> float:
    async with database.owner() as unit:
        await unit.execute(
            "CREATE TEMPORARY TABLE bare (code text, name text, level text, parent_code text)"
        )
        began = time.monotonic()
        async with unit.exclusive() as connection:
            with gzip.open(SOURCE, "rb") as lines:
                await connection.copy_to_table("bare", source=lines, format="csv", header=True)
        return time.monotonic() - began


async def _times(
    database: Database, tenant: UUID, work: Callable[[Unit], Awaitable[object]]
) -> tuple[float, ...]:
    times = []
    for _ in range(REPEATS):
        began = time.monotonic()
        async with database.unit(tenant) as unit:
            await work(unit)
        times.append((time.monotonic() - began) * 1000)
    return tuple(times[3:])


def _median(values: tuple[float, ...]) -> float:
    return sorted(values)[len(values) // 2]


def _told(rows: int) -> None:
    print(f"\r  imported {rows:>7} of {ROWS}", end="", file=sys.stderr, flush=True)
