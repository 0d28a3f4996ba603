"""Fields of the root (根字段): pages, look-ups and lists, and objects that are no rows."""

from typing import Any

from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.compiled import EACH
from jingwei_core.reading.criteria import conditions
from jingwei_core.reading.json_text import (
    NULL,
    Made,
    Pieces,
    Text,
    a_list,
    an_object,
    constant,
    made,
    sql_of,
)
from jingwei_core.reading.pages import page_of
from jingwei_core.reading.plan import Path, Plan, RowAt, root_field, root_members, row_members
from jingwei_core.reading.relations import Key, the_row
from jingwei_core.reading.row_fields import constant_of
from jingwei_core.reading.selection import (
    Constant,
    Figure,
    First,
    Group,
    Items,
    Lookup,
    Nothing,
    Page,
    RowOf,
    Rows,
    Typename,
)


@root_field(Typename)
def _typename(plan: Plan, node: Typename, path: Path) -> Pieces:
    return constant(node.name)


@root_field(Nothing)
def _nothing(plan: Plan, node: Nothing, path: Path) -> Pieces:
    return NULL


@root_field(Constant)
def _constant(plan: Plan, node: Constant, path: Path) -> Pieces:
    return constant_of(plan, node)


@root_field(Group)
def _group(plan: Plan, node: Group, path: Path) -> Pieces:
    return an_object(root_members(plan, node.fields, (*path, node.key)))


@root_field(Page)
def _page(plan: Plan, node: Page, path: Path) -> Pieces:
    return page_of(plan, node, (*path, node.key))


@root_field(Lookup)
def _lookup(plan: Plan, node: Lookup, path: Path) -> Pieces:
    return _looked_up(plan, node, (*path, node.key))


@root_field(Items)
def _items(plan: Plan, node: Items, path: Path) -> Pieces:
    # Entries differ in type; each knows its own computed fields by their number.
    inside = (*path, node.key, EACH)
    return a_list([NULL if item is None else _looked_up(plan, item, inside) for item in node.items])


@root_field(First)
def _first(plan: Plan, node: First, path: Path) -> Pieces:
    row = RowAt(node.record, plan.alias())
    found = sql_of(an_object(row_members(plan, row, node.fields, (*path, node.key))))
    return made(f"coalesce((SELECT {found} FROM {_ordered(plan, node, row, 1)}), 'null')")


@root_field(Rows)
def _rows(plan: Plan, node: Rows, path: Path) -> Pieces:
    row = RowAt(node.record, plan.alias())
    inside = (*path, node.key, EACH)
    entry = sql_of(an_object((f.key, _entry_field(plan, row, f, inside)) for f in node.fields))
    source = _ordered(plan, node, row, node.limit)
    return (Text("["), Made(f"(SELECT string_agg({entry}, ',') FROM {source})"), Text("]"))


def _entry_field(plan: Plan, row: RowAt, field: Any, path: Path) -> Pieces:
    if isinstance(field, RowOf):
        return an_object(row_members(plan, row, field.fields, (*path, field.key)))
    if isinstance(field, Figure):
        row.every_column()
        return made(f"coalesce(to_json({field.sql.render(row.alias, plan.add)}), 'null')")
    return constant(field.name)


def _looked_up(plan: Plan, node: Lookup, path: Path) -> Pieces:
    value = plan.add(node.value, sql_type(node.record, node.column))
    return the_row(plan, node.record, Key(node.column, value), node.fields, path)


def _ordered(plan: Plan, node: First | Rows, row: RowAt, limit: int) -> str:
    """The rows in sight in an order of the core's own, as an entry of FROM."""
    alias = plan.alias()
    where = [plan.in_sight(node.record, alias), *conditions(plan, node.record, node.where, alias)]
    order = node.order.render(alias, plan.add)
    brought = ", ".join(f"{alias}.{name}" for name in row.uses) or "true"
    return (
        f"(SELECT {brought} FROM {plan.source(node.record)} {alias}"
        f" WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {limit}) {row.alias}"
    )
