"""Figures (统计): the aggregate of a connection as a part of its selection."""

from collections.abc import Sequence
from typing import Any

from jingwei_api.planning.building import Building
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.rows import PARTS, record_fields
from jingwei_api.planning.wanting import mind_guards
from jingwei_api.schema.aggregates import (
    DEFAULT_GROUPS,
    MOST_DIMENSIONS,
    MOST_GROUPS,
    AggregateField,
    CutField,
    GroupKeyField,
    GroupsField,
    MeasuresField,
    TallyField,
)
from jingwei_api.schema.filters import SortDirection
from jingwei_api.schema.meanings import TypenameField
from jingwei_core.reading.figures import (
    Aggregate,
    BucketEdge,
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
from jingwei_core.reading.request import Direction
from jingwei_core.reading.selection import Column, Constant, PageField, Typename
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record

Order = tuple[tuple[Any, Direction], ...]


def aggregate(building: Building, chosen: Chosen, record: Record) -> PageField:
    """The aggregate; refused arguments are told and take nothing else away."""
    return building.tried(chosen, lambda: _aggregate(building, chosen, record))


def _aggregate(building: Building, chosen: Chosen, record: Record) -> Aggregate:
    """Raises ``Invalid``: ``GROUPING_TOO_MANY``, ``GROUPING_TWICE``, ``PAGE_SIZE_INVALID``."""
    by = _dimensions(building, chosen)
    size = building.now(chosen.input("first"))
    size = DEFAULT_GROUPS if size is None else size
    if not 0 <= size <= MOST_GROUPS:
        raise Invalid("PAGE_SIZE_INVALID", field="first", size=size, limit=MOST_GROUPS)
    measured: dict[str, None] = {}
    fields = tuple(_part(building, one, record, by, measured) for one in chosen.below())
    mind_guards(building, chosen, record, [*(each.column for each in by), *measured])
    return Aggregate(chosen.key, by, fields, _order(building, chosen, by), size)


def _dimensions(building: Building, chosen: Chosen) -> tuple[Dimension, ...]:
    given = building.now(chosen.input("by")) or ()
    if len(given) > MOST_DIMENSIONS:
        raise Invalid("GROUPING_TOO_MANY", field="by", size=len(given), limit=MOST_DIMENSIONS)
    found: dict[str, Dimension] = {}
    for member in given:
        column, _, unit = member.value.partition(":")
        if column in found:
            raise Invalid("GROUPING_TWICE", field="by", name=member.name)
        found[column] = Dimension(column, unit or None)
    return tuple(found.values())


def _order(building: Building, chosen: Chosen, by: Sequence[Dimension]) -> Order:
    given = building.now(chosen.input("order_by"))
    if given:
        return tuple(
            (order["field"].value, (order.get("direction") or SortDirection.ASC).value)
            for order in given
        )
    # A course of time reads from the left; anything else begins with what there is most of.
    return (("key", "asc"),) if any(each.unit for each in by) else (("count", "desc"),)


def _part(
    building: Building,
    chosen: Chosen,
    record: Record,
    by: Sequence[Dimension],
    measured: dict[str, None],
) -> Any:
    """A field of the aggregate or of one of its groups."""
    meaning = chosen.meaning
    if isinstance(meaning, TypenameField):
        return Typename(chosen.key, chosen.parent)
    if isinstance(meaning, TallyField):
        return Tally(chosen.key)
    if isinstance(meaning, CutField):
        return IsCut(chosen.key)
    if isinstance(meaning, MeasuresField):
        named = tuple(_figure(one) for one in chosen.below())
        measured.update({one.name: None for one in named if isinstance(one, Column)})
        return Measures(chosen.key, meaning.function, named)
    if isinstance(meaning, GroupKeyField):
        return GroupKey(chosen.key, tuple(_key(building, one, by) for one in chosen.below()))
    assert isinstance(meaning, GroupsField)
    inside = (_part(building, one, record, by, measured) for one in chosen.below())
    return Groups(chosen.key, tuple(inside))


def _figure(chosen: Chosen) -> Column | Typename:
    if isinstance(chosen.meaning, TypenameField):
        return Typename(chosen.key, chosen.parent)
    return Column(chosen.key, chosen.meaning.name)


def _key(building: Building, chosen: Chosen, by: Sequence[Dimension]) -> Any:
    meaning = chosen.meaning
    if isinstance(meaning, TypenameField):
        return Typename(chosen.key, chosen.parent)
    at = next((at for at, each in enumerate(by) if each.column == meaning.column), None)
    if meaning.relation is not None:
        target = building.registry.record(meaning.relation.record)
        # Also where no row is shown: wrong arguments of its fields are told all the same.
        fields = record_fields(building, target, chosen.below())
        if at is None:
            return Constant(chosen.key, None)
        return KeyRow(chosen.key, at, meaning.relation, fields)
    if at is None:
        return Constant(chosen.key, None)
    if by[at].unit is not None:
        return KeyBucket(chosen.key, at, tuple(_edge(one) for one in chosen.below()))
    return KeyValue(chosen.key, at)


def _edge(chosen: Chosen) -> BucketEdge | Typename:
    if isinstance(chosen.meaning, TypenameField):
        return Typename(chosen.key, chosen.parent)
    return BucketEdge(chosen.key, chosen.meaning.part)


PARTS[AggregateField] = aggregate
