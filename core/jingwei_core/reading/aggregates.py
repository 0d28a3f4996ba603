"""Aggregates (统计): figures over all rows of a connection, and by groups, as one subquery.

Counts come from roll-ups where these tell; everything else is counted over the rows. Sight is the
connection's own: figures say nothing about rows that their reader could not read one by one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import Date, DoublePrecision, Real

from jingwei_core.reading.columns import day_json, json_of, sql_name
from jingwei_core.reading.compiled import EACH
from jingwei_core.reading.figures import (
    Aggregate,
    Dimension,
    GroupKey,
    Groups,
    IsCut,
    KeyBucket,
    KeyRow,
    KeyValue,
    Measures,
    Tally,
)
from jingwei_core.reading.json_text import (
    NULL,
    Pieces,
    an_object,
    constant,
    made,
    sql_of,
)
from jingwei_core.reading.kept import Counting, kept_rows, key_of_row, zone_of
from jingwei_core.reading.pages import Listing, conditions_of, page_field
from jingwei_core.reading.plan import Path, Plan, RowAt, row_members
from jingwei_core.reading.relations import Key, the_row
from jingwei_core.reading.selection import Id, Nothing, Typename
from jingwei_sdk.records import Record
from jingwei_sdk.tables import TenantFK

_STEPS = {
    "hour": "1 hour",
    "day": "1 day",
    "week": "1 week",
    "month": "1 month",
    "quarter": "3 months",
    "year": "1 year",
}


@dataclass(slots=True)
class _Figures:
    """An aggregate in the making."""

    listing: Listing
    node: Aggregate
    path: Path
    measured: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def plan(self) -> Plan:
        return self.listing.plan

    @property
    def record(self) -> Record:
        return self.listing.record

    def measure(self, function: str, column: str) -> str:
        """The name of a measure's result."""
        return self.measured.setdefault((function, column), f"m{len(self.measured)}")


@page_field(Nothing)
def _nothing(listing: Listing, node: Nothing) -> Pieces:
    return NULL


@page_field(Aggregate)
def aggregate_of(listing: Listing, node: Aggregate) -> Pieces:
    """The JSON of an aggregate."""
    figures = _Figures(listing, node, (*listing.path, node.key))
    total, shown = listing.plan.alias(), listing.plan.alias()
    members = [(part.key, _member(figures, part, total, shown)) for part in node.fields]
    sources = []
    if any(isinstance(part, (Tally, Measures)) for part in node.fields):
        sources.append(f"({_query(figures, (), _measures_of(node.fields))}) {total}")
    if node.by and any(isinstance(part, (Groups, IsCut)) for part in node.fields):
        sources.append(f"({_groups(figures)}) {shown}")
    pieces = an_object(members)
    return made(f"(SELECT {sql_of(pieces)} FROM {', '.join(sources)})") if sources else pieces


def _member(figures: _Figures, part: Any, total: str, shown: str) -> Pieces:
    if isinstance(part, Groups):
        return made(f"{shown}.{_name(figures, part)}") if figures.node.by else constant([])
    if isinstance(part, IsCut):
        return made(f"{shown}.is_cut::text") if figures.node.by else constant(value=False)
    return _figure(figures, part, total)


def _figure(figures: _Figures, part: Tally | Measures | Typename, alias: str) -> Pieces:
    if isinstance(part, Tally):
        return made(f"{alias}.n")
    if isinstance(part, Typename):
        return constant(part.name)
    return an_object(
        (inner.key, constant(inner.name))
        if isinstance(inner, Typename)
        else (inner.key, _measured(figures, part.function, inner.name, alias))
        for inner in part.fields
    )


def _measured(figures: _Figures, function: str, column: str, alias: str) -> Pieces:
    value = f"{alias}.{figures.measure(function, column)}"
    if isinstance(figures.record.column(column), (DoublePrecision, Real)):
        value = f"CASE WHEN abs({value}) < 'Infinity' THEN {value} END"  # JSON has no infinity
    is_day = isinstance(figures.record.column(column), Date)
    told = day_json(value) if is_day else f"to_json({value})"
    return made(f"coalesce(({told})::text, 'null')")


def _measures_of(parts: Iterable[Any]) -> list[tuple[str, str]]:
    """The functions and columns that are asked for, each once."""
    found: dict[tuple[str, str], None] = {}
    for part in parts:
        if isinstance(part, Measures):
            asked = [inner.name for inner in part.fields if not isinstance(inner, Typename)]
            found.update(dict.fromkeys((part.function, column) for column in asked))
    return list(found)


def _groups(figures: _Figures) -> str:
    """One row with the JSON of each list of groups and whether there are more groups."""
    node, group = figures.node, figures.plan.alias()
    lists = [part for part in node.fields if isinstance(part, Groups)]
    measures = _measures_of(inner for part in lists for inner in part.fields)
    order = [*(_ordered(figures, *key) for key in node.order), *_keys(figures)]
    entries = [f"{_list(figures, part, group)} AS {_name(figures, part)}" for part in lists]
    return (
        f"SELECT {', '.join([*entries, f'count(*) > {node.limit} AS is_cut'])} FROM ("
        f"{_query(figures, node.by, measures)} ORDER BY {', '.join(order)}"
        f" LIMIT {node.limit + 1}) {group}"
    )


def _name(figures: _Figures, part: Groups) -> str:
    return f"g{figures.node.fields.index(part)}"


def _ordered(figures: _Figures, by: str, direction: str) -> str:
    if by == "count":
        return f"n {direction}"
    return ", ".join(f"{key} {direction}" for key in _keys(figures))


def _keys(figures: _Figures) -> list[str]:
    return [f"k{at}" for at in range(len(figures.node.by))]


def _list(figures: _Figures, part: Groups, group: str) -> str:
    path = (*figures.path, part.key, EACH)
    entry = sql_of(
        an_object((inner.key, _entry(figures, inner, group, path)) for inner in part.fields)
    )
    shown = f"(array_agg({entry}))[1:{figures.node.limit}]"
    return f"concat('[', array_to_string({shown}, ','), ']')"


def _entry(figures: _Figures, part: Any, group: str, path: Path) -> Pieces:
    if not isinstance(part, GroupKey):
        return _figure(figures, part, group)
    inside = (*path, part.key)
    return an_object((inner.key, _key(figures, inner, group, inside)) for inner in part.fields)


def _key(figures: _Figures, part: Any, group: str, path: Path) -> Pieces:
    if isinstance(part, KeyValue):
        column, value = figures.node.by[part.index].column, f"{group}.k{part.index}"
        told = json_of(figures.record, column, value)
        return made(f"CASE WHEN {value} IS NOT NULL THEN {sql_of(told)} ELSE 'null' END")
    if isinstance(part, KeyBucket):
        return _bucket(figures, part, f"{group}.k{part.index}")
    if isinstance(part, KeyRow):
        return _row(figures, part, f"{group}.k{part.index}", (*path, part.key))
    return constant(part.name if isinstance(part, Typename) else part.value)


def _row(figures: _Figures, part: KeyRow, value: str, path: Path) -> Pieces:
    plan = figures.plan
    target = plan.registry.record(part.relation.record)
    is_kept = isinstance(figures.record.column(part.relation.column), TenantFK)
    row = RowAt(target, plan.alias())
    names_only = all(isinstance(inner, (Id, Typename)) for inner in part.fields)
    if not (is_kept and names_only and plan.in_sight(target, row.alias) == "true"):
        return the_row(plan, target, Key("id", value), part.fields, path)
    # A foreign key says that the row is there, so its id need not be looked up.
    plan.source(target)
    told = sql_of(an_object(row_members(plan, row, part.fields, path)))
    return made(
        f"CASE WHEN {value} IS NOT NULL THEN (SELECT {told} FROM (SELECT {value} AS id)"
        f" {row.alias}) ELSE 'null' END"
    )


def _bucket(figures: _Figures, part: KeyBucket, start: str) -> Pieces:
    dimension = figures.node.by[part.index]
    is_day = isinstance(figures.record.column(dimension.column), Date)

    def edge(name: str) -> str:
        return _edge(figures.plan, dimension, start, name, is_day=is_day)

    def iso(value: str) -> str:
        return day_json(value) if is_day else f"to_json({value})"

    told = [
        (inner.key, constant(inner.name))
        if isinstance(inner, Typename)
        else (inner.key, made(f"({iso(edge(inner.part))})::text"))
        for inner in part.fields
    ]
    return made(f"CASE WHEN {start} IS NOT NULL THEN {sql_of(an_object(told))} ELSE 'null' END")


def _edge(plan: Plan, dimension: Dimension, start: str, name: str, *, is_day: bool) -> str:
    """The beginning of a bucket, its end (which no longer belongs to it), or its first day."""
    step = f"interval '{_STEPS[dimension.unit or 'day']}'"
    if name == "start" or (is_day and name == "date"):
        return start
    if is_day:
        return f"({start} + {step})::date"
    if name == "end" and dimension.unit == "hour":
        return f"({start} + {step})"
    zone = zone_of(plan)
    local = f"({start} AT TIME ZONE {zone})"
    return f"{local}::date" if name == "date" else f"(({local} + {step}) AT TIME ZONE {zone})"


def _query(figures: _Figures, by: Sequence[Dimension], measures: Sequence[tuple[str, str]]) -> str:
    """A query of ``k0``… (the dimensions), ``n`` and the measures, one row a group."""
    plan, record, listing = figures.plan, figures.record, figures.listing
    keys = [f"k{at}" for at in range(len(by))]
    grouped = f" GROUP BY {', '.join(str(at + 1) for at in range(len(by)))}" if by else ""
    if not measures and listing.parent is None:
        counting = Counting(
            plan,
            record,
            listing.page.wanted,
            tuple(by),
            lambda alias: conditions_of(listing, alias),
        )
        kept = kept_rows(counting)
        if kept is not None:
            n = "coalesce(sum(n), 0)::bigint AS n"
            having = " HAVING sum(n) <> 0" if by else ""
            return f"SELECT {', '.join([*keys, n])} FROM ({kept}) c{grouped}{having}"
    alias = plan.alias()
    told = [
        f"{_held(plan, record, each.column, alias, key_of_row(plan, record, each, alias))} AS {key}"
        for key, each in zip(keys, by, strict=True)
    ]
    told.append("count(*) AS n")
    for function, column in measures:
        value = _held(plan, record, column, alias, f"{alias}.{sql_name(record, column)}")
        cast = "::float8" if function == "avg" else ""
        told.append(f"{function}({value}){cast} AS {figures.measure(function, column)}")
    where = " AND ".join(conditions_of(listing, alias))
    return f"SELECT {', '.join(told)} FROM {plan.source(record)} {alias} WHERE {where}{grouped}"


def _held(plan: Plan, record: Record, column: str, alias: str, value: str) -> str:
    """A column's value where its guard is held, elsewhere null: what may not be read of a row is
    not grouped and not added up either."""
    guard = record.guarded.get(column)
    if guard is None:
        return value
    if not plan.viewer.allows(guard):
        return f"CASE WHEN false THEN {value} END"
    held = plan.held(RowAt(record, alias), guard)
    return value if held in (None, "true") else f"CASE WHEN {held} THEN {value} END"
