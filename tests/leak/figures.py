"""Generated attempts at figures: every grouping, order and measure that an aggregate offers."""

from collections.abc import Iterator
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLObjectType,
    get_named_type,
    is_leaf_type,
)

from tests.leak.surface import Name, arguments, shallow

FIELD = "aggregate"
_ORDERS = [(key, way) for key in ("COUNT", "KEY") for way in ("ASC", "DESC")]


def aggregate_of(field: GraphQLField) -> GraphQLField | None:
    """The aggregate of a connection field, if it has one."""
    kind = get_named_type(field.type)
    return kind.fields.get(FIELD) if isinstance(kind, GraphQLObjectType) else None


def groupings(aggregate: GraphQLField) -> list[str]:
    """What an aggregate may be grouped by."""
    if "by" not in aggregate.args:
        return []
    kind = get_named_type(aggregate.args["by"].type)
    assert isinstance(kind, GraphQLEnumType)
    return list(kind.values)


def brief(field: GraphQLField) -> str:
    """The counts of a connection by the first thing it may be grouped by; empty without."""
    aggregate = aggregate_of(field)
    if aggregate is None:
        return ""
    names = groupings(aggregate)[:1]
    if not names:
        return f" {FIELD} {{ count }}"
    given = arguments({"by": [Name(name) for name in names], "first": 1000})
    return f" {FIELD}{given} {{ count isCut groups {{ count }} }}"


def figures(field: GraphQLField) -> Iterator[str]:
    """The aggregate of a connection by each grouping, with every value it leads to."""
    aggregate = aggregate_of(field)
    if aggregate is None:
        return
    kind = get_named_type(aggregate.type)
    assert isinstance(kind, GraphQLObjectType)
    names = groupings(aggregate)
    if not names:
        yield f"{FIELD} {{ {_everything(kind)} }}"
    for at, name in enumerate(names):
        key, way = _ORDERS[at % len(_ORDERS)]
        others = [other for other in names if not _shares_column(other, name)][: at % 2]
        given = {
            "by": [Name(name), *(Name(other) for other in others)],
            "orderBy": [{"field": Name(key), "direction": Name(way)}],
            "first": 1000,
        }
        yield f"{FIELD}{arguments(given)} {{ {_everything(kind)} }}"


def _shares_column(name: str, other: str) -> bool:
    return name.rpartition("_")[0] == other.rpartition("_")[0] or name == other


def _everything(kind: GraphQLObjectType) -> str:
    """All values of an aggregate's types; of a row that a key leads to, its own values."""
    parts = [shallow(kind)]
    for name, field in kind.fields.items():
        inner: Any = get_named_type(field.type)
        if is_leaf_type(inner):
            continue
        is_row = any(interface.name == "Node" for interface in inner.interfaces)
        parts.append(f"{name} {{ {shallow(inner) if is_row else _everything(inner)} }}")
    return " ".join(parts)


def miscounted(found: dict[str, Any]) -> list[str]:
    """What a connection's figures tell beyond its rows."""
    aggregate = found.get(FIELD)
    if not isinstance(aggregate, dict) or "count" not in aggregate:
        return []
    told, total = [], aggregate["count"]
    if found.get("totalCount", total) != total:
        told.append(f"aggregate counts {total} of {found['totalCount']} rows")
    groups = aggregate.get("groups")
    if groups and not aggregate.get("isCut") and sum(each["count"] for each in groups) != total:
        told.append(f"groups of {total} rows count otherwise")
    return told
