"""Narrowed questions (收窄的提问) as conditions of a statement.

The conditions of one request say which statement answers it (their shape) and its parameters. A
statement serves every request whose conditions have one shape.
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from jingwei_core.database.plugin_sql import check_expression
from jingwei_core.reading import selection
from jingwei_core.reading.selection import Asked, Criterion, Sql, Test, Value
from jingwei_sdk.narrowing import (
    AnyOf,
    AtLeast,
    AtMost,
    Condition,
    Equal,
    IsNull,
    Narrowed,
    OneOf,
    Under,
    Written,
)

Shape = tuple[Any, ...]
Conditions = Callable[[Asked], Sequence[Condition]]
_NO_ORDER = Written("{row}.id")


def shape_of(conditions: Sequence[Condition]) -> Shape:
    """What of the conditions is written into the statement."""
    return tuple([_shape(one) for one in conditions])


def shape_of_answer(narrowed: Narrowed) -> Hashable:
    """What of a narrowed question is written into the statement."""
    figures = tuple([(name, _shape(one)) for name, one in narrowed.figures.items()])
    return shape_of(narrowed.where), _shape(narrowed.order or _NO_ORDER), figures


def criteria(shape: Shape, conditions: Conditions) -> tuple[Criterion, ...]:
    """The conditions of requests of one shape; ``conditions`` are those of each request."""
    return tuple(
        _criterion(one, _nth(conditions, at), conditions, at) for at, one in enumerate(shape)
    )


def written(shape: Shape, found: Callable[[Asked], Written]) -> Sql:
    """SQL of a question's own, whose values are those of each request; raises ``Refused``
    (``PLUGIN_SQL_REFUSED``)."""
    _, text, names = shape
    check_expression(text, names)

    def render(alias: str, add: Callable[[Any], str]) -> str:
        told: str = text.format(row=alias, **{name: add(_value(found, name)) for name in names})
        return told

    return Sql(render)


def order_of(narrowed: Narrowed) -> Written:
    """The order that a question gives, else that of ids."""
    return narrowed.order or _NO_ORDER


def _shape(condition: Condition) -> Shape:
    if isinstance(condition, AnyOf):
        return "any", tuple([shape_of(group) for group in condition.groups])
    if isinstance(condition, Under):
        return "under", condition.column, len(condition.paths)
    if isinstance(condition, IsNull):
        return "null", condition.column, condition.is_null
    if isinstance(condition, Written):
        return "sql", condition.sql, tuple(condition.values)
    if isinstance(condition, OneOf):
        return "in", condition.column, None
    # A truth value is written: indexes of some rows only are found by it.
    value = condition.value if isinstance(condition.value, bool) else None
    return _OPERATORS[type(condition)], condition.column, value


_OPERATORS: dict[type, str] = {Equal: "eq", AtLeast: "gte", AtMost: "lte"}


def _criterion(
    shape: Shape, found: Callable[[Asked], Any], conditions: Conditions, at: int
) -> Criterion:
    kind, first, second = (*shape, None)[:3]
    if kind == "any":
        groups = [_group(conditions, at, number) for number in range(len(first))]
        pairs = zip(first, groups, strict=True)
        return selection.AnyOf(tuple(criteria(inner, group) for inner, group in pairs))
    if kind == "under":
        return selection.Subtree(first, Value(lambda asked: found(asked).paths), second)
    if kind == "null":
        return Test(first, "is_null", value=second)
    if kind == "sql":
        return written(shape, found)
    if kind == "in":
        return Test(first, "in", Value(lambda asked: found(asked).values))
    if second is not None:
        return Test(first, kind, second)
    return Test(first, kind, Value(lambda asked: found(asked).value))


def _nth(conditions: Conditions, at: int) -> Callable[[Asked], Any]:
    return lambda asked: conditions(asked)[at]


def _group(conditions: Conditions, at: int, number: int) -> Conditions:
    def group(asked: Asked) -> Sequence[Condition]:
        found: Any = conditions(asked)[at]
        inner: Sequence[Condition] = found.groups[number]
        return inner

    return group


def _value(found: Callable[[Asked], Written], name: str) -> Value:
    return Value(lambda asked: found(asked).values[name])


BLANK: Any = shape_of_answer(Narrowed(()))
"""The shape of an answer that is not known yet."""
