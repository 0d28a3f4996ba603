"""Filters and sort keys (筛选与排序) of a connection."""

import enum
import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import strawberry

from jingwei_api.schema.naming import camel
from jingwei_api.schema.references import Declarations, is_reference
from jingwei_api.schema.scalars import Enums, JsonValue, Long, column_type
from jingwei_api.schema.types import Field, TypeSpace
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
        self.enums = enums
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
        self.enums.graphql(keys, owner)
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
            python = column_type(record.column(column), self.enums, owner).python
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


def _member(column: str) -> str:
    return column.upper()


def filter_name(record: Record, column: str) -> str:
    """A reference is filtered under the name it is read by: ``place``, not ``placeId``."""
    return camel(column.removesuffix("_id") if is_reference(record, column) else column)
