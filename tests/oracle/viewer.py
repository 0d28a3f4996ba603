"""Who looks (观看者): what an account may do and see, worked out row by row from its posts."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from jingwei_core.registry import Registry
from jingwei_sdk.personal import Mask, masked_columns
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
from tests.oracle.stored import Row, Stored

PHONE_SHOWS, ID_NUMBER_SHOWS = 11, 15


@dataclass
class Viewer:
    """One account at one instant, over everything its tenant has stored."""

    stored: Stored
    registry: Registry
    account: uuid.UUID
    now: datetime
    locale: str = "zh"
    _seen: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """How the account is called."""
        account = self.stored.one("Account", self.account)
        assert account is not None
        return str(account["name"])

    @cached_property
    def posts(self) -> list[Row]:
        """The posts that the account holds now."""
        return [
            post
            for post in self.stored.where("Post", "account", self.account)
            if post["valid_from"] <= self.now
            and (post["valid_to"] is None or post["valid_to"] > self.now)
        ]

    @cached_property
    def grants(self) -> list[tuple[str, str]]:
        """Each grant of each post, with the subtree where it holds."""
        found = []
        for post in self.posts:
            role = self.stored.one("Role", post["role"])
            assert role is not None
            found += [(grant, post["place_path"]) for grant in role["permissions"]]
        return found

    def holds(self, permission: str, path: str | None = None) -> bool:
        """Whether a permission is held at a path, or anywhere."""
        return any(
            gives(grant, permission) and (path is None or path.startswith(top))
            for grant, top in self.grants
        )

    @cached_property
    def desks(self) -> set[uuid.UUID]:
        """The accounts whose work the account does: its own, and whom it covers now."""
        covered = {post["covers"] for post in self.posts} - {None}
        leaves = [leave for leave in self.stored.rows["Leave"] if leave["id"] in covered]
        return {self.account, *(leave["account"] for leave in leaves)}

    @cached_property
    def departments(self) -> set[uuid.UUID]:
        """The departments that the account's posts belong to."""
        return {post["department"] for post in self.posts} - {None}

    def rows(self, record: Record) -> list[Row]:
        """The rows in sight."""
        if record.name not in self._seen:
            everything = self.stored.rows[record.name]
            self._seen[record.name] = [row for row in everything if self.sees(record, row)]
        return self._seen[record.name]

    def find(self, record: Record, column: str, value: object) -> Row | None:
        """The row in sight whose column holds a value."""
        found = self.stored.where(record.name, column, value)
        return next((row for row in found if self.sees(record, row)), None)

    def sees(self, record: Record, row: Row) -> bool:
        """Whether a row is in sight."""
        if not self.holds(record.read):
            return False
        return any(self._within(record, scope, row) for scope in record.scope)

    def _within(self, record: Record, scope: Scope, row: Row) -> bool:
        if isinstance(scope, TenantWide):
            return True
        value = row[scope.column]
        if value is None:
            return False
        if isinstance(scope, AtPlace):
            return self.holds(record.read, value)
        if isinstance(scope, OwnedBy):
            return value in self.desks if scope.covered else bool(value == self.account)
        if isinstance(scope, OfDepartment):
            return value in self.departments
        if isinstance(scope, Among):
            return self.account in value
        target = self.registry.record(scope.record)
        through = self.stored.one(target.name, value)
        return through is not None and self.sees(target, through)

    def holds_where(self, record: Record, row: Row, permission: str) -> bool:
        """Whether a permission is held where a row lies, itself or what it is seen through."""
        if not _lies_somewhere(self.registry, record):
            return self.holds(permission)
        path = self._lies(record, row)
        return path is not None and self.holds(permission, path)

    def _lies(self, record: Record, row: Row) -> str | None:
        """Where a row lies: by its own path, or by the row that its first reference names of those
        that lead somewhere."""
        at = placed_by(record)
        if at is not None:
            return None if row[at] is None else str(row[at])
        for scope in record.scope:
            if isinstance(scope, Through):
                target = self.registry.record(scope.record)
                if _lies_somewhere(self.registry, target):
                    through = self.stored.one(target.name, row[scope.column])
                    return None if through is None else self._lies(target, through)
        # A row of a placed table lies somewhere, however it is seen.
        return str(row["place_path"]) if issubclass(record.table, PlacedTable) else None

    def reads(self, record: Record, row: Row, column: str) -> bool:
        """Whether the guard of a column, if it has one, lets the account read it in this row."""
        guard = record.guarded.get(column)
        return guard is None or self.holds_where(record, row, guard)

    def reads_throughout(self, record: Record, column: str) -> bool:
        """Whether it may read the column in every row that could be in its sight."""
        guard = record.guarded.get(column)
        if guard is None:
            return True
        if not _lies_somewhere(self.registry, record):
            return self.holds(guard)
        seen = record
        while len(seen.scope) == 1 and isinstance(seen.scope[0], Through):
            seen = self.registry.record(seen.scope[0].record)
        tops = [top for grant, top in self.grants if gives(grant, seen.read)]
        if len(seen.scope) > 1:
            tops = ["/"]  # what is seen by another scope than its place may lie anywhere
        return all(self.holds(guard, top) for top in tops)

    def value(self, record: Record, row: Row, column: str) -> Any:
        """A column as the account is shown it: null behind a guard, masked as declared."""
        if not self.reads(record, row, column):
            return None
        told = masked_columns(record.table).get(column)
        if told is None or told.mask is None or row[column] is None:
            return row[column]
        return {"shown": masked(told.mask, str(row[column])), "isMasked": True}

    def shown(self, record: Record, row: Row, columns: tuple[str, ...]) -> Mapping[str, Any]:
        """Some columns of a row, and its id."""
        return {"id": row["id"], **{name: self.value(record, row, name) for name in columns}}


def gives(grant: str, permission: str) -> bool:
    """Whether a grant of a role gives a permission."""
    if grant.endswith(".*"):
        return permission.startswith(grant[:-1])
    return grant in ("*", permission)


def placed_by(record: Record) -> str | None:
    """The path column of a record whose rows lie in the place tree."""
    return next((scope.column for scope in record.scope if isinstance(scope, AtPlace)), None)


def masked(mask: Mask, text: str) -> str:
    """A value as its mask shows it."""
    if mask is Mask.PHONE and len(text) >= PHONE_SHOWS:
        return text[:3] + "****" + text[-4:]
    if mask is Mask.ID_NUMBER and len(text) >= ID_NUMBER_SHOWS:
        return text[:3] + "*" * (len(text) - 5) + text[-2:]
    if mask is Mask.NAME and text:
        return text[0] + "**"
    return "****"


def _lies_somewhere(registry: Registry, record: Record) -> bool:
    return issubclass(record.table, PlacedTable) or any(
        isinstance(scope, AtPlace)
        or (isinstance(scope, Through) and _lies_somewhere(registry, registry.record(scope.record)))
        for scope in record.scope
    )
