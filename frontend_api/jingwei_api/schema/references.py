"""Which relations a record's type has: the declared ones, and one for each reference column."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from jingwei_sdk.commands import Command
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.records import Computed, One, Record, Relation
from jingwei_sdk.tables import CoreRef, PlacedTable, TenantFK, columns_of

PLACE = "Place"
PLACE_COLUMN = "place_id"
INTERNAL = frozenset({"tenant_id", "place_path"})
"""Columns that steer row security and sight; their values say nothing to a client."""


class Declarations(Protocol):
    """What the schema needs of a registry."""

    @property
    def records(self) -> Mapping[str, Record]:
        """The records by type name."""
        ...

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands by name."""
        ...

    @property
    def plugins(self) -> Sequence[Plugin]:
        """The packages, the core first."""
        ...

    @property
    def owners(self) -> Mapping[str, str]:
        """Who declared ``record:<name>``, ``command:<name>`` or ``field:<type.field>``."""
        ...

    @property
    def fingerprint(self) -> str:
        """The enabled set, as a short text."""
        ...

    def relations(self, record: Record) -> Mapping[str, Relation]:
        """Relations of a record by field name."""
        ...

    def computed(self, record: Record) -> Mapping[str, Computed]:
        """Computed fields of a record by name."""
        ...


def owner_of(registry: Declarations, kind: str, name: str) -> str:
    """The package that declared something; the core owns what nobody claims."""
    return registry.owners.get(f"{kind}:{name}", "core")


def reference_targets(registry: Declarations, record: Record) -> dict[str, str]:
    """The type name each reference column points at; columns whose target is no record are left
    out, for their ids lead nowhere."""
    by_table: dict[Any, str] = {}
    for known in registry.records.values():
        # A plugin may read a table of another package as well; the owner's record comes first.
        by_table.setdefault(known.table, known.name)
    found: dict[str, str] = {}
    for column in columns_of(record.table):
        target = _target(record, column, by_table)
        if target in registry.records:
            found[column._meta.name] = target
    for relation in registry.relations(record).values():
        if isinstance(relation, One):
            found[relation.column] = relation.record
    return found


def is_reference(record: Record, name: str) -> bool:
    """Whether a column holds another row's id, even if that row is no record."""
    column = record.column(name)
    return isinstance(column, (TenantFK, CoreRef)) or _is_place(record, name)


def relations_of(registry: Declarations, record: Record) -> dict[str, Relation]:
    """All relations by field name (Python spelling)."""
    declared = dict(registry.relations(record))
    covered = {relation.column for relation in declared.values() if isinstance(relation, One)}
    for column, target in reference_targets(registry, record).items():
        if column not in covered and record.shows(column):
            declared.setdefault(column.removesuffix("_id"), One(column, target))
    return declared


def _target(record: Record, column: Any, by_table: Mapping[Any, str]) -> str:
    if isinstance(column, CoreRef):
        return column.target
    if isinstance(column, TenantFK):
        return by_table.get(column._foreign_key_meta.resolved_references, "")
    return PLACE if _is_place(record, column._meta.name) else ""


def _is_place(record: Record, column: str) -> bool:
    return column == PLACE_COLUMN and issubclass(record.table, PlacedTable)
