"""What arguments decide: page sizes, numbers of ids, and conditions without an index."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from graphql import value_from_ast_untyped

from jingwei_api.limits.affine import Number, Test
from jingwei_api.limits.weights import SCAN, SEARCH, Columns, Weight
from jingwei_api.schema.queries import MAX_NODES
from jingwei_core.reading.keyset import DEFAULT_PAGE
from jingwei_core.reading.request import MAX_PAGE

Variables = Mapping[str, Any]
Got = Callable[[Variables], Any]

DEFAULT_GROUPS, MAX_GROUPS = 100, 1000
"""Of an aggregate without and with ``first``."""

_ABSENT = object()
_WORST = object()


class Worst(Mapping[str, Any]):
    """Variables of which each has the costliest value."""

    def __getitem__(self, name: str) -> Any:
        return _WORST

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def page_size(node: Any) -> Number:
    """How many rows a connection's page holds at most."""
    return _size(node, DEFAULT_PAGE, MAX_PAGE)


def group_size(node: Any) -> Number:
    """How many groups an aggregate holds at most."""
    return _size(node, DEFAULT_GROUPS, MAX_GROUPS)


def _size(node: Any, default: int, most: int) -> Number:
    given = [
        argument.value
        for argument in node.arguments or ()
        if argument.name.value in ("first", "last")
    ]
    if not any(value.kind == "variable" for value in given):
        return _largest((value_from_ast_untyped(value) for value in given), default, most)
    got = [_got(value) for value in given]
    if len(got) == 1:
        return _one_size(given[0].name.value, default, most)
    return lambda variables: _largest((one(variables) for one in got), default, most)


def _one_size(name: str, default: int, most: int) -> Number:
    def size(variables: Variables) -> int:
        value = variables.get(name)
        if type(value) is int and 0 <= value <= most:  # nearly always
            return value
        return _largest((value,), default, most)

    return size


def _largest(values: Iterable[Any], default: int, most: int) -> int:
    """The larger of the sizes given; what is no size is refused later and counts in full."""
    known = [value for value in values if value is not None and value is not _ABSENT]
    if not known:
        return default
    return max(_bounded(value, most) for value in known)


def _bounded(value: Any, most: int) -> int:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return int(max(0, min(value, most)))
    return most


def ids_size(node: Any) -> Number:
    """How many ids are given."""
    for argument in node.arguments or ():
        if argument.name.value == "ids":
            if argument.value.kind == "variable":
                got = _got(argument.value)
                return lambda variables: _length(got(variables))
            if argument.value.kind == "list_value":
                return min(len(argument.value.values), MAX_NODES)
            return 1
    return MAX_NODES


def _length(value: Any) -> int:
    if isinstance(value, (list, tuple)):
        return min(len(value), MAX_NODES)
    if value is _WORST:
        return MAX_NODES
    return 0 if value is None or value is _ABSENT else 1


def extra(node: Any, weight: Weight) -> Number:
    """What the search, filter and order of a list cost beyond its page."""
    fixed, open_ = 0, []
    for argument in node.arguments or ():
        name, value = argument.name.value, argument.value
        if name == "search":
            fixed += 0 if value.kind == "null_value" else SEARCH
        elif name in ("filter", "orderBy"):
            count = _scans(value, weight, name)
            if isinstance(count, int):
                fixed += count
            else:
                open_.append(count)
    if not open_:
        return fixed
    return lambda variables: fixed + sum(one(variables) for one in open_)


def _scans(value: Any, weight: Weight, name: str) -> Number:
    told = _filtered if name == "filter" else _sorted
    columns = (weight.filters if name == "filter" else weight.sorts) or {}
    if value.kind != "variable":
        return told(_literal(value), columns)
    got = _got(value)
    return lambda variables: told(got(variables), columns)


def _filtered(value: Any, columns: Columns) -> int:
    if value is _WORST:
        return SCAN * list(columns.values()).count(False)
    if not isinstance(value, Mapping):
        return 0
    return SCAN * sum(1 for name in value if not columns.get(name, False))


def _sorted(value: Any, columns: Columns) -> int:
    """Only the strongest key can come from an index."""
    if value is _WORST:
        return 0 if all(columns.values()) else SCAN
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    key = first.get("field") if isinstance(first, Mapping) else None
    if key is None:
        return 0
    # A sort key that is itself a variable counts as one without an index.
    key = getattr(key, "name", key)
    return 0 if columns.get(str(key), False) else SCAN


def _literal(node: Any) -> Any:
    """A written value; variables inside become texts that name no column."""
    if node.kind == "object_value":
        return {field.name.value: _literal(field.value) for field in node.fields}
    if node.kind == "list_value":
        return [_literal(item) for item in node.values]
    return getattr(node, "value", "$") if node.kind != "null_value" else None


def condition(directives: Any) -> Test:
    """Whether a node is asked for: ``@include`` and ``@skip`` with their variables."""
    open_: list[tuple[Got, bool]] = []
    for directive in directives or ():
        name = directive.name.value
        if name not in ("include", "skip") or not directive.arguments:
            continue
        value, wanted = directive.arguments[0].value, name == "include"
        if value.kind == "variable":
            open_.append((_got(value), wanted))
        elif getattr(value, "value", wanted) is not wanted:
            return False
    if not open_:
        return True
    # What is no boolean is refused later and counts as asked for.
    return lambda variables: all(got(variables) is not (not wanted) for got, wanted in open_)


def _got(node: Any) -> Got:
    if node.kind == "variable":
        name = node.name.value
        return lambda variables: variables.get(name, _ABSENT)
    value = value_from_ast_untyped(node)
    return lambda variables: value
