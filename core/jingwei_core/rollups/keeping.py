"""Folding, rebuilding and verifying kept counts (汇总维护) of the bound tenant."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jingwei_core.database.identifiers import literal
from jingwei_core.rollups.cubes import Source
from jingwei_core.rollups.statements import (
    PREFIX,
    ZONE,
    counted_rows,
    enclosing,
    in_cubes,
)


class Statements(Protocol):
    """A unit of work, or the data access of a context."""

    async def fetch(self, sql: str, /, *args: object) -> Sequence[Mapping[str, Any]]:
        """Rows by column name."""
        ...

    async def fetchval(self, sql: str, /, *args: object) -> Any:
        """The first value of the first row."""
        ...


@dataclass(frozen=True, slots=True)
class Difference:
    """A count that is kept wrongly: the cube's columns with their values, and both figures."""

    path: str
    values: Mapping[str, str | None]
    kept: int
    counted: int


async def fold(unit: Statements, sources: Iterable[Source], parts: int | None = None) -> int:
    """Add what was written since the last fold to the counts, all of it or so many parts of each
    source; how many deltas that were."""
    folded = 0
    for source in sources:
        for _ in itertools.count() if parts is None else range(parts):
            done = await unit.fetchval(f"SELECT core.{PREFIX}{source.id}_fold()")
            folded += done
            if not done:
                break
    return folded


async def rebuild(unit: Statements, source: Source) -> int:
    """Count the rows anew; how many counts there are now. Others may write meanwhile."""
    made: int = await unit.fetchval(f"SELECT core.{PREFIX}{source.id}_rebuild()")
    return made


async def differences(unit: Statements, source: Source, limit: int = 100) -> list[Difference]:
    """Where the kept counts differ from the rows, at all places; the first ``limit``."""
    columns = {cube.id: cube.columns for cube in source.cubes}
    found = await unit.fetch(_differences(source), limit)
    return [
        Difference(
            row["path"],
            dict(zip(columns[row["cube"]], row["d"], strict=True)),
            row["kept"],
            row["counted"],
        )
        for row in found
    ]


def _differences(source: Source) -> str:
    cubes = ", ".join(literal(cube.id) for cube in source.cubes)
    deltas = f"(SELECT path, d, n FROM core.rollup_delta WHERE source = {literal(source.id)})"
    return (
        f"WITH rows AS ({counted_rows(source, ZONE)}),"
        f" row_leaves AS ({in_cubes(source, 'rows', None)}),"
        f" delta_leaves AS ({in_cubes(source, deltas, ZONE)}),"
        f" counted AS ({enclosing(source, 'row_leaves')}),"
        f" kept AS (SELECT cube, path, d, sum(n) AS n FROM ("
        f"SELECT cube, path, d, n FROM core.rollup WHERE cube IN ({cubes})"
        f" UNION ALL ({enclosing(source, 'delta_leaves')})) b GROUP BY 1, 2, 3 HAVING sum(n) <> 0)"
        " SELECT cube, path, d, coalesce(kept.n, 0)::bigint AS kept,"
        " coalesce(counted.n, 0)::bigint AS counted"
        " FROM kept FULL JOIN counted USING (cube, path, d)"
        " WHERE kept.n IS DISTINCT FROM counted.n ORDER BY cube, path, d LIMIT $1"
    )
