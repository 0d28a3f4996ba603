"""What every table must have, derived from the roles and from the table classes."""

import enum
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import UUID, ForeignKey
from piccolo.table import Table

from jingwei_core.database.identifiers import column_list, literal, qualified, quoted
from jingwei_core.database.security_catalogue import (
    ForeignKeyState,
    Policy,
    TableState,
)
from jingwei_core.rollups.cubes import Source, sources_of
from jingwei_core.settings import Settings
from jingwei_sdk.indexes import derived_indexes, plain_indexes
from jingwei_sdk.records import Record
from jingwei_sdk.tables import APPEND_ONLY, SEALED, TenantTable

# A subquery is run once for each statement, and a generic plan estimates an average tenant.
TENANT_TEST = (
    "(tenant_id = ( SELECT (current_setting('app.tenant'::text))::uuid AS current_setting))"
)
MAINTENANCE_TEST = (
    "CASE WHEN (current_setting('app.maintenance'::text, true) = 'on'::text) THEN true"
    " ELSE (tenant_id = (current_setting('app.tenant'::text))::uuid) END"
)
READ_WRITE = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
ADD_ONLY = frozenset({"SELECT", "INSERT"})
READ_ONLY = frozenset({"SELECT"})

# What the application may change of the platform's tables; all of them it may read.
PLATFORM_WRITES: dict[str, tuple[str, ...]] = {
    "tenant": ("name", "timezone", "status", "package_version", "limits", "updated_at"),
    "plugin_state": (
        *("enabled", "version", "settings", "settings_version", "sealed"),
        *("data_version", "progress", "changed_at"),
    ),
    "plugin_deployment": (
        *("enabled", "version", "settings", "settings_version", "sealed", "changed_at"),
    ),
    "plugin_outcome": (
        *("succeeded", "failed", "timed_out", "total_us", "last_error", "last_at"),
        "opened_until",
    ),
    "plugin_fault": ("reason", "link", "detail", "at"),
}
# A fault goes away when it is mended; everything else of the platform is kept.
PLATFORM_REMOVALS = frozenset({"plugin_fault"})

_ON_DELETE = {
    "CASCADE": "c",
    "SET NULL": "n",
    "RESTRICT": "r",
    "NO ACTION": "a",
    "SET DEFAULT": "d",
}
_IDENTIFIER_LIMIT = 63


@dataclass(frozen=True, slots=True)
class Key:
    """An index that a table class or a record over it asks for, led by the tenant.

    One that ``is_partial`` leaves out the rows in which the column behind the tenant is null:
    nobody looks rows up by a reference that they do not have, and each would cost every write.
    """

    table: tuple[str, str]
    columns: tuple[str, ...]
    unique: bool
    is_partial: bool = False

    @property
    def name(self) -> str:
        """What it is called."""
        ending = "key" if self.unique else "ref" if self.is_partial else "idx"
        return shortened("_".join((self.table[1], *self.columns, ending)))

    @property
    def sql(self) -> str:
        """The statement that adds it."""
        kind, name = "UNIQUE INDEX" if self.unique else "INDEX", quoted(self.name)
        sql = f"CREATE {kind} {name} ON {qualified(*self.table)} ({column_list(self.columns)})"
        return f"{sql} WHERE {quoted(self.columns[1])} IS NOT NULL" if self.is_partial else sql


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference that a table class declares, as the database must hold it."""

    table: tuple[str, str]
    column: str
    target: tuple[str, str]
    on_delete: str
    is_optional: bool

    @property
    def state(self) -> ForeignKeyState:
        """How the catalogue shows it when it is there."""
        return ForeignKeyState(
            name=shortened(f"{self.table[1]}_{self.column}_tenant_fk"),
            columns=("tenant_id", self.column),
            target=self.target,
            target_columns=("tenant_id", "id"),
            on_delete=_ON_DELETE[self.on_delete],
        )

    @property
    def sql(self) -> str:
        """The statement that adds it."""
        action = self.on_delete
        if action in ("SET NULL", "SET DEFAULT"):
            # Without the column, tenant_id would be cleared too.
            action += f" ({quoted(self.column)})"
        return (
            f"ALTER TABLE {qualified(*self.table)} ADD CONSTRAINT {quoted(self.state.name)}"
            f" FOREIGN KEY (tenant_id, {quoted(self.column)})"
            f" REFERENCES {qualified(*self.target)} (tenant_id, id) ON DELETE {action}"
        )

    @property
    def index(self) -> Key:
        """The index that makes the reference cheap to check and to follow back."""
        columns = ("tenant_id", self.column)
        return Key(self.table, columns, unique=False, is_partial=self.is_optional)


@dataclass(frozen=True, slots=True)
class Choice:
    """A column that a table class limits to some values."""

    table: tuple[str, str]
    column: str
    values: tuple[str, ...]

    @property
    def prefix(self) -> str:
        """The start of the constraint's name, whatever the values."""
        return shortened(f"{self.column}_choice", _IDENTIFIER_LIMIT - 9)

    @property
    def name(self) -> str:
        """The constraint's name; the values are part of it, so a change is a new constraint."""
        digest = hashlib.sha256("\0".join(self.values).encode()).hexdigest()[:8]
        return f"{self.prefix}_{digest}"

    @property
    def sql(self) -> str:
        """The statement that adds it."""
        values = ", ".join(literal(value) for value in self.values)
        return (
            f"ALTER TABLE {qualified(*self.table)} ADD CONSTRAINT {quoted(self.name)}"
            f" CHECK ({quoted(self.column)} IN ({values}))"
        )


@dataclass(frozen=True, slots=True)
class Rules:
    """Roles, and what the table classes ask for beyond what every tenant table gets."""

    owner: str
    app: str
    ops: str
    schemas: tuple[str, ...]
    append_only: frozenset[tuple[str, str]] = frozenset()
    sealed: frozenset[tuple[str, str]] = frozenset()
    references: tuple[Reference, ...] = ()
    keys: tuple[Key, ...] = ()
    choices: tuple[Choice, ...] = field(default=())
    sources: tuple[Source, ...] = ()

    def policies(self) -> tuple[Policy, ...]:
        """The policies of each tenant table, as the catalogue shows them."""
        return (
            Policy("jingwei_tenant", "*", (self.app,), TENANT_TEST, TENANT_TEST),
            # An owner under FORCE sees nothing; a migration of data switches maintenance on.
            Policy("jingwei_maintenance", "*", (self.owner,), MAINTENANCE_TEST, MAINTENANCE_TEST),
            # For servers where nobody may create a role with BYPASSRLS.
            Policy("jingwei_operations", "r", (self.ops,), "true", None),
        )

    def grants(self, table: TableState) -> dict[str, frozenset[str]]:
        """What the application and the operators may do with a whole table."""
        if table.schema == "platform":
            adds = ADD_ONLY if table.name in PLATFORM_WRITES else READ_ONLY
            removes = {"DELETE"} if table.name in PLATFORM_REMOVALS else frozenset()
            return {self.app: adds | removes, self.ops: READ_ONLY}
        if table.schema == "jobs":
            # Its own migrations say what a worker may do, table by table.
            kept = table.grants.get(self.app, frozenset())
            return {self.app: kept, self.ops: READ_ONLY}
        if not table.is_tenant_table:
            return {self.app: frozenset(), self.ops: frozenset()}
        return {self.app: self._app_rights(table.key), self.ops: READ_ONLY}

    def _app_rights(self, key: tuple[str, str]) -> frozenset[str]:
        if key in self.sealed:
            return READ_ONLY
        return ADD_ONLY if key in self.append_only else READ_WRITE


def rules_for(
    settings: Settings,
    tables: Iterable[type[Table]],
    schemas: Iterable[str],
    records: Iterable[Record] = (),
) -> Rules:
    """The rules that these table classes and the records over them ask for."""
    tables, records = tuple(tables), tuple(records)
    return Rules(
        owner=settings.owner_role,
        app=settings.app_role,
        ops=settings.ops_role,
        schemas=tuple(sorted({"core", "jobs", "platform", *schemas})),
        append_only=frozenset(table_key(table) for table in tables if table in APPEND_ONLY),
        sealed=frozenset(table_key(table) for table in tables if table in SEALED),
        references=tuple(reference for table in tables for reference in _references(table)),
        keys=(
            *(key for table in tables for key in _declared_keys(table)),
            *(key for record in records for key in _derived_keys(record)),
        ),
        choices=tuple(choice for table in tables for choice in _choices(table)),
        sources=sources_of(records),
    )


def table_key(table: type[Table]) -> tuple[str, str]:
    """Schema and name of a table class."""
    return (table._meta.schema or "public", table._meta.tablename)


def policy_sql(table: TableState, policy: Policy) -> str:
    """The statement that makes a policy."""
    command = {"*": "ALL", "r": "SELECT"}[policy.command]
    roles = column_list(policy.roles)
    check = f" WITH CHECK ({policy.check})" if policy.check else ""
    return (
        f"CREATE POLICY {policy.name} ON {qualified(*table.key)} FOR {command} TO {roles}"
        f" USING ({policy.using}){check}"
    )


def shortened(name: str, limit: int = _IDENTIFIER_LIMIT) -> str:
    """``name``, or its start with a digest, so that two long names stay two."""
    if len(name.encode()) <= limit:
        return name
    return f"{name[: limit - 9]}_{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _references(table: type[Table]) -> list[Reference]:
    found = []
    for column in table._meta.foreign_key_columns:
        target = column._foreign_key_meta.resolved_references
        if any(c._meta.name == "tenant_id" for c in target._meta.columns):
            on_delete = column._foreign_key_meta.on_delete.value
            where = (table_key(table), column._meta.db_column_name, table_key(target))
            found.append(Reference(*where, on_delete, column._meta.null))
    return found


def _declared_keys(table: type[Table]) -> list[Key]:
    if not issubclass(table, TenantTable):
        return []
    unique = [Key(table_key(table), ("tenant_id", *columns), True) for columns in table.UNIQUE]
    return [*unique, *(index_of(table, columns) for columns in plain_indexes(table))]


def _derived_keys(record: Record) -> list[Key]:
    return [index_of(record.table, columns) for columns in derived_indexes(record)]


def index_of(table: type[TenantTable], columns: tuple[str, ...]) -> Key:
    """The index of a table class over these columns behind the tenant."""
    first = table._meta.get_column_by_name(columns[0])
    is_partial = isinstance(first, UUID | ForeignKey) and bool(first._meta.null)
    return Key(table_key(table), ("tenant_id", *columns), unique=False, is_partial=is_partial)


def _choices(table: type[Table]) -> list[Choice]:
    found = []
    for column in table._meta.columns:
        choices: Any = column._meta.choices
        if isinstance(choices, type) and issubclass(choices, enum.Enum):
            values = tuple(sorted(str(member.value) for member in choices))
            if all(isinstance(member.value, str) for member in choices):
                found.append(Choice(table_key(table), column._meta.db_column_name, values))
    return found
