"""Sight (可见范围): the SQL condition that keeps a statement inside what its actor may see.

One room for two uses. A context's own statements carry the values of its actor; a compiled read is
written once for a shape of permissions and carries :class:`Value` parameters instead.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Protocol

from jingwei_core.commands.data import qualified
from jingwei_core.places.tables import Place
from jingwei_core.reading.columns import nullable
from jingwei_core.reading.compiled import EVERYWHERE, MANY_PREFIXES, prefix_shape
from jingwei_core.reading.guards import lies_at, own_place
from jingwei_core.reading.selection import Value
from jingwei_core.registry import Registry
from jingwei_sdk.context import Context, Permissions
from jingwei_sdk.records import (
    Among,
    AtPlace,
    OfDepartment,
    OwnedBy,
    Record,
    Scope,
    TenantWide,
    Through,
)
from jingwei_sdk.tables import PlacedTable


@dataclass(slots=True)
class Arguments:
    """The parameters of a statement, in the order of their ``$n``."""

    values: list[Any] = field(default_factory=list)
    first: int = 1
    """The number of the first one."""
    names: int = 0

    def name(self, start: str) -> str:
        """A name for a table that no other of the statement has."""
        self.names += 1
        return f"{start}{self.names}"

    def add(self, value: object, cast: str = "") -> str:
        """The placeholder for ``value``; ``cast`` is its SQL type where the server needs it."""
        self.values.append(value)
        return self._mark(len(self.values) - 1, cast)

    def _mark(self, position: int, cast: str) -> str:
        mark = f"${self.first + position}"
        return f"{mark}::{cast}" if cast else mark


@dataclass(slots=True)
class Parameters(Arguments):
    """Parameters of which each stands once, however often it is used."""

    _known: dict[int, int] = field(default_factory=dict)

    def add(self, value: object, cast: str = "") -> str:
        """The placeholder for ``value``; the same :class:`Value` is the same parameter."""
        if isinstance(value, Value):
            cast = value.cast or cast
            if id(value) in self._known:
                return self._mark(self._known[id(value)], cast)
            self._known[id(value)] = len(self.values)
        self.values.append(value)
        return self._mark(len(self.values) - 1, cast)

    def of_use(self, sql: str) -> tuple[str, tuple[Any, ...]]:
        """The finished statement with its parameters: without those that no part of it uses, whose
        type the server could not know and would refuse."""
        used = {int(mark[1]) for mark in _MARKS.finditer(sql) if mark[1]}
        kept = [at for at in range(len(self.values)) if self.first + at in used]
        if len(kept) == len(self.values):
            return sql, tuple(self.values)
        numbers = {self.first + at: self.first + new for new, at in enumerate(kept)}

        def renumbered(mark: re.Match[str]) -> str:
            number = int(mark[1] or 0)
            return f"${numbers[number]}" if number in numbers else mark[0]

        return _MARKS.sub(renumbered, sql), tuple(self.values[at] for at in kept)


_MARKS = re.compile(r"'[^']*'|\$(\d+)")
"""What stands in quotes, which is passed over, and placeholders."""


def subtree(column: str, prefixes: tuple[str, ...], arguments: Arguments) -> str:
    """The condition that ``column`` lies in one of the path prefixes (each ends with ``/``).

    A range instead of LIKE: only leakproof operators reach an index through row security.
    ``0`` follows ``/``, so ``/a/1/`` covers ``/a/1/x/`` and not ``/a/11/``.
    """
    ranges = [
        f"({column} >= {arguments.add(prefix)} AND {column} < {arguments.add(beyond(prefix))})"
        for prefix in prefixes
    ]
    return "(" + " OR ".join(ranges) + ")" if ranges else "false"


def beyond(prefix: str) -> str:
    """The first path after a subtree."""
    return prefix[:-1] + "0"


class Viewer(Protocol):
    """Whose sight it is."""

    def allows(self, permission: str) -> bool:
        """Whether the permission is held anywhere."""
        ...

    def everywhere(self, permission: str) -> bool:
        """Whether the statement may rely on the permission being held in the whole tenant."""
        ...

    def subtree(self, column: str, permission: str, arguments: Arguments) -> str:
        """The condition that a path lies where the permission is held."""
        ...

    def owned(self, column: str, arguments: Arguments) -> str:
        """The condition that a column names the account."""
        ...

    def on_desk(self, column: str, arguments: Arguments) -> str:
        """The condition that a column names the account, or one that it covers."""
        ...

    def departments(self, column: str, arguments: Arguments) -> str:
        """The condition that a column names a department of the account."""
        ...

    def among(self, column: str, arguments: Arguments) -> str:
        """The condition that an array names the account among others."""
        ...


class Present:
    """The actor of a context, with the values of now."""

    def __init__(self, ctx: Context) -> None:
        self._ctx = ctx

    def allows(self, permission: str) -> bool:
        """See :class:`Viewer`."""
        return self._ctx.permissions.allows(permission)

    def everywhere(self, permission: str) -> bool:
        """Never relied on: the paths are in the statement anyhow."""
        return False

    def subtree(self, column: str, permission: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        return subtree(column, self._ctx.permissions.paths(permission), arguments)

    def owned(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        owner = self._ctx.actor.account_id
        return "false" if owner is None else f"{column} = {arguments.add(owner)}"

    def on_desk(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        return f"{column} = ANY({arguments.add(list(self._ctx.actor.desks))}::uuid[])"

    def departments(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        mark = arguments.add(list(self._ctx.actor.department_ids))
        return f"{column} = ANY({mark}::uuid[])"

    def among(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        me = self._ctx.actor.account_id
        return "false" if me is None else f"{arguments.add(me, 'uuid')} = ANY({column})"


class Planned:
    """Every actor whose permissions have the shape of ``permissions``.

    ``names`` collects the permissions that were looked at: what the statement was shaped by.
    """

    def __init__(self, permissions: Permissions) -> None:
        self.names: dict[str, None] = {}
        self._permissions = permissions
        self._values: dict[tuple[str, str, int], Value] = {}
        self._owner = Value(lambda asked: asked.actor.account_id, "uuid")
        self._desks = Value(lambda asked: list(asked.actor.desks), "uuid[]")
        self._departments = Value(lambda asked: list(asked.actor.department_ids), "uuid[]")

    def shape(self, permission: str) -> int:
        """See :func:`~.compiled.prefix_shape`."""
        self.names[permission] = None
        return prefix_shape(self._permissions.paths(permission))

    def allows(self, permission: str) -> bool:
        """See :class:`Viewer`."""
        return self.shape(permission) != 0

    def everywhere(self, permission: str) -> bool:
        """See :class:`Viewer`."""
        return self.shape(permission) == -1

    def subtree(self, column: str, permission: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        shape = self.shape(permission)
        if shape == 0:
            return "false"
        if shape == -1:
            return f"({column} >= '{EVERYWHERE[0]}' AND {column} < '{beyond(EVERYWHERE[0])}')"
        if shape == MANY_PREFIXES:
            low = arguments.add(self._value(permission, "low", -1))
            high = arguments.add(self._value(permission, "high", -1))
            return (
                f"EXISTS (SELECT FROM unnest({low}, {high}) AS area(low, high)"
                f" WHERE {column} >= area.low AND {column} < area.high)"
            )
        ranges = [
            f"({column} >= {arguments.add(self._value(permission, 'low', at))}"
            f" AND {column} < {arguments.add(self._value(permission, 'high', at))})"
            for at in range(shape)
        ]
        return "(" + " OR ".join(ranges) + ")"

    def owned(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`; nothing is owned by nobody."""
        return f"{column} = {arguments.add(self._owner)}"

    def on_desk(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        return f"{column} = ANY({arguments.add(self._desks)})"

    def departments(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        return f"{column} = ANY({arguments.add(self._departments)})"

    def among(self, column: str, arguments: Arguments) -> str:
        """See :class:`Viewer`."""
        return f"{arguments.add(self._owner)} = ANY({column})"

    def _value(self, permission: str, end: str, at: int) -> Value:
        """One end of a subtree, or of all of them (-1)."""
        key = (permission, end, at)
        if key not in self._values:
            bound = beyond if end == "high" else str
            self._values[key] = (
                Value(
                    lambda asked: [bound(p) for p in asked.permissions.paths(permission)], "text[]"
                )
                if at < 0
                else Value(lambda asked: bound(asked.permissions.paths(permission)[at]), "text")
            )
        return self._values[key]


@dataclass(frozen=True, slots=True)
class Sight:
    """Makes sight conditions for an actor, or for a shape, into the parameters of a statement."""

    viewer: Viewer
    registry: Registry
    arguments: Arguments
    row_by_row: bool = False
    """Whether few rows will be looked at: nothing is then prepared for looking at many."""

    def condition(self, record: Record, alias: str, within: Through | None = None) -> str:
        """The condition under which a row of ``alias`` is in the actor's sight.

        ``within`` says that the row which a reference names is known to be in sight.
        """
        if not self.viewer.allows(record.read):
            return "false"
        if any(scope == within or self._covers(record, scope) for scope in record.scope):
            return "true"
        parts = [self._scope(record, scope, alias) for scope in record.scope]
        return "(" + " OR ".join(parts) + ")"

    def beside_areas(self, record: Record, alias: str) -> list[str] | None:
        """The conditions under which a row is in sight and lies in no area of the actor, ``None``
        where there is no such row."""
        areas = [scope for scope in record.scope if isinstance(scope, AtPlace)]
        others = [scope for scope in record.scope if scope not in areas]
        if not others or any(self._covers(record, scope) for scope in record.scope):
            return None
        seen = " OR ".join(self._scope(record, scope, alias) for scope in others)
        outside = [f"({self._scope(record, scope, alias)}) IS NOT TRUE" for scope in areas]
        return [f"({seen})", *outside]

    def held(self, record: Record, alias: str, permission: str) -> str | None:
        """The condition that the actor holds a permission where a row of ``alias`` lies, itself or
        the row that it is seen through; ``None`` for a record that lies nowhere."""
        at = lies_at(record)
        if at is not None:
            return self._held_at(record, at, alias, permission)
        for scope in record.scope:
            if isinstance(scope, Through):
                target, name = self._named(scope)
                held = self.held(target, name, permission)
                if held is not None:
                    column = f'{alias}."{scope.column}"'
                    always = held == "true" and not nullable(record, scope.column)
                    return held if always else self._exists(target, name, column, held)
        own = own_place(record)
        return None if own is None else self._held_at(record, own, alias, permission)

    def _held_at(self, record: Record, at: AtPlace, alias: str, permission: str) -> str:
        if always_placed(record, at) and self.viewer.everywhere(permission):
            return "true"
        return self.viewer.subtree(f'{alias}."{at.column}"', permission, self.arguments)

    def _covers(self, record: Record, scope: Scope) -> bool:
        """Whether a scope alone covers every row."""
        if isinstance(scope, TenantWide):
            return True
        return (
            isinstance(scope, AtPlace)
            and always_placed(record, scope)
            and self.viewer.everywhere(record.read)
        )

    def _scope(self, record: Record, scope: Scope, alias: str) -> str:
        if isinstance(scope, TenantWide):
            return "true"
        column = f'{alias}."{scope.column}"'
        if isinstance(scope, AtPlace):
            return self.viewer.subtree(column, record.read, self.arguments)
        if isinstance(scope, OwnedBy):
            owned = self.viewer.on_desk if scope.covered else self.viewer.owned
            return owned(column, self.arguments)
        if isinstance(scope, OfDepartment):
            return self.viewer.departments(column, self.arguments)
        if isinstance(scope, Among):
            return self.viewer.among(column, self.arguments)
        return self._through(scope, column)

    def _through(self, scope: Through, column: str) -> str:
        target, name = self._named(scope)
        return self._exists(target, name, column, self.condition(target, name))

    def _exists(self, target: Record, name: str, column: str, condition: str) -> str:
        source = qualified(target.table)
        row = f"FROM {source} {name} WHERE {name}.id = {column} AND {condition}"
        # The server may read all of a table into memory for EXISTS, for a value it does not.
        return f"(SELECT true {row})" if self.row_by_row else f"EXISTS (SELECT 1 {row})"

    def _named(self, scope: Through) -> tuple[Record, str]:
        """The record that a scope goes through, and a name for its table in this statement."""
        target = self.registry.record(scope.record)
        return target, self.arguments.name("s")


def always_placed(record: Record, scope: AtPlace) -> bool:
    """Whether the database keeps a path in the column of every row."""
    if issubclass(record.table, PlacedTable):
        return scope.column == "place_path"
    return record.table is Place and scope.column == "path"
