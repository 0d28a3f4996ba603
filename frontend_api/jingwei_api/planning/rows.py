"""Rows (行): the fields chosen of a record's row, and of a page of rows."""

import secrets
from collections.abc import Callable, Sequence

from jingwei_api.planning.building import Building
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.wanting import wanted
from jingwei_api.schema.meanings import (
    ColumnField,
    ComputedField,
    CountField,
    CursorField,
    EdgeNodeField,
    EdgesField,
    EitherField,
    IdField,
    ManyField,
    MaskedField,
    OneField,
    PageInfoField,
    TypenameField,
)
from jingwei_core.reading.selection import (
    Column,
    Count,
    Criterion,
    Cursor,
    EdgeNode,
    Edges,
    Flag,
    Id,
    MaskedColumn,
    Page,
    PageField,
    PageInfo,
    PagePart,
    RowField,
    ToAny,
    ToMany,
    ToOne,
    Typename,
    Worked,
)
from jingwei_sdk.records import Record

HIDDEN_ID = f"#id-{secrets.token_hex(8)}"
"""The key of an id that only the audit log needs: no response key is written so, and no value of a
JSON column can hold it."""

RowPlanner = Callable[[Building, Chosen, Record], RowField]
PartPlanner = Callable[[Building, Chosen, Record], PageField]


def record_fields(
    building: Building, record: Record, chosen: Sequence[Chosen]
) -> tuple[RowField, ...]:
    """What a statement answers for the fields chosen of a row."""
    found = [PLANNERS[type(one.meaning)](building, one, record) for one in chosen]
    if record.audited:
        building.is_audited = True
        found.append(Id(HIDDEN_ID))
    return tuple(found)


def page_of(
    building: Building, chosen: Chosen, record: Record, extra: tuple[Criterion, ...] = ()
) -> Page:
    """A connection over a record's rows that also meet ``extra``; raises what :func:`wanted`
    raises."""
    rows = wanted(building, chosen, record, extra)
    fields = tuple(PARTS[type(one.meaning)](building, one, record) for one in chosen.below())
    return Page(chosen.key, record, rows, fields)


def _masked(building: Building, chosen: Chosen, record: Record) -> RowField:
    parts: list[tuple[str, Flag]] = [
        (
            below.key,
            "__typename" if isinstance(below.meaning, TypenameField) else below.meaning.flag,
        )
        for below in chosen.below()
    ]
    return MaskedColumn(chosen.key, chosen.meaning.name, tuple(parts))


def _one(building: Building, chosen: Chosen, record: Record) -> RowField:
    relation = chosen.meaning.relation
    target = building.registry.record(relation.record)
    return ToOne(chosen.key, relation, record_fields(building, target, chosen.below()))


def _either(building: Building, chosen: Chosen, record: Record) -> RowField:
    relation, registry = chosen.meaning.relation, building.registry
    names = relation.records or tuple(registry.records)
    is_audited, building.is_audited = building.is_audited, False
    choices = {
        name: record_fields(building, registry.record(name), chosen.below(name)) for name in names
    }
    # Few of the records that it may be are audited: the answer tells whether one of those is shown.
    building.may_be_audited |= building.is_audited
    building.is_audited = is_audited
    return ToAny(chosen.key, relation.type_column, relation.id_column, choices)


def _many(building: Building, chosen: Chosen, record: Record) -> RowField:
    relation = chosen.meaning.relation
    target = building.registry.record(relation.record)
    return building.tried(
        chosen, lambda: ToMany(chosen.key, relation, page_of(building, chosen, target))
    )


def _edges(building: Building, chosen: Chosen, record: Record) -> Edges:
    fields: list[Cursor | EdgeNode | Typename] = []
    for below in chosen.below():
        if isinstance(below.meaning, CursorField):
            fields.append(Cursor(below.key))
        elif isinstance(below.meaning, EdgeNodeField):
            rows = record_fields(building, record, below.below())
            fields.append(EdgeNode(below.key, rows))
        else:
            fields.append(Typename(below.key, below.parent))
    return Edges(chosen.key, tuple(fields))


def _page_info(building: Building, chosen: Chosen, record: Record) -> PageInfo:
    parts: list[tuple[str, PagePart]] = [
        (
            below.key,
            "__typename" if isinstance(below.meaning, TypenameField) else below.meaning.part,
        )
        for below in chosen.below()
    ]
    return PageInfo(chosen.key, tuple(parts))


PLANNERS: dict[type, RowPlanner] = {
    TypenameField: lambda building, chosen, record: Typename(chosen.key, record.name),
    IdField: lambda building, chosen, record: Id(chosen.key),
    ColumnField: lambda building, chosen, record: Column(chosen.key, chosen.meaning.name),
    MaskedField: _masked,
    ComputedField: lambda building, chosen, record: Worked(chosen.key, chosen.meaning.name),
    OneField: _one,
    EitherField: _either,
    ManyField: _many,
}
"""Who plans which field of a row."""

PARTS: dict[type, PartPlanner] = {
    TypenameField: lambda building, chosen, record: Typename(chosen.key, chosen.parent),
    EdgesField: _edges,
    PageInfoField: _page_info,
    CountField: lambda building, chosen, record: Count(chosen.key),
}
"""Who plans which part of a connection."""
