"""Kept counts (汇总读取): figures out of roll-ups instead of rows, exact for whoever asks.

What is read is the folded count at each place where the reader's areas begin, the deltas that wait
below these places, and one row at a time what the reader sees beside the areas (own events, those
of the own department). All three are one snapshot, so the figure is that of the rows.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jingwei_core.access.permissions import minimal
from jingwei_core.database.identifiers import literal, quoted
from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.criteria import path_of_place, test_of
from jingwei_core.reading.figures import Dimension
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import Asked, Subtree, Test, Wanted
from jingwei_core.reading.sight import Sight, always_placed
from jingwei_core.rollups.cubes import Cube, Source, source_of
from jingwei_core.rollups.statements import ROOT, delta_values, level
from jingwei_sdk.records import AtPlace, Record, TenantWide

Conditions = Callable[[str], list[str]]
_OF_A_DAY = ("gte", "gt", "lte", "lt", "eq", "in", "is_null")
_OF_AN_INSTANT = ("gte", "lt", "is_null")
_PLAIN = ("eq", "in", "is_null")
_MANY = "text[]"


@dataclass(frozen=True, slots=True)
class Counting:
    """What is counted: rows of a record that meet ``conditions`` (of an alias), by ``by``."""

    plan: Plan
    record: Record
    wanted: Wanted
    by: tuple[Dimension, ...]
    conditions: Conditions


@dataclass(frozen=True, slots=True)
class _Cubed:
    """The cube that answers a counting."""

    counting: Counting
    source: Source
    cube: Cube
    tests: tuple[Test, ...]
    subtrees: tuple[Subtree, ...]

    @property
    def plan(self) -> Plan:
        return self.counting.plan


def zone_of(plan: Plan) -> str:
    """The placeholder of the tenant's time zone."""
    return plan.once(("zone",), _zone, "text")


def _zone(asked: Asked) -> str:
    return asked.tenant.timezone.key


def kept_rows(counting: Counting) -> str | None:
    """A query of ``k0``… (the dimensions) and ``n`` to be added up, or ``None`` where the counts
    that are kept do not tell."""
    source = source_of(counting.record)
    if source is None or not _is_countable(counting, source):
        return None
    wanted = counting.wanted.where
    tests = tuple(each for each in wanted if isinstance(each, Test))
    subtrees = tuple(each for each in wanted if isinstance(each, Subtree))
    if len(tests) + len(subtrees) < len(wanted):
        return None
    told = (
        *(_is_kept(source, each) for each in counting.by),
        *(_is_told(source, each) for each in tests),
        *(each.column == source.path for each in subtrees),
    )
    if not all(told):
        return None
    needed = {each.column for each in counting.by} | {test.column for test in tests}
    fitting = [cube for cube in source.cubes if needed <= set(cube.columns)]
    if not fitting:
        return None
    cube = min(fitting, key=lambda cube: _size(source, cube))
    cubed = _Cubed(counting, source, cube, tests, subtrees)
    parts = (_folded, _late, _deep, _beside, _unaligned)
    return " UNION ALL ".join(query for part in parts for query in part(cubed))


def _size(source: Source, cube: Cube) -> tuple[bool, int, int]:
    """Few columns, and no days, make a small cube; one that covers all places comes first."""
    days = sum(source.column(name).is_day for name in cube.columns)
    return (cube.depth is not None, days, len(cube.columns))


def _is_countable(counting: Counting, source: Source) -> bool:
    """Whether the rows in sight are those at some places, and perhaps a few beside."""
    record, wanted = counting.record, counting.wanted
    if not counting.plan.viewer.allows(record.read) or wanted.search is not None:
        return False
    if source.path is None:
        return wanted.under is None
    # A row without a place is counted nowhere; who sees all rows of the tenant would miss it.
    return _always_placed(record) or not _is_tenant_wide(record)


def _is_told(source: Source, test: Test) -> bool:
    counted = next((c for c in source.counted if c.name == test.column), None)
    if counted is None:
        return False
    if counted.is_instant:
        return test.op in _OF_AN_INSTANT
    return test.op in (_OF_A_DAY if counted.is_day else _PLAIN)


def _is_kept(source: Source, dimension: Dimension) -> bool:
    counted = next((c for c in source.counted if c.name == dimension.column), None)
    if counted is None or dimension.unit == "hour":
        return False
    return counted.is_day is (dimension.unit is not None)


def _values(cubed: _Cubed, values: dict[str, str], n: str) -> str:
    """The SELECT list over a cube's values."""
    keys = []
    for at, dimension in enumerate(cubed.counting.by):
        value = values[dimension.column]
        if dimension.unit is not None:
            is_instant = cubed.source.column(dimension.column).is_instant
            value = _bucket(cubed.plan, dimension.unit, value, is_instant=is_instant)
        keys.append(f"{value} AS k{at}")
    return ", ".join([*keys, f"{n} AS n"])


def _bucket(plan: Plan, unit: str, day: str, *, is_instant: bool) -> str:
    """Where the bucket of a local day begins: an instant, or a day for a column of days."""
    start = f"date_trunc('{unit}', ({day})::timestamp)"
    return f"({start} AT TIME ZONE {zone_of(plan)})" if is_instant else f"({start})::date"


def _filters(cubed: _Cubed, values: dict[str, str]) -> list[str]:
    found = []
    for test in cubed.tests:
        counted, value = cubed.source.column(test.column), values[test.column]
        if counted.is_instant and test.op != "is_null":
            # Only where the given instant begins a day; see _aligned.
            value = f"(({value})::timestamp AT TIME ZONE {zone_of(cubed.plan)})"
        found.append(test_of(cubed.plan, cubed.counting.record, test, value))
    return [*found, *_aligned(cubed)]


def _aligned(cubed: _Cubed) -> list[str]:
    """That instants in conditions begin a local day: days are all that the cube knows."""
    found = []
    for test in cubed.tests:
        if cubed.source.column(test.column).is_instant and test.op != "is_null":
            mark = cubed.plan.add(test.value, "timestamptz")
            found.append(f"date_trunc('day', {mark}, {zone_of(cubed.plan)}) = {mark}")
    return found


def _folded(cubed: _Cubed) -> list[str]:
    values = {
        name: cubed.source.column(name).kept(f"r.d[{at}]")
        for at, name in enumerate(cubed.cube.columns, 1)
    }
    where = [f"r.cube = {literal(cubed.cube.id)}", f"r.path = ANY({_areas(cubed)})"]
    where += _filters(cubed, values)
    return [f"SELECT {_values(cubed, values, 'r.n')} FROM core.rollup r WHERE {_and(where)}"]


def _late(cubed: _Cubed) -> list[str]:
    # A parameter that no part of the statement uses would be refused by the server.
    names = {*(each.column for each in cubed.counting.by), *(test.column for test in cubed.tests)}
    has_instant = any(cubed.source.column(name).is_instant for name in names)
    values = delta_values(cubed.source, "x.d", zone_of(cubed.plan) if has_instant else "''")
    where = [
        f"x.source = {literal(cubed.source.id)}",
        "x.path >= area.path",
        "x.path < left(area.path, -1) || '0'",
        *([f"{level('area.path')} <= {cubed.cube.depth}"] if cubed.cube.depth else []),
        *_filters(cubed, values),
    ]
    return [
        f"SELECT {_values(cubed, values, 'x.n')} FROM core.rollup_delta x,"
        f" unnest({_areas(cubed)}) AS area(path) WHERE {_and(where)}"
    ]


def _deep(cubed: _Cubed) -> list[str]:
    """Rows of areas that lie deeper than counts are kept."""
    plan, path = cubed.plan, cubed.source.path
    if cubed.cube.depth is None or path is None:
        return []
    alias = plan.alias()
    where = [
        *_aligned(cubed),
        f"{level('area.path')} > {cubed.cube.depth}",
        f"{alias}.{quoted(path)} >= area.path",
        f"{alias}.{quoted(path)} < left(area.path, -1) || '0'",
        *cubed.counting.conditions(alias),
    ]
    return [_of_rows(cubed, alias, where, f"unnest({_areas(cubed)}) AS area(path), ")]


def _beside(cubed: _Cubed) -> list[str]:
    """What is seen by another scope than the areas, row by row."""
    plan, record = cubed.plan, cubed.counting.record
    if _is_tenant_wide(record):
        return []
    sight = Sight(plan.viewer, plan.registry, plan.parameters)
    alias = plan.alias()
    others = sight.beside_areas(record, alias)
    if others is None:
        return []
    where = [*_aligned(cubed), *others, *cubed.counting.conditions(alias)]
    if cubed.counting.wanted.under is not None:
        # Nothing lies beside the areas below a place that an area covers; known before any row.
        place = path_of_place(plan, cubed.counting.wanted.under)
        covered = plan.viewer.subtree(place, record.read, plan.parameters)
        where.insert(0, f"({covered}) IS NOT TRUE")
    return [_of_rows(cubed, alias, where)]


def _unaligned(cubed: _Cubed) -> list[str]:
    """All rows, where an instant in a condition lies within a day."""
    aligned = _aligned(cubed)
    if not aligned:
        return []
    alias = cubed.plan.alias()
    return [_of_rows(cubed, alias, [f"NOT ({_and(aligned)})", *cubed.counting.conditions(alias)])]


def _of_rows(cubed: _Cubed, alias: str, where: Sequence[str], beside: str = "") -> str:
    plan, record = cubed.plan, cubed.counting.record
    keys = [
        f"{key_of_row(plan, record, dimension, alias)} AS k{at}"
        for at, dimension in enumerate(cubed.counting.by)
    ]
    return (
        f"SELECT {', '.join([*keys, '1 AS n'])} FROM {beside}{plan.source(record)} {alias}"
        f" WHERE {_and(where)}"
    )


def key_of_row(plan: Plan, record: Record, dimension: Dimension, alias: str) -> str:
    """The SQL of a dimension's value of a row."""
    column = f"{alias}.{sql_name(record, dimension.column)}"
    if dimension.unit is None:
        return column
    if record.column(dimension.column).column_type.lower() == "date":
        return f"date_trunc('{dimension.unit}', {column}::timestamp)::date"
    return f"date_trunc('{dimension.unit}', {column}, {zone_of(plan)})"


def _areas(cubed: _Cubed) -> str:
    """The array of the paths at which counts are read: where areas begin, cut to what is asked."""
    plan, record, under = cubed.plan, cubed.counting.record, cubed.counting.wanted.under
    cuts = [_array_of(plan, subtree) for subtree in cubed.subtrees]
    if under is not None:
        cuts.append(f"ARRAY[{path_of_place(plan, under)}]")
    is_everywhere = _is_tenant_wide(record) or (
        plan.viewer.everywhere(record.read) and _always_placed(record)
    )
    if not is_everywhere:
        plan.viewer.shape(record.read)
        areas = ("areas", record.read)
        of_reader = plan.once(
            areas, lambda asked: list(asked.permissions.paths(record.read)), _MANY
        )
        cuts.insert(0, of_reader)
    if not cuts:
        return f"ARRAY[{literal(ROOT)}]"
    return functools.reduce(_cut, cuts)


def _array_of(plan: Plan, subtree: Subtree) -> str:
    """Disjoint paths: what lies in two of them would be counted twice."""
    given = subtree.prefixes
    return plan.once(("disjoint", given), lambda asked: list(minimal(given.of(asked))), _MANY)


def _cut(areas: str, others: str) -> str:
    """The paths of the places that lie in an area of both arrays."""
    return (
        "ARRAY(SELECT CASE WHEN one.path ^@ other.path THEN one.path ELSE other.path END"
        f" FROM unnest({areas}) AS one(path), unnest({others}) AS other(path)"
        " WHERE one.path ^@ other.path OR other.path ^@ one.path)"
    )


def _is_tenant_wide(record: Record) -> bool:
    return any(isinstance(scope, TenantWide) for scope in record.scope)


def _always_placed(record: Record) -> bool:
    scope = next((s for s in record.scope if isinstance(s, AtPlace)), None)
    return scope is not None and always_placed(record, scope)


def _and(conditions: Sequence[str]) -> str:
    return " AND ".join(conditions)
