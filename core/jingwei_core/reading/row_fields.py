"""Fields of a row (行字段): columns with their guards and masks, and computed fields."""

from jingwei_core.reading.columns import json_of, kind_of, stored_json
from jingwei_core.reading.compiled import SLOT, WorkedAt, reader_of
from jingwei_core.reading.json_text import (
    NULL,
    Pieces,
    an_object,
    constant,
    made,
    or_null,
    sql_of,
)
from jingwei_core.reading.masks import masked_sql
from jingwei_core.reading.plan import Path, Plan, RowAt, global_id, row_field
from jingwei_core.reading.selection import (
    Column,
    Constant,
    Id,
    MaskedColumn,
    Nothing,
    Typename,
    Value,
    Worked,
)
from jingwei_sdk.personal import masked_columns
from jingwei_sdk.records import Computed


@row_field(Typename)
def _typename(plan: Plan, row: RowAt, node: Typename, path: Path) -> Pieces:
    return constant(node.name)


@row_field(Nothing)
def _nothing(plan: Plan, row: RowAt, node: Nothing, path: Path) -> Pieces:
    return NULL


@row_field(Constant)
def _constant(plan: Plan, row: RowAt, node: Constant, path: Path) -> Pieces:
    return constant_of(plan, node)


@row_field(Id)
def _id(plan: Plan, row: RowAt, node: Id, path: Path) -> Pieces:
    return global_id(row.record.name, row)


@row_field(Column)
def _column(plan: Plan, row: RowAt, node: Column, path: Path) -> Pieces:
    return guarded(plan, row, node.name, json_of(row.record, node.name, row.column(node.name)))


@row_field(MaskedColumn)
def _masked(plan: Plan, row: RowAt, node: MaskedColumn, path: Path) -> Pieces:
    shown = _shown(row, node.name)
    parts = {
        "shown": made(f"to_json({shown})"),
        "is_masked": constant(value=True),
        "__typename": constant("Masked"),
    }
    told = sql_of(an_object((key, parts[flag]) for key, flag in node.parts))
    pieces = made(f"CASE WHEN {row.column(node.name)} IS NOT NULL THEN {told} ELSE 'null' END")
    return guarded(plan, row, node.name, pieces)


@row_field(Worked)
def _worked(plan: Plan, row: RowAt, node: Worked, path: Path) -> Pieces:
    computed = plan.registry.computed(row.record)[node.name]
    needs = tuple(dict.fromkeys(("id", *computed.needs)))
    masked = masked_columns(row.record.table)
    readers = {
        name: reader_of("masked" if name in masked else kind_of(row.record, name)) for name in needs
    }
    number = len(plan.worked)
    plan.worked.append(WorkedAt(number, path, node.key, row.record, node.name, computed, readers))
    brought = an_object(
        [(SLOT, constant(number)), *((name, _needed(plan, row, name)) for name in needs)]
    )
    return _permitted(plan, row, computed, brought)


def constant_of(plan: Plan, node: Constant) -> Pieces:
    """What is known without a row; a ``Value`` is worked out for each request."""
    if not isinstance(node.value, Value):
        return constant(node.value)
    return made(plan.json_value(node.value))


def is_shut(plan: Plan, row: RowAt, *names: str) -> bool:
    """Whether the guard of one of the columns is held nowhere. What would be read behind it must
    not be compiled then: the statement would have parameters that it does not mention."""
    guards = [row.record.guarded[name] for name in names if name in row.record.guarded]
    return not all(plan.viewer.allows(guard) for guard in guards)


def guarded(plan: Plan, row: RowAt, name: str, pieces: Pieces) -> Pieces:
    """``pieces`` where the guard of a column is held: where the row lies, itself or the row that it
    is seen through, or, for a record that lies nowhere, anywhere; elsewhere null."""
    return _where_held(plan, row, row.record.guarded.get(name), pieces)


def _permitted(plan: Plan, row: RowAt, computed: Computed, pieces: Pieces) -> Pieces:
    return _where_held(plan, row, computed.permission, pieces)


def _where_held(plan: Plan, row: RowAt, permission: str | None, pieces: Pieces) -> Pieces:
    if permission is None:
        return pieces
    if not plan.viewer.allows(permission):
        return NULL
    held = plan.held(row, permission, row_by_row=True)
    if held in (None, "true"):
        return pieces
    return made(f"CASE WHEN {held} THEN {sql_of(pieces)} ELSE 'null' END")


def _needed(plan: Plan, row: RowAt, name: str) -> Pieces:
    """A column for a computed field: as the reader may see it."""
    if name in masked_columns(row.record.table):
        return guarded(plan, row, name, or_null(f"to_json({_shown(row, name)})"))
    return guarded(plan, row, name, stored_json(row.record, name, row.column(name)))


def _shown(row: RowAt, name: str) -> str:
    mask = masked_columns(row.record.table)[name].mask
    assert mask is not None
    return masked_sql(mask, row.column(name))
