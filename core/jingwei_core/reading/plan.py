"""The plan of one statement (语句计划): what all its parts share, and who compiles which node.

A node type of :mod:`~.selection` has one compiling function, registered here by type; a module that
brings a node type of its own registers it the same way.
"""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from jingwei_core.reading.columns import sql_name
from jingwei_core.reading.compiled import NOTHING_KNOWN, Little, Step, WorkedAt
from jingwei_core.reading.guards import own_place
from jingwei_core.reading.json_text import Made, Pieces, Text
from jingwei_core.reading.selection import Asked, Value
from jingwei_core.reading.sight import Parameters, Planned, Sight
from jingwei_core.registry import Registry
from jingwei_sdk.records import Record, TenantWide, Through

Path = tuple[Step, ...]


@dataclass(slots=True)
class RowAt:
    """A row that the statement stands at: its record, and the alias that reads it.

    ``uses`` are the columns that were asked for: all that a subquery in between has to bring.
    """

    record: Record
    alias: str
    uses: dict[str, None] = field(default_factory=dict)

    def column(self, name: str) -> str:
        """The SQL of a column."""
        found = sql_name(self.record, name)
        self.uses[found] = None
        return f"{self.alias}.{found}"

    def place_columns(self) -> None:
        """Ask for the columns by which sight, and where a guard has to be held, are told."""
        own = own_place(self.record)
        if own is not None:
            self.column(own.column)
        for scope in self.record.scope:
            if not isinstance(scope, TenantWide):
                self.column(scope.column)

    def every_column(self) -> None:
        """Ask for all columns: what is written by hand may use any."""
        for column in self.record.table._meta.columns:
            self.column(column._meta.name)


@dataclass(slots=True)
class Plan:
    """One statement in the making."""

    registry: Registry
    viewer: Planned
    secret: bytes
    little: Little = NOTHING_KNOWN
    parameters: Parameters = field(default_factory=Parameters)
    worked: list[WorkedAt] = field(default_factory=list)
    records: dict[str, None] = field(default_factory=dict)
    areas: dict[str, None] = field(default_factory=dict)
    _per_request: dict[tuple[object, ...], Value] = field(default_factory=dict)

    def taken(self, values: Sequence[object]) -> frozenset[Value]:
        """The values of the selection that parameters are, or are made of."""
        used = {one for one in values if isinstance(one, Value)}
        keys = (key for key, value in self._per_request.items() if value in used)
        return frozenset(
            used.union(part for key in keys for part in key if isinstance(part, Value))
        )

    def alias(self) -> str:
        """A name that no other table of the statement has."""
        return self.parameters.name("t")

    def add(self, value: object, cast: str = "") -> str:
        """The placeholder of a parameter: a :class:`Value` or a constant."""
        return self.parameters.add(value, cast)

    def once(self, key: tuple[object, ...], of: Callable[[Asked], Any], cast: str) -> str:
        """The placeholder of a value worked out for each request; one for each ``key``."""
        if key not in self._per_request:
            self._per_request[key] = Value(of, cast)
        return self.add(self._per_request[key])

    def json_value(self, value: Value) -> str:
        """The JSON of a value that is worked out for each request."""

        def of(asked: Asked) -> str:
            return json.dumps(value.of(asked), ensure_ascii=False, separators=(",", ":"))

        return self.once(("json", value), of, "text")

    def source(self, record: Record) -> str:
        """The record's table; the record counts as read."""
        self.records[record.name] = None
        schema = record.table._meta.schema or "public"
        return f'"{schema}"."{record.table._meta.tablename}"'

    def in_sight(
        self, record: Record, alias: str, within: Through | None = None, *, row_by_row: bool = False
    ) -> str:
        """The condition under which a row is in sight; see :class:`Sight`."""
        sight = Sight(self.viewer, self.registry, self.parameters, row_by_row)
        return sight.condition(record, alias, within)

    def in_sight_always(self, record: Record) -> bool:
        """Whether it does not depend on the row whether it is in sight."""
        sight = Sight(self.viewer, self.registry, Parameters())
        return sight.condition(record, "t") in ("true", "false")

    def held(self, row: RowAt, permission: str, *, row_by_row: bool = False) -> str | None:
        """The condition that a permission is held where a row lies, ``None`` if it lies nowhere."""
        row.place_columns()
        sight = Sight(self.viewer, self.registry, self.parameters, row_by_row)
        return sight.held(row.record, row.alias, permission)


RowCompiler = Callable[[Plan, RowAt, Any, Path], Pieces]
RootCompiler = Callable[[Plan, Any, Path], Pieces]
ROW_FIELDS: dict[type, RowCompiler] = {}
"""By node type: the JSON of a field of a row."""
ROOT_FIELDS: dict[type, RootCompiler] = {}
"""By node type: the JSON of a field of the root or of another object that is no row."""


def row_field(kind: type) -> Callable[[RowCompiler], RowCompiler]:
    """Registers the compiling function of a node type among the fields of a row."""

    def register(function: RowCompiler) -> RowCompiler:
        ROW_FIELDS[kind] = function
        return function

    return register


def root_field(kind: type) -> Callable[[RootCompiler], RootCompiler]:
    """Registers the compiling function of a node type among the fields of an object."""

    def register(function: RootCompiler) -> RootCompiler:
        ROOT_FIELDS[kind] = function
        return function

    return register


def row_members(plan: Plan, row: RowAt, fields: Any, path: Path) -> list[tuple[str, Pieces]]:
    """The members of a row's object."""
    return [(node.key, ROW_FIELDS[type(node)](plan, row, node, path)) for node in fields]


def root_members(plan: Plan, fields: Any, path: Path) -> list[tuple[str, Pieces]]:
    """The members of an object that is no row."""
    return [(node.key, ROOT_FIELDS[type(node)](plan, node, path)) for node in fields]


def global_id(name: str, row: RowAt) -> Pieces:
    """A row's global id: base64 of ``Type:uuid``.

    What comes before the last multiple of three bytes is a constant of its own; the rest is too
    short for PostgreSQL to break it into lines.
    """
    start = f"{name}:"
    whole = len(start) // 3 * 3
    known = base64.b64encode(start[:whole].encode()).decode()
    text = f"{row.column('id')}::text"
    if start[whole:]:
        text = f"('{start[whole:]}' || {text})"
    return (Text(f'"{known}'), Made(f"encode(textsend({text}), 'base64')"), Text('"'))
