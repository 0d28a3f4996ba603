"""What the database really has: tables, keys, policies, grants, triggers, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

import msgspec

from jingwei_core.database.unit import Unit

EXEMPT_SCHEMAS = ("platform", "jobs")
"""Schemas without row security: the list of tenants, and the queue that all tenants share."""


class Policy(msgspec.Struct, frozen=True):
    """A row policy; expressions as PostgreSQL prints them, white space folded."""

    name: str
    command: str
    roles: tuple[str, ...]
    using: str | None
    check: str | None


class ForeignKeyState(msgspec.Struct, frozen=True):
    """A foreign key of the database; ``on_delete`` is the letter of ``pg_constraint``."""

    name: str
    columns: tuple[str, ...]
    target: tuple[str, str]
    target_columns: tuple[str, ...]
    on_delete: str


@dataclass(frozen=True, slots=True)
class TableState:
    """One table as the catalogue shows it; ``grants`` are privileges by role, ``plain_indexes`` the
    names of those that are neither unique nor of anything but columns. ``partial_indexes`` lack the
    rows in which the column behind the tenant is null; those with other conditions are not told."""

    schema: str
    name: str
    owner: str
    columns: Mapping[str, str]
    collations: Mapping[str, str]
    row_security: bool
    forced: bool
    primary_key_name: str | None
    primary_key: tuple[str, ...]
    policies: tuple[Policy, ...]
    foreign_keys: tuple[ForeignKeyState, ...]
    checks: frozenset[str]
    indexes: frozenset[tuple[str, ...]]
    unique_indexes: frozenset[tuple[str, ...]]
    plain_indexes: Mapping[tuple[str, ...], frozenset[str]]
    partial_indexes: frozenset[tuple[str, ...]]
    triggers: frozenset[str]
    grants: Mapping[str, frozenset[str]]

    @property
    def key(self) -> tuple[str, str]:
        """Schema and name."""
        return (self.schema, self.name)

    @property
    def is_tenant_table(self) -> bool:
        """Whether its rows belong to tenants."""
        return "tenant_id" in self.columns and self.schema not in EXEMPT_SCHEMAS


async def read_tables(unit: Unit, schemas: tuple[str, ...]) -> list[TableState]:
    """Every table of ``schemas``, without partitions (only their parents are granted)."""
    query = (resources.files(__package__) / "security_tables.sql").read_text(encoding="utf-8")
    rows = await unit.fetch(query, list(schemas))
    return [_state(dict(row)) for row in rows]


def _state(row: dict[str, Any]) -> TableState:
    constraints = _decoded(row["constraints"]) or []
    key = next((k for k in constraints if k["kind"] == "p"), None)
    indexes = _decoded(row["indexes"]) or []
    plain: dict[tuple[str, ...], set[str]] = {}
    for index in indexes:
        if index["plain"]:
            plain.setdefault(tuple(index["columns"]), set()).add(index["name"])
    grants: dict[str, set[str]] = {}
    for role, privilege in _decoded(row["grants"]) or []:
        grants.setdefault(role, set()).add(privilege)
    return TableState(
        schema=row["schema"],
        name=row["name"],
        owner=row["owner"],
        columns=_decoded(row["columns"]) or {},
        collations=_decoded(row["collations"]) or {},
        row_security=row["row_security"],
        forced=row["forced"],
        primary_key_name=key["name"] if key else None,
        primary_key=tuple(key["columns"]) if key else (),
        policies=msgspec.convert(_decoded(row["policies"]) or [], tuple[Policy, ...]),
        foreign_keys=msgspec.convert(
            [k for k in constraints if k["kind"] == "f"], tuple[ForeignKeyState, ...]
        ),
        checks=frozenset(k["name"] for k in constraints if k["kind"] == "c"),
        indexes=frozenset(tuple(index["columns"]) for index in indexes),
        unique_indexes=frozenset(tuple(i["columns"]) for i in indexes if i["unique"]),
        plain_indexes={columns: frozenset(names) for columns, names in plain.items()},
        partial_indexes=frozenset(map(tuple, _decoded(row["partial_indexes"]) or [])),
        triggers=frozenset(_decoded(row["triggers"]) or []),
        grants={role: frozenset(privileges) for role, privileges in grants.items()},
    )


def _decoded(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
