"""Records (记录): how a table is read.

One declaration gives the GraphQL type with its connection, filters and sort keys, the SQL and its
data scope. A record without a read permission and a scope cannot be made.
"""

import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

from piccolo.columns import Column

from jingwei_sdk.context import Context
from jingwei_sdk.errors import Refused
from jingwei_sdk.figures import Rollup, check_figures
from jingwei_sdk.personal import masked_columns
from jingwei_sdk.tables import CoreRef, TenantFK, TenantTable, columns_of

PERMISSION = re.compile(r"^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+\Z")
TYPE_NAME = re.compile(r"^[A-Z][A-Za-z0-9]*\Z")


@dataclass(frozen=True, slots=True)
class AtPlace:
    """A row is in sight when its ``column`` (a place path) lies in a permitted subtree."""

    column: str = "place_path"


@dataclass(frozen=True, slots=True)
class TenantWide:
    """Every row is in sight of whoever holds the read permission anywhere in the tenant."""


@dataclass(frozen=True, slots=True)
class OwnedBy:
    """A row is in sight of the account that its ``column`` names.

    With ``covered`` it is so too of whoever stands in for that account now (``Actor.covers``): for
    work that is handed to a person, never for what is that person's own.
    """

    column: str
    covered: bool = False


@dataclass(frozen=True, slots=True)
class OfDepartment:
    """A row is in sight of the members of the department that its ``column`` names."""

    column: str


@dataclass(frozen=True, slots=True)
class Among:
    """A row is in sight of the accounts that its ``column``, an array of ids, names."""

    column: str


@dataclass(frozen=True, slots=True)
class Through:
    """A row is in sight when the row that its reference ``column`` names is in sight."""

    column: str
    record: str


Scope = AtPlace | TenantWide | OwnedBy | OfDepartment | Among | Through


@dataclass(frozen=True, slots=True)
class One:
    """A forward relation: the record that the reference column ``column`` of this table names."""

    column: str
    record: str


@dataclass(frozen=True, slots=True)
class Many:
    """A reverse relation: the rows of ``record`` whose reference ``column`` names this row."""

    record: str
    column: str


@dataclass(frozen=True, slots=True)
class Opposite:
    """A reverse relation with at most one row: ``record``'s unique ``column`` names this row."""

    record: str
    column: str


@dataclass(frozen=True, slots=True)
class Either:
    """A forward relation to a row of one of several records: ``type_column`` holds its type name
    and ``id_column`` its id.

    ``records`` are the types it may have, a union in GraphQL; without them any record may be named,
    told as ``Node``. What is out of sight, or of a record that is switched off, reads as null.
    """

    type_column: str
    id_column: str
    records: tuple[str, ...] = ()


Relation = One | Many | Opposite | Either
Resolve = Callable[[Context, Sequence[Mapping[str, Any]]], Awaitable[Sequence[object]]]


@dataclass(frozen=True, slots=True)
class Computed:
    """A field worked out in Python for a batch of rows from the columns it ``needs``.

    ``type`` is ``str``, ``int``, ``bool``, ``float``, ``datetime`` or a list of one of them;
    ``resolve(ctx, rows)`` answers one value for each row, in order. ``cost`` is what the field
    counts for each row, the reading of a row being 1; ``None`` is the usual 2.
    """

    type: Any
    needs: tuple[str, ...]
    resolve: Resolve
    permission: str | None = None
    description: str = ""
    cost: int | None = None


class Finder(Protocol):
    """How rows of a large table are found by text without looking at each; SQL over placeholders.

    Few matches are ``fetched`` through an index, many are ``met`` by walking the asked order; both
    find the same rows.
    """

    def bounds(self, text: str) -> tuple[str, str, bool]:
        """The values of the placeholders ``low``, ``high`` and ``common``."""
        ...

    def is_few(self, low: str, high: str, common: str) -> str:
        """The condition that fetching is the better way."""
        ...

    def fetched(self, low: str, high: str, alias: str) -> str:
        """The condition of the matches that reaches an index."""
        ...

    def met(self, low: str, alias: str) -> str:
        """The condition of a match, row by row."""
        ...


@dataclass(frozen=True)
class Record:
    """How a table is read; registering it makes it readable and nothing else does.

    With ``audited`` each reading of its rows leaves one entry in the audit log: who, which rows,
    through which field. Such reads leave the fast path. ``cost`` is what a list or a look-up of it
    counts more than others; the reading of a row is 1.
    """

    table: type[TenantTable]
    read: str
    scope: tuple[Scope, ...]
    name: str = ""
    plural: str = ""
    filters: tuple[str, ...] = ()
    sort: tuple[str, ...] = ("created_at",)
    search: str | None = None
    finder: Finder | None = None
    dimensions: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    rollups: tuple[Rollup, ...] = ()
    hidden: frozenset[str] = frozenset()
    guarded: Mapping[str, str] = field(default_factory=dict)
    relations: Mapping[str, Relation] = field(default_factory=dict)
    computed: Mapping[str, Computed] = field(default_factory=dict)
    description: str = ""
    audited: bool = False
    cost: int = 0

    def __post_init__(self) -> None:
        if not self.name:
            object.__setattr__(self, "name", self.table.__name__)
        if not self.plural:
            object.__setattr__(self, "plural", self.name[0].lower() + self.name[1:] + "s")
        if not self.description:
            object.__setattr__(self, "description", _first_line(self.table.__doc__))
        _check(self)

    @property
    def columns(self) -> tuple[str, ...]:
        """The readable columns in declaration order, without ``tenant_id`` and hidden ones."""
        return tuple(
            name for name in _column_names(self.table) if name != "tenant_id" and self.shows(name)
        )

    def shows(self, column: str) -> bool:
        """Whether the column may be read at all (a permission may still guard it)."""
        return column not in self.hidden

    def column(self, name: str) -> Column:
        """The Piccolo column called ``name``; without one, ``ValueError``."""
        found = self._by_name.get(name)
        # Piccolo looks through all columns each time, which was a tenth of compiling a query.
        return found if found is not None else self.table._meta.get_column_by_name(name)

    @cached_property
    def _by_name(self) -> Mapping[str, Column]:
        return {column._meta.name: column for column in columns_of(self.table)}


@dataclass(frozen=True, slots=True)
class Extension:
    """Fields that a package adds to a record of another package, by the record's type name."""

    record: str
    relations: Mapping[str, Relation] = field(default_factory=dict)
    computed: Mapping[str, Computed] = field(default_factory=dict)


def references(record: Record) -> dict[str, str]:
    """The reference columns of a record's table and the type name that each points at."""
    found: dict[str, str] = {}
    for column in columns_of(record.table):
        if isinstance(column, CoreRef):
            found[column._meta.name] = column.target
        elif isinstance(column, TenantFK):
            found[column._meta.name] = column._foreign_key_meta.resolved_references.__name__
    return found


def row_id(row: Mapping[str, Any]) -> uuid.UUID:
    """The id of a row as the reader returns it."""
    value: uuid.UUID = row["id"]
    return value


def _first_line(text: str | None) -> str:
    return (text or "").strip().split("\n", 1)[0]


def _column_names(table: type[TenantTable]) -> list[str]:
    return [column._meta.name for column in columns_of(table)]


def _check(record: Record) -> None:
    """Refuse a declaration that would read without permission, scope or an existing column."""
    if not PERMISSION.match(record.read):
        raise Refused("RECORD_WITHOUT_PERMISSION", record=record.name, permission=record.read)
    if not record.scope:
        raise Refused("RECORD_WITHOUT_SCOPE", record=record.name)
    if not TYPE_NAME.match(record.name):
        raise Refused("RECORD_NAME", record=record.name)
    known = set(_column_names(record.table))
    scoped = [scope.column for scope in record.scope if not isinstance(scope, TenantWide)]
    used = [*record.filters, *record.sort, *record.dimensions, *record.measures, *scoped]
    used += [*record.guarded, *(name for rollup in record.rollups for name in rollup.columns)]
    used += [r.column for r in record.relations.values() if isinstance(r, One)]
    for relation in record.relations.values():
        if isinstance(relation, Either):
            used += [relation.type_column, relation.id_column]
    used += [need for c in record.computed.values() for need in c.needs]
    if record.search:
        used.append(record.search)
    unknown = sorted({column for column in used if column not in known})
    if unknown:
        raise Refused("RECORD_UNKNOWN_COLUMN", record=record.name, columns=unknown)
    # Filtering, sorting, searching and figures tell a value just as reading it does.
    telling = {*record.filters, *record.sort, record.search or ""}
    telling |= {*record.dimensions, *record.measures}
    told = sorted(telling & set(masked_columns(record.table)))
    if told:
        raise Refused("MASKED_COLUMN_TOLD", record=record.name, columns=", ".join(told))
    for permission in record.guarded.values():
        if not PERMISSION.match(permission):
            raise Refused("RECORD_WITHOUT_PERMISSION", record=record.name, permission=permission)
    costs = [record.cost, *(c.cost or 0 for c in record.computed.values())]
    if min(costs) < 0:
        raise Refused("COST_NEGATIVE", name=record.name, cost=min(costs))
    if record.rollups and not any(isinstance(s, AtPlace | TenantWide) for s in record.scope):
        raise Refused("ROLLUP_WITHOUT_PLACE", record=record.name)
    check_figures(record)
