"""Shapes (表形): what reading and writing rows of a table class needs, worked out once."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from operator import itemgetter
from typing import Any
from uuid import UUID

import msgspec
from piccolo import columns as kinds
from piccolo.columns import JSON, JSONB, Date, ForeignKey, Timestamptz
from piccolo.columns.defaults.base import Default

from jingwei_sdk.personal import Mask, mask_value, masked_columns
from jingwei_sdk.tables import TenantTable, columns_of

_AS_IT_IS = frozenset({type(None), str, UUID, datetime})
_BOOK_KEEPING = frozenset({"tenant_id", "id", "created_at", "updated_at"})


class TableShape:
    """The columns of a table in declaration order, and how values go in and come out."""

    def __init__(self, table: type[TenantTable]) -> None:
        columns = [(column._meta.name, column) for column in columns_of(table)]
        self.table = table
        self.names: tuple[str, ...] = tuple(name for name, _ in columns)
        self.json: frozenset[str] = frozenset(n for n, c in columns if isinstance(c, JSON | JSONB))
        self.source = f'"{table._meta.schema}"."{table._meta.tablename}"'
        self.listed = ", ".join(f'"{name}"' for name in self.names)
        self.masks: Mapping[str, Mask] = {
            name: told.mask for name, told in masked_columns(table).items() if told.mask
        }
        self._readers = {name: read for name, c in columns if (read := _reader(c)) is not None}
        secret = {name for name, column in columns if column._meta.secret}
        self._told = tuple(name for name in self.names if name not in _BOOK_KEEPING | secret)
        self._is_open = not secret and not self.masks
        self._taken = itemgetter(*self._told)
        stamps = {name for name, column in columns if isinstance(column, Timestamptz)}
        self._instants = tuple(name for name in self._told if name in stamps)
        self._known = frozenset(self.names)
        defaults = {name: column.get_default_value() for name, column in columns}
        self._makers = {n: d.python for n, d in defaults.items() if isinstance(d, Default)}
        self._constants = {n: d for n, d in defaults.items() if n not in self._makers}
        self._needed = frozenset(
            name for name, column in columns if defaults[name] is None and not column._meta.null
        )
        self._fitting: set[tuple[str, ...]] = set()
        """The names that rows were made with: as many as there are places which make one."""

    def new(self, **given: Any) -> Any:
        """A new row with these values and the defaults of the others, as the class would make it.

        Piccolo's constructor does the same in ten times the time.
        """
        if (names := tuple(given)) not in self._fitting:
            self._fitting.add(self._fit(names))
        row = self.table.__new__(self.table)
        held = row.__dict__
        held.update(self._constants)
        held.update(given)
        for name, make in self._makers.items():
            if name not in given:
                held[name] = make()
        held["_exists_in_db"] = False
        held["_was_created"] = None
        return row

    def _fit(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """The names, if a row can be made with them; raises ``ValueError``."""
        given = frozenset(names)
        if not self._needed <= given <= self._known:
            raise ValueError(sorted((self._needed - given) | (given - self._known)))
        return names

    def row(self, values: Sequence[Any]) -> Any:
        """The stored row with these values, in the order of ``names``."""
        row = self.table.__new__(self.table)
        held = row.__dict__
        held.update(zip(self.names, values, strict=True))
        for name in self.json:
            if isinstance(held[name], str):
                held[name] = msgspec.json.decode(held[name])
        held["_exists_in_db"] = True
        held["_was_created"] = None
        return row

    def named(self, values: Mapping[str, Any]) -> Any:
        """The stored row with the values of a statement's row, which may hold more."""
        return self.row([values[name] for name in self.names])

    def told(self, told: Mapping[str, Any]) -> Any:
        """The stored row that the database tells as a JSON object, which may hold more."""
        held: dict[str, Any] = {name: told[name] for name in self.names}
        for name, read in self._readers.items():
            if held[name] is not None:
                held[name] = read(held[name])
        row = self.table.__new__(self.table)
        row.__dict__.update(held, _exists_in_db=True, _was_created=None)
        return row

    def changed(self, row: TenantTable, changes: Mapping[str, Any]) -> Any:
        """A copy of a stored row with other values, as its next version."""
        made = self.table.__new__(self.table)
        made.__dict__.update(row.__dict__, **changes)
        made.__dict__["version"] = row.version + 1
        return made

    def written(self, name: str, value: Any) -> Any:
        """A value as a parameter of a statement."""
        if type(value) in _AS_IT_IS:
            return value
        if name in self.json:
            return json.dumps(value, ensure_ascii=False)
        return plain(value)

    def state(self, row: TenantTable) -> dict[str, Any]:
        """The row as JSON values; secrets and book-keeping left out."""
        held = row.__dict__
        return {name: _json(held[name]) for name in self._told}

    def whole(self, row: TenantTable) -> dict[str, Any]:
        """The same of a table that withholds nothing, quicker; values are for :func:`encoded`."""
        if not self._is_open:
            raise ValueError(self.table.__name__)
        held = row.__dict__
        state = dict(zip(self._told, self._taken(held), strict=True))
        for name in self._instants:
            # As _json spells a stored one; msgspec would write an instant of UTC with a Z.
            if state[name] is not None:
                state[name] = state[name].astimezone(UTC).isoformat()
        return state

    def shown(self, state: dict[str, Any]) -> dict[str, Any]:
        """The state with masked columns as they are shown: the audit log is kept longer."""
        for name, mask in self.masks.items():
            if state.get(name):
                state[name] = mask_value(mask, state[name]).shown
        return state


@cache
def shape_of(table: type[TenantTable]) -> TableShape:
    """The shape of a table class."""
    return TableShape(table)


def _reader(column: Any) -> Callable[[str], Any] | None:
    """What makes a column's value of the text that JSON has for it; ``None`` where it is one."""
    if isinstance(column, Timestamptz):
        return datetime.fromisoformat
    if isinstance(column, Date):
        return date.fromisoformat
    return UUID if isinstance(column, kinds.UUID | ForeignKey) else None


def plain(value: Any) -> Any:
    """A value as the driver takes it."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, TenantTable):
        return value.id
    return value


def encoded(value: Any) -> str:
    """JSON of values among which there may be rows, which stand for their ids."""
    return _ENCODER.encode(value).decode()


def _json(value: Any) -> Any:
    if type(value) is UUID:
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str, list, dict)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, TenantTable):
        return str(value.id)
    return str(value)


_ENCODER = msgspec.json.Encoder(enc_hook=plain)
