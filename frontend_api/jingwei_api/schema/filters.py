"""Filters and sort keys (筛选与排序) of a connection, and their translation for the reader."""

import enum
import uuid
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import strawberry

from jingwei_api.schema import global_id
from jingwei_api.schema.naming import camel
from jingwei_api.schema.references import Declarations, is_reference, reference_targets
from jingwei_api.schema.scalars import Enums, JsonValue, Long, column_type
from jingwei_api.schema.types import Field, TypeSpace
from jingwei_core.reading.request import Condition, Direction
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record

_RANGE = ("gte", "gt", "lte", "lt")
_SHARED: Mapping[Any, tuple[str, bool]] = {
    str: ("Text", False),
    int: ("Int", True),
    float: ("Float", True),
    Long: ("Long", True),
    datetime: ("DateTime", True),
    date: ("Date", True),
    bool: ("Boolean", False),
    uuid.UUID: ("UUID", False),
    strawberry.ID: ("ID", False),
}


@strawberry.enum(description="Direction of a sort key.")
class SortDirection(enum.Enum):
    """升序 or 降序."""

    ASC = "asc"
    DESC = "desc"


class Filters:
    """Makes the filter inputs of one schema; one for each value type, shared by all records."""

    def __init__(self, space: TypeSpace, registry: Declarations, enums: Enums) -> None:
        self._space = space
        self._registry = registry
        self._enums = enums
        self._made: set[str] = set()

    def filter_type(self, record: Record, owner: str) -> str | None:
        """The name of ``<Record>Filter``, or ``None`` for a record without filters."""
        fields = []
        for column in record.filters:
            kind = self._value_type(record, column, owner)
            if kind is not None:
                fields.append(
                    Field(column, f"{kind} | None", graphql_name=filter_name(record, column))
                )
        if not fields:
            return None
        name = f"{record.name}Filter"
        self._space.input(
            name,
            fields,
            owner=owner,
            description=f"All given conditions must hold ({record.name}).",
        )
        return name

    def order_type(self, record: Record, owner: str) -> str | None:
        """The name of ``<Record>Order``, or ``None`` for a record without sort keys."""
        if not record.sort:
            return None
        keys = enum.Enum(  # type: ignore[misc]
            f"{record.name}OrderField",
            {_member(column): column for column in record.sort},
            module=__name__,
        )
        self._enums.graphql(keys, owner)
        name = f"{record.name}Order"
        fields = [
            Field("field", keys),
            Field("direction", SortDirection | None, "ASC unless said otherwise."),
        ]
        self._space.input(name, fields, owner=owner, description=f"A sort key of {record.name}.")
        return name

    def _value_type(self, record: Record, column: str, owner: str) -> str | None:
        if column == "id" or is_reference(record, column):
            python: Any = strawberry.ID
        else:
            python = column_type(record.column(column), self._enums, owner).python
        if isinstance(python, type) and issubclass(python, enum.Enum):
            return self._operators(f"{python.__name__}Filter", python, has_range=False)
        if python not in _SHARED or python is JsonValue:
            return None
        stem, has_range = _SHARED[python]
        return self._operators(f"{stem}Filter", python, has_range=has_range)

    def _operators(self, name: str, python: Any, *, has_range: bool) -> str:
        if name in self._made:
            return name
        self._made.add(name)
        fields = [Field("eq", python | None)]
        if python is not bool:
            fields.append(Field("in_", list[python] | None, graphql_name="in"))
        if has_range:
            fields += [Field(op, python | None) for op in _RANGE]
        if python is str:
            fields.append(Field("starts_with", str | None, "Letter case counts."))
        fields.append(Field("is_null", bool | None, "true: has no value; false: has one."))
        self._space.input(name, fields, owner="core", description="All given operators must hold.")
        return name


def conditions(
    registry: Declarations, record: Record, given: Mapping[str, Any] | None
) -> tuple[Condition, ...]:
    """The reader's conditions for a ``filter`` argument.

    Raises ``Invalid`` (``ID_INVALID``, ``ID_OF_OTHER_TYPE``, ``FILTER_EMPTY``).
    """
    found: list[Condition] = []
    targets = {**reference_targets(registry, record), "id": record.name}
    for column, operators in (given or {}).items():
        for op, value in (operators or {}).items():
            where = f"filter.{filter_name(record, column)}.{camel(op.rstrip('_'))}"
            if value is None:
                # "equal to nothing" would quietly mean everything; isNull says it clearly.
                raise Invalid("FILTER_EMPTY", field=where)
            found.append(_condition(column, op.rstrip("_"), value, targets.get(column), where))
    return tuple(found)


def sort_keys(given: Sequence[Mapping[str, Any]] | None) -> tuple[tuple[str, Direction], ...]:
    """The reader's sort for an ``orderBy`` argument."""
    keys: list[tuple[str, Direction]] = []
    for order in given or ():
        direction = order.get("direction") or SortDirection.ASC
        keys.append((order["field"].value, direction.value))
    return tuple(keys)


def _condition(column: str, op: Any, value: Any, target: str | None, where: str) -> Condition:
    if target is not None and op != "is_null":
        if op == "in":
            value = [global_id.decode_as(target, item, where) for item in value]
        else:
            value = global_id.decode_as(target, value, where)
    elif isinstance(value, list):
        value = [_plain(item) for item in value]
    return Condition(column, op, _plain(value))


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, enum.Enum) else value


def _member(column: str) -> str:
    return column.upper()


def filter_name(record: Record, column: str) -> str:
    """A reference is filtered under the name it is read by: ``place``, not ``placeId``."""
    return camel(column.removesuffix("_id") if is_reference(record, column) else column)
