"""Sight (可见范围): the SQL condition that keeps a statement inside what its actor may see."""

from dataclasses import dataclass, field
from typing import Any

from jingwei_core.commands.data import qualified
from jingwei_core.registry import Registry
from jingwei_sdk.context import Context
from jingwei_sdk.records import (
    AtPlace,
    OfDepartment,
    OwnedBy,
    Record,
    Scope,
    TenantWide,
    Through,
)


@dataclass(slots=True)
class Arguments:
    """The parameters of a statement, in the order of their ``$n``."""

    values: list[Any] = field(default_factory=list)

    def add(self, value: object) -> str:
        """The placeholder for ``value``."""
        self.values.append(value)
        return f"${len(self.values)}"


def subtree(column: str, prefixes: tuple[str, ...], arguments: Arguments) -> str:
    """The condition that ``column`` lies in one of the path prefixes (each ends with ``/``).

    A range instead of LIKE: only leakproof operators reach an index through row security.
    ``0`` follows ``/``, so ``/a/1/`` covers ``/a/1/x/`` and not ``/a/11/``.
    """
    ranges = [
        f"({column} >= {arguments.add(prefix)} AND {column} < {arguments.add(prefix[:-1] + '0')})"
        for prefix in prefixes
    ]
    return "(" + " OR ".join(ranges) + ")" if ranges else "false"


@dataclass(frozen=True, slots=True)
class Sight:
    """Makes sight conditions for one actor into the parameters of one statement."""

    ctx: Context
    registry: Registry
    arguments: Arguments

    def condition(self, record: Record, alias: str) -> str:
        """The condition under which a row of ``alias`` is in the actor's sight."""
        if not self.ctx.permissions.allows(record.read):
            return "false"
        parts = [self._scope(record, scope, alias) for scope in record.scope]
        return "(" + " OR ".join(parts) + ")"

    def held(self, record: Record, alias: str, permission: str) -> str | None:
        """The condition that the actor holds a permission where a row of ``alias`` lies, itself or
        the row that it is seen through; ``None`` for a record that lies nowhere."""
        for scope in record.scope:
            if isinstance(scope, AtPlace):
                prefixes = self.ctx.permissions.paths(permission)
                return subtree(f'{alias}."{scope.column}"', prefixes, self.arguments)
            if isinstance(scope, Through):
                target, name = self._named(scope)
                held = self.held(target, name, permission)
                if held is not None:
                    return _exists(target, name, f'{alias}."{scope.column}"', held)
        return None

    def _scope(self, record: Record, scope: Scope, alias: str) -> str:
        if isinstance(scope, TenantWide):
            return "true"
        column = f'{alias}."{scope.column}"'
        if isinstance(scope, AtPlace):
            return subtree(column, self.ctx.permissions.paths(record.read), self.arguments)
        if isinstance(scope, OwnedBy):
            owner = self.ctx.actor.account_id
            return "false" if owner is None else f"{column} = {self.arguments.add(owner)}"
        if isinstance(scope, OfDepartment):
            members = list(self.ctx.actor.department_ids)
            mark = self.arguments.add(members)
            return f"{column} = ANY({mark}::uuid[])"
        return self._through(scope, column)

    def _through(self, scope: Through, column: str) -> str:
        target, name = self._named(scope)
        return _exists(target, name, column, self.condition(target, name))

    def _named(self, scope: Through) -> tuple[Record, str]:
        """The record that a scope goes through, and a name for its table in this statement."""
        target = self.registry.record(scope.record)
        return target, f"s{len(self.arguments.values)}_{target.table._meta.tablename}"


def _exists(target: Record, name: str, column: str, condition: str) -> str:
    source = qualified(target.table)
    return f"EXISTS (SELECT 1 FROM {source} {name} WHERE {name}.id = {column} AND {condition})"
