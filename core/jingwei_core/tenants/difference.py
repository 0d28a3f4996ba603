"""The difference (差异) between a package and what the database holds."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from piccolo.columns import JSON, JSONB
from uuid_utils.compat import uuid7

from jingwei_core.commands.data import qualified
from jingwei_core.database.unit import Unit
from jingwei_core.tenants.desired import Key, Ref, Section
from jingwei_sdk.tables import columns_of


@dataclass(slots=True)
class TableDifference:
    """What must be added, changed (old and new values) and taken out of use in one table."""

    section: Section
    added: dict[Key, dict[str, Any]] = field(default_factory=dict)
    changed: dict[Key, tuple[Mapping[str, Any], dict[str, Any]]] = field(default_factory=dict)
    gone: dict[Key, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether the table is as the package says."""
        return not (self.added or self.changed or self.gone)


class Identities:
    """The id of each row by table and key, of stored rows and of those about to be added."""

    def __init__(self) -> None:
        self._ids: dict[str, dict[Key, uuid.UUID]] = {}

    def put(self, table: str, key: Key, row_id: uuid.UUID) -> None:
        """Remember a row."""
        self._ids.setdefault(table, {})[key] = row_id

    def resolve(self, value: Any) -> Any:
        """The id behind a :class:`Ref`; any other value as it is."""
        if not isinstance(value, Ref):
            return value
        return self._ids[value.table][value.key] if value.key else None

    def new(self, table: str, key: Key) -> uuid.UUID:
        """The id for a row about to be added."""
        row_id = uuid7()
        self.put(table, key, row_id)
        return row_id


async def difference(unit: Unit, section: Section, ids: Identities) -> TableDifference:
    """Compare one section with the unit's tenant; new rows get their ids here."""
    columns = {column._meta.name: column for column in columns_of(section.table)}
    stored: dict[Key, Mapping[str, Any]] = {}
    for row in await unit.fetch(f"SELECT * FROM {qualified(section.table)}"):
        values = {name: _plain(columns[name], row[name]) for name in columns}
        key = tuple(values[name] for name in section.key)
        stored[key] = values
        ids.put(section.name, key, values["id"])
    found = TableDifference(section)
    wanted = {
        tuple(ids.resolve(part) for part in key): values for key, values in section.rows.items()
    }
    for key in wanted:
        if key not in stored:
            found.added[key] = {"id": ids.new(section.name, key)}
    for key, desired in wanted.items():
        resolved = {
            name: _as_read(columns[name], ids.resolve(value)) for name, value in desired.items()
        }
        _compare(found, stored.get(key), key, resolved)
    for key, present in stored.items():
        if key not in wanted and _is_gone(section, present):
            found.gone[key] = present
    return found


def _compare(
    found: TableDifference, old: Mapping[str, Any] | None, key: Key, new: dict[str, Any]
) -> None:
    if old is None:
        found.added[key] |= {**dict(zip(found.section.key, key, strict=True)), **new}
        return
    changes = {name: value for name, value in new.items() if old[name] != value}
    if changes:
        found.changed[key] = (old, changes)


def _is_gone(section: Section, values: Mapping[str, Any]) -> bool:
    """Whether a stored row that the package does not name must be taken out of use.

    Rows that people or plugins entered stay; so does what is out of use already.
    """
    if values.get("owner_plugin"):
        return False
    if section.gone is None:
        return True
    if not section.gone or values.get("source") == "entered":
        return False
    name, value = next(iter(section.gone.items()))
    return bool(values[name] is None if name == "valid_to" else values[name] != value)


def _plain(column: Any, value: Any) -> Any:
    if isinstance(column, (JSON, JSONB)) and isinstance(value, str):
        return json.loads(value)
    return value


def _as_read(column: Any, value: Any) -> Any:
    """A desired value as it will be read back: JSON has lists and no tuples."""
    return json.loads(json.dumps(value)) if isinstance(column, (JSON, JSONB)) else value
