"""The whole national division file in one tenant: importing it, and looking things up in it."""

import asyncio
import gzip
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from jingwei_core.database.engine import Database, open_database
from jingwei_core.database.unit import Unit
from jingwei_core.places.search import PLACES, find_statement
from tests.bench.choices import Choices
from tests.bench.cluster import Cluster
from tests.bench.figures import Figure, table
from tests.bench.markdown import markdown
from tests.bench.rounds import told
from tests.servers.databases import environment

TITLE = "National tree"
SOURCE = Path(__file__).parent / "divisions" / "china.csv.gz"
ROWS = 665_276
MOST_S, MOST_MB, MOST_MS = 90, 400, 5
REPEATS = 15
SEARCHED = (
    *("西陵", "平村", "和平", "王家", "潭", "林场", "新", "村委会", "xiling", "hp", "4205"),
)
"""Rare and common, Chinese and pinyin, a beginning and an end, a code; some just below the count at
which the statement changes its way."""
_TOLD = """
`jingwei place import` of {rows:,} divisions, a process of its own; then, after VACUUM, look-ups,
each in a unit of work: BEGIN with the tenant, the statement, COMMIT.
"""


@dataclass(frozen=True, slots=True)
class Import:
    """What importing took: the whole process, CPU time of it and of the database, and a bare COPY
    of the lines into no keys."""

    seconds: float
    cpu_s: tuple[float, float]
    peak_mb: float
    copy_s: float


def measure(cluster: Cluster, choices: Choices) -> str:
    """The section of the page; ``choices`` change nothing here."""
    tenant = uuid7()
    imported = measure_import(cluster, tenant)
    told("looking up")
    figures = asyncio.run(_look_ups(cluster, tenant))
    slowest = max(sorted(figure.values)[len(figure.values) // 2] for figure in figures)
    rows = [
        ["import", f"{imported.seconds:.1f} s", f"{MOST_S} s"],
        ["CPU time, process + database", "{:.0f} + {:.0f} s".format(*imported.cpu_s), ""],
        ["import ÷ bare COPY without keys", f"{imported.seconds / imported.copy_s:.0f}", ""],
        ["most memory of the importing process", f"{imported.peak_mb:.0f} MB", f"{MOST_MB} MB"],
        ["slowest look-up, median", f"{slowest:.1f} ms", f"{MOST_MS} ms"],
    ]
    head = markdown(["", "measured", "at most"], rows)
    return "\n\n".join([_TOLD.strip().format(rows=ROWS), head, table(figures)])


def measure_import(cluster: Cluster, tenant: UUID) -> Import:
    """Import the file with the command line's process, as an operator does."""
    cluster.psql(
        "-c",
        "INSERT INTO platform.tenant (id, slug, name, timezone, package_version)"
        f" VALUES ('{tenant}', 'china', '中国', 'Asia/Shanghai', '1')",
    )
    told(f"importing {ROWS:,} divisions")
    command = [str(Path(sys.executable).parent / "jingwei"), "place", "import", "china"]
    command += [str(SOURCE), "--valid-from", "2024-01-01", "--json"]
    env = environment(cluster.settings)
    began, before = time.monotonic(), cluster.cpu_s()
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.monotonic() - began
    cpu = usage.ru_utime + usage.ru_stime, cluster.cpu_s() - before
    if process.returncode != 0:
        raise RuntimeError(f"the import failed: {answer}")
    count = json.loads(answer)["added"]
    assert count == ROWS, f"{count} of {ROWS} rows"
    told(f"imported in {seconds:.1f} s, {usage.ru_maxrss / 1000:.0f} MB")
    cluster.psql("-c", "VACUUM (ANALYZE) core.place, core.place_term")
    return Import(seconds, cpu, usage.ru_maxrss * 1024 / 1e6, _copy_s(cluster))


def _copy_s(cluster: Cluster) -> float:
    with gzip.open(SOURCE, "rb") as lines:
        plain = cluster.folder / "china.csv"
        plain.write_bytes(lines.read())
    began = time.monotonic()
    cluster.psql(
        *("-c", "CREATE TEMPORARY TABLE bare (code text, name text, level text, parent text)"),
        *("-c", f"\\copy bare FROM '{plain}' WITH (FORMAT csv, HEADER true)"),
    )
    return time.monotonic() - began


async def _look_ups(cluster: Cluster, tenant: UUID) -> list[Figure]:
    async with open_database(cluster.settings) as database:
        return await measure_look_ups(database, tenant)


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
        figures.append(Figure(name, times, "ms", "SELECT 1", limit))
    return figures


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
