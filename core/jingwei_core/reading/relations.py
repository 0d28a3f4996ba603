"""Other rows (关联): what a row's references name, and what names the row."""

from typing import NamedTuple

from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.criteria import unseen
from jingwei_core.reading.json_text import NULL, Pieces, an_object, literal, made, sql_of
from jingwei_core.reading.pages import page_of
from jingwei_core.reading.paging import Parent
from jingwei_core.reading.plan import Path, Plan, RowAt, row_field, row_members
from jingwei_core.reading.row_fields import guarded, is_shut
from jingwei_core.reading.selection import RowField, ToAny, ToMany, ToOne
from jingwei_sdk.records import One, Record, Through


class Key(NamedTuple):
    """The row whose ``column`` equals the expression ``sql``; ``known`` says that the row which a
    reference of it names is in sight already."""

    column: str
    sql: str
    known: Through | None = None


@row_field(ToOne)
def _to_one(plan: Plan, row: RowAt, node: ToOne, path: Path) -> Pieces:
    relation = node.relation
    target = plan.registry.record(relation.record)
    inside = (*path, node.key)
    if isinstance(relation, One):
        if is_shut(plan, row, relation.column):
            return NULL
        key = Key("id", row.column(relation.column))
        return guarded(plan, row, relation.column, the_row(plan, target, key, node.fields, inside))
    known = Through(relation.column, row.record.name)
    key = Key(relation.column, row.column("id"), known)
    return the_row(plan, target, key, node.fields, inside)


@row_field(ToAny)
def _to_any(plan: Plan, row: RowAt, node: ToAny, path: Path) -> Pieces:
    if is_shut(plan, row, node.type_column, node.id_column):
        return NULL
    key = Key("id", row.column(node.id_column))
    kind = row.column(node.type_column)
    branches = [
        f"WHEN {kind} = {literal(name)} THEN "
        + sql_of(the_row(plan, plan.registry.record(name), key, fields, (*path, node.key)))
        for name, fields in node.choices.items()
    ]
    if not branches:
        return NULL
    pieces = made(f"CASE {' '.join(branches)} ELSE 'null' END")
    for column in (node.type_column, node.id_column):
        pieces = guarded(plan, row, column, pieces)
    return pieces


@row_field(ToMany)
def _to_many(plan: Plan, row: RowAt, node: ToMany, path: Path) -> Pieces:
    relation = node.relation
    parent = Parent(relation.column, row.column("id"), Through(relation.column, row.record.name))
    return page_of(plan, node.page, (*path, node.key), parent)


def the_row(
    plan: Plan, target: Record, key: Key, fields: tuple[RowField, ...], path: Path
) -> Pieces:
    """The row in sight that a key names, or null."""
    row = RowAt(target, plan.alias())
    found = sql_of(an_object(row_members(plan, row, fields, path)))
    column = f"{row.alias}.{sql_name(target, key.column)}"
    # The key leads to the row; an index of paths would lead through a whole area.
    seen = unseen(plan.in_sight(target, row.alias, key.known))
    # A unique column names one row at most; the limit says so where the database cannot know.
    limit = "" if key.column == "id" else " LIMIT 1"
    return made(
        f"coalesce((SELECT {found} FROM {plan.source(target)} {row.alias}"
        f" WHERE {column} = {key.sql} AND {seen}{limit}), 'null')"
    )
