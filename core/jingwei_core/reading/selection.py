"""Selections (读取选择): what one read asks for, before it is SQL.

A tree of plain values, built from a GraphQL operation (or by hand) and compiled into one statement.
It holds no value of a request: those are :class:`Value` objects, worked out when the statement is
run, so that a statement serves every request of the same shape.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import msgspec

from jingwei_core.reading.figures import Aggregate
from jingwei_core.reading.request import Direction
from jingwei_sdk.context import Actor, Permissions, Tenant
from jingwei_sdk.records import Many, One, Opposite, Record

Flag = Literal["shown", "is_masked", "__typename"]
PagePart = Literal["has_next_page", "has_previous_page", "start_cursor", "end_cursor", "__typename"]


class Asked(msgspec.Struct, frozen=True):
    """What one request brings to a compiled statement."""

    tenant: Tenant
    actor: Actor
    permissions: Permissions
    now: datetime
    locale: str
    variables: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Value:
    """A parameter of the statement.

    ``of`` may raise ``Invalid`` or ``Denied``; the field that it belongs to is answered with null
    and the error then. ``cast`` is the SQL type where the server cannot infer it.
    """

    of: Callable[[Asked], Any]
    cast: str = ""


@dataclass(frozen=True, slots=True)
class Typename:
    """``__typename``."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class Id:
    """The global id of the row."""

    key: str


@dataclass(frozen=True, slots=True)
class Column:
    """A readable column; a guarded one is null where the guard is not held."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class MaskedColumn:
    """A personal column, shown as its mask says."""

    key: str
    name: str
    parts: tuple[tuple[str, Flag], ...]


@dataclass(frozen=True, slots=True)
class Worked:
    """A computed field: the statement brings what it needs, Python works it out in batches."""

    key: str
    name: str


@dataclass(frozen=True, slots=True)
class ToOne:
    """The row that a reference names, or the one row that names this one; null out of sight."""

    key: str
    relation: One | Opposite
    fields: "tuple[RowField, ...]"


@dataclass(frozen=True, slots=True)
class ToAny:
    """A reference to a row of one of several records, whose type name ``type_column`` holds."""

    key: str
    type_column: str
    id_column: str
    choices: "Mapping[str, tuple[RowField, ...]]"


@dataclass(frozen=True, slots=True)
class ToMany:
    """A page of the rows that name this one."""

    key: str
    relation: Many
    page: "Page"


@dataclass(frozen=True, slots=True)
class Nothing:
    """null: a field whose arguments were refused."""

    key: str


@dataclass(frozen=True, slots=True)
class Constant:
    """JSON known without the database, or worked out for each request (a ``Value`` of it)."""

    key: str
    value: Any


@dataclass(frozen=True, slots=True, eq=False)
class Sql:
    """A condition or order that the core writes itself; ``render(alias, add)`` gives the SQL, with
    ``add(Value | constant)`` answering the placeholder of a parameter."""

    render: Callable[[str, Callable[[Any], str]], str]


@dataclass(frozen=True, slots=True)
class Test:
    """``column op value``; ``value`` is a :class:`Value` or a constant, for ``is_null`` a bool."""

    column: str
    op: Literal["eq", "in", "gte", "gt", "lte", "lt", "is_null", "starts_with"]
    value: Any


@dataclass(frozen=True, slots=True)
class Subtree:
    """The path ``column`` lies in one of ``count`` subtrees; ``prefixes`` is a Value of them."""

    column: str
    prefixes: Value
    count: int


@dataclass(frozen=True, slots=True)
class AnyOf:
    """True when all conditions of one of its groups hold; no group means never."""

    groups: "tuple[tuple[Criterion, ...], ...]"


Criterion = Test | Subtree | AnyOf | Sql


@dataclass(frozen=True, slots=True)
class After:
    """Where a page continues: one value for each sort column, the id last; ``nulls`` says which of
    them are null (that is part of the statement's shape)."""

    values: tuple[Value, ...]
    nulls: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows of a record, in which order, and which page of them."""

    where: tuple[Criterion, ...] = ()
    search: Value | None = None
    under: Value | None = None
    sort: tuple[tuple[str, Direction], ...] = ()
    size: int = 20
    backwards: bool = False
    after: After | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """An edge's cursor."""

    key: str


@dataclass(frozen=True, slots=True)
class EdgeNode:
    """An edge's row."""

    key: str
    fields: "tuple[RowField, ...]"


@dataclass(frozen=True, slots=True)
class Edges:
    """The rows of a page."""

    key: str
    fields: tuple[Cursor | EdgeNode | Typename, ...]


@dataclass(frozen=True, slots=True)
class PageInfo:
    """Where a page lies in its list."""

    key: str
    parts: tuple[tuple[str, PagePart], ...]


@dataclass(frozen=True, slots=True)
class Count:
    """All rows in sight that match, whatever the page."""

    key: str


PageField = Edges | PageInfo | Count | Aggregate | Typename | Nothing


@dataclass(frozen=True, slots=True)
class Page:
    """A Relay connection over a record."""

    key: str
    record: Record
    wanted: Wanted
    fields: tuple[PageField, ...]


@dataclass(frozen=True, slots=True)
class Lookup:
    """The row in sight whose unique ``column`` is ``value``, or null."""

    key: str
    record: Record
    value: Value
    fields: "tuple[RowField, ...]"
    column: str = "id"


@dataclass(frozen=True, slots=True)
class First:
    """The first row in sight that meets ``where``, in an order of the core's own, or null."""

    key: str
    record: Record
    where: tuple[Criterion, ...]
    order: Sql
    fields: "tuple[RowField, ...]"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number or text that the core writes in SQL about a row (a distance)."""

    key: str
    sql: Sql


@dataclass(frozen=True, slots=True)
class RowOf:
    """The row itself as an object, inside :class:`Rows`."""

    key: str
    fields: "tuple[RowField, ...]"


@dataclass(frozen=True, slots=True)
class Rows:
    """A plain list of objects about rows in sight that meet ``where``, at most ``limit``."""

    key: str
    record: Record
    where: tuple[Criterion, ...]
    order: Sql
    limit: int
    fields: tuple[RowOf | Figure | Typename, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A list of look-ups in the order asked; ``None`` is null."""

    key: str
    items: "tuple[Lookup | None, ...]"


@dataclass(frozen=True, slots=True)
class Group:
    """An object that is no row: the root, a plugin's namespace, ``me``."""

    key: str
    fields: "tuple[RootField, ...]" = field(default=())


RowField = (
    Typename | Id | Column | MaskedColumn | Worked | ToOne | ToAny | ToMany | Nothing | Constant
)
RootField = Group | Page | Lookup | First | Rows | Items | Constant | Nothing | Typename
