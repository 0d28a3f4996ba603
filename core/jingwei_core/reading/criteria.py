"""Criteria (条件): which rows a page holds, as SQL over parameters."""

from collections.abc import Callable, Sequence
from typing import Any

from jingwei_core.database.plugin_sql import checked_fragment
from jingwei_core.reading.columns import sql_name, sql_type
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.selection import AnyOf, Criterion, Sql, Subtree, Test, Value, Wanted
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import AtPlace, Record

_OPERATORS = {"eq": "=", "gte": ">=", "gt": ">", "lte": "<=", "lt": "<", "starts_with": "^@"}


def searched(plan: Plan, record: Record, wanted: Wanted, alias: str) -> list[str]:
    """The condition of a search, if there is one; raises ``Invalid`` (``SEARCH_UNKNOWN``)."""
    text = wanted.search
    if text is None:
        return []
    if record.search is None:
        raise Invalid("SEARCH_UNKNOWN", field="search", record=record.name)
    needle = plan.once(("search", text), lambda asked: str(text.of(asked)).strip().lower(), "text")
    if record.finder is not None:
        return [checked_fragment(record.finder.met(needle, alias))]
    return [f"strpos({alias}.{sql_name(record, record.search)}, {needle}) > 0"]


def conditions(
    plan: Plan, record: Record, where: Sequence[Criterion], alias: str, *, walked: bool = False
) -> list[str]:
    """The conditions of ``where``; all of them must hold.

    ``walked`` hides those on place paths from the choice of an index.
    """
    told = unseen if walked else str
    return [_condition(plan, record, criterion, alias, told) for criterion in where]


def unseen(condition: str) -> str:
    """The condition in a form that the planner takes for true half of the time, and looks for no
    index for: a generic plan takes any subtree for a small one."""
    return condition if condition in ("true", "false") else f"CASE WHEN {condition} THEN true END"


def _condition(
    plan: Plan, record: Record, criterion: Criterion, alias: str, told: Callable[[str], str]
) -> str:
    if isinstance(criterion, Sql):
        return f"({criterion.render(alias, plan.add)})"
    if isinstance(criterion, AnyOf):
        groups = [
            " AND ".join(_condition(plan, record, one, alias, told) for one in group) or "true"
            for group in criterion.groups
        ]
        return "(" + " OR ".join(f"({group})" for group in groups) + ")" if groups else "false"
    column = f"{alias}.{sql_name(record, criterion.column)}"
    if isinstance(criterion, Subtree):
        return told(_subtrees(plan, criterion, column))
    return test_of(plan, record, criterion, column)


def test_of(plan: Plan, record: Record, test: Test, column: str) -> str:
    """The condition of a test on ``column``, the SQL of the tested column's value."""
    if test.op == "is_null":
        return f"{column} IS {'' if test.value else 'NOT '}NULL"
    if isinstance(test.value, bool):
        # Told as it is: how rare it is counts when a plan is made.
        return f"{column} {_OPERATORS[test.op]} {str(test.value).lower()}"
    kind = sql_type(record, test.column)
    if test.op == "in":
        value = test.value
        mark = (
            plan.once(("list", value), lambda asked: list(value.of(asked)), f"{kind}[]")
            if isinstance(value, Value)
            else plan.add(list(value), f"{kind}[]")
        )
        return f"{column} = ANY({mark})"
    return f"{column} {_OPERATORS[test.op]} {plan.add(test.value, kind)}"


def _subtrees(plan: Plan, criterion: Subtree, column: str) -> str:
    given = criterion.prefixes

    def end(at: int, last: str) -> str:
        def of(asked: Any) -> str:
            prefix: str = given.of(asked)[at]
            return prefix[:-1] + "0" if last else prefix

        return plan.once(("subtree", given, at, last), of, "text")

    ranges = [
        f"({column} >= {end(at, '')} AND {column} < {end(at, '0')})"
        for at in range(criterion.count)
    ]
    return "(" + " OR ".join(ranges) + ")" if ranges else "false"


def under(plan: Plan, record: Record, place: Value, alias: str) -> str:
    """The subtree of a place; an unknown place and one out of sight both cover nothing.

    Raises ``Invalid`` (``UNDER_UNKNOWN``) for a record that lies nowhere.
    """
    column = next((s.column for s in record.scope if isinstance(s, AtPlace)), None)
    if column is None:
        raise Invalid("UNDER_UNKNOWN", field="under", record=record.name)
    path = f"{alias}.{sql_name(record, column)}"
    low = path_of_place(plan, place)
    high = path_of_place(plan, place, "left({path}, -1) || '0'")
    return f"({path} >= {low} AND {path} < {high})"


def path_of_place(plan: Plan, place: Value, sql: str = "{path}") -> str:
    """The path of a place in sight, or something made of it; null for an unknown place."""
    places, name = plan.registry.record("Place"), plan.alias()
    seen = plan.in_sight(places, name)
    return (
        f"(SELECT {sql.format(path=f'{name}.path')} FROM {plan.source(places)} {name}"
        f" WHERE {name}.id = {plan.add(place, 'uuid')} AND {seen})"
    )
