"""Pages (分页), naively: filter a list, sort it, cut a piece out of it."""

import base64
import binascii
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cmp_to_key
from typing import Any

from graphql import GraphQLError

from jingwei_api.schema.filters import filter_name
from jingwei_api.schema.references import reference_targets
from jingwei_sdk.records import Record
from tests.oracle.stored import Row, Stored
from tests.oracle.viewer import Viewer, placed_by

Order = tuple[tuple[str, str], ...]
LARGEST, USUAL = 100, 20
_RANGES: Mapping[str, Callable[[Any, Any], bool]] = {
    "gte": lambda value, limit: value >= limit,
    "gt": lambda value, limit: value > limit,
    "lte": lambda value, limit: value <= limit,
    "lt": lambda value, limit: value < limit,
}


class Told(GraphQLError):
    """A refusal; where several things are wrong any of their codes may be told."""

    def __init__(self, *codes: str) -> None:
        super().__init__(" or ".join(codes), extensions={"codes": list(codes)})


@dataclass(frozen=True)
class Mark:
    """What a cursor stands for: a row in a list of a record in one order."""

    record: str
    order: Order
    row: uuid.UUID


Marks = Mapping[str, Mark]
"""What is known of cursors, by their text."""


@dataclass(frozen=True)
class Page:
    """A piece of a list."""

    record: Record
    order: Order
    rows: Sequence[Row]
    everything: Sequence[Row]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True)
class Asking:
    """A list before it is cut: the rows in sight that belong to it, and what is asked of them."""

    viewer: Viewer
    record: Record
    rows: Sequence[Row]
    given: Mapping[str, Any]
    marks: Marks

    def page(self) -> Page:
        """The page; raises :class:`Told`."""
        order = full_order(self.record, self.given.get("orderBy"))
        after, before = (self.given.get(name) or None for name in ("after", "before"))
        mark = self.marks.get(str(after or before))
        problems = self._problems()
        if (after or before) and (
            mark is None or (mark.record, mark.order) != (self.record.name, order)
        ):
            problems.append("CURSOR_INVALID")
        if problems:
            raise Told(*problems)
        rows = sorted(self._wanted(), key=sort_key(self.viewer.stored, self.record, order))
        everything = rows
        backwards = self.given.get("last") is not None or before is not None
        if mark is not None:
            rows = self._continued(rows, mark, backwards=backwards)
        size = self.given.get("last" if backwards else "first")
        size = USUAL if size is None else size
        continued, more = bool(after or before), len(rows) > size
        kept = (rows[-size:] if size else []) if backwards else rows[:size]
        has_next, has_previous = (continued, more) if backwards else (more, continued)
        return Page(self.record, order, kept, everything, has_next, has_previous)

    def _continued(self, rows: Sequence[Row], mark: Mark, *, backwards: bool) -> list[Row]:
        row = self.viewer.stored.one(mark.record, mark.row)
        assert row is not None
        key = sort_key(self.viewer.stored, self.record, mark.order)
        here = key(row)
        return [each for each in rows if (key(each) < here if backwards else here < key(each))]

    def _wanted(self) -> list[Row]:
        rows = list(self.rows)
        for field, operators in (self.given.get("filter") or {}).items():
            column = column_of(self.record, field)
            for operator, value in (operators or {}).items():
                wanted = self._value(column, operator, value)
                rows = [row for row in rows if holds(operator, row[column], wanted)]
        search = self.given.get("search")
        if search:
            assert self.record.search is not None
            needle = search.strip().lower()
            rows = [row for row in rows if self._is_met(row, needle)]
        under = self.given.get("under")
        if under:
            rows = self._under(rows, decoded(under)[1])
        return rows

    def _is_met(self, row: Row, needle: str) -> bool:
        assert self.record.search is not None
        text = row[self.record.search] or ""
        if self.record.finder is None:
            return needle in text
        # Places: a part of the name, or the beginning of a word of the search text.
        return needle in row["name"].lower() or f" {needle}" in f" {text}"

    def _under(self, rows: list[Row], place_id: uuid.UUID) -> list[Row]:
        column = placed_by(self.record)
        assert column is not None
        place = self.viewer.find(self.viewer.registry.record("Place"), "id", place_id)
        if place is None:
            return []
        return [row for row in rows if (row[column] or "").startswith(place["path"])]

    def _value(self, column: str, operator: str, value: Any) -> Any:
        if operator == "isNull":
            return value
        choices = self.record.column(column)._meta.choices
        if isinstance(choices, type):
            named = getattr(choices, "__members__", {})
            return [named[v].value for v in value] if operator == "in" else named[value].value
        if column == "id" or column in self._targets():
            return [decoded(v)[1] for v in value] if operator == "in" else decoded(value)[1]
        return value

    def _targets(self) -> Mapping[str, str]:
        return {**reference_targets(self.viewer.registry, self.record), "id": self.record.name}

    def _problems(self) -> list[str]:
        found = [*self._size_problems(), *self._guard_problems()]
        under = self.given.get("under")
        if under:
            found += id_problems(under, "Place")
        targets = self._targets()
        for field, operators in (self.given.get("filter") or {}).items():
            column = column_of(self.record, field)
            for operator, value in (operators or {}).items():
                if value is None:
                    found.append("FILTER_EMPTY")
                elif column in targets and operator != "isNull":
                    for each in value if operator == "in" else [value]:
                        found += id_problems(each, targets[column])
                elif unstorable(value):
                    found.append("VALUE_UNSTORABLE")
        if unstorable(self.given.get("search")):
            found.append("VALUE_UNSTORABLE")
        return found

    def _guard_problems(self) -> list[str]:
        told = {column_of(self.record, field) for field in self.given.get("filter") or {}}
        told |= {column for column, _ in full_order(self.record, self.given.get("orderBy"))}
        if self.given.get("search") and self.record.search:
            told.add(self.record.search)
        guarded = [name for name in told if not self.viewer.reads_throughout(self.record, name)]
        return ["PERMISSION_DENIED"] if guarded else []

    def _size_problems(self) -> list[str]:
        first, last = self.given.get("first"), self.given.get("last")
        after, before = self.given.get("after"), self.given.get("before")
        if (first is not None or after) and (last is not None or before):
            return ["PAGE_BOTH_WAYS"]
        size = first if first is not None else last
        return [] if size is None or 0 <= size <= LARGEST else ["PAGE_SIZE_INVALID"]


def holds(operator: str, value: Any, wanted: Any) -> bool:
    """Whether a stored value meets a condition; null meets none but ``isNull``."""
    if operator == "isNull":
        return (value is None) is wanted
    if value is None:
        return False
    if operator == "in":
        return value in wanted
    if operator == "eq":
        return bool(value == wanted)
    if operator == "startsWith":
        return str(value).startswith(wanted)
    return _RANGES[operator](value, wanted)


def full_order(record: Record, given: Sequence[Mapping[str, Any]] | None) -> Order:
    """The order of a list, down to the id."""
    chosen = [
        (each["field"].lower(), (each.get("direction") or "ASC").lower()) for each in given or ()
    ]
    if not chosen:
        first = record.sort[0]
        chosen = [(first, "desc" if first == "created_at" else "asc")]
    return (*chosen, ("id", chosen[-1][1]))


def sort_key(stored: Stored, record: Record, order: Order) -> Callable[[Row], Any]:
    """Null after everything else; descending turns all of it around."""

    def compared(one: Row, other: Row) -> int:
        for column, direction in order:
            left, right = (comparable(stored, record, column, row[column]) for row in (one, other))
            if left != right:
                before = left < right
                return -1 if before == (direction == "asc") else 1
        return 0

    return cmp_to_key(compared)


def comparable(stored: Stored, record: Record, column: str, value: Any) -> tuple[bool, Any]:
    """What values of a column are ordered by: null comes last, texts as the server has them."""
    if value is None:
        return (True, 0)
    ranks = stored.ranks.get((record.name, column))
    return (False, ranks[value] if ranks is not None and isinstance(value, str) else value)


def column_of(record: Record, field: str) -> str:
    """The column that a field of the record's filter is about."""
    return next(name for name in record.filters if filter_name(record, name) == field)


def global_id(record: str, row_id: uuid.UUID) -> str:
    """The id of a row as clients know it."""
    return base64.b64encode(f"{record}:{row_id}".encode()).decode()


def decoded(text: str) -> tuple[str, uuid.UUID]:
    """The type name and the id in a global id; raises ``ValueError``."""
    try:
        name, _, row_id = base64.b64decode(text, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(text) from error
    found = uuid.UUID(row_id)
    if global_id(name, found) != text:
        raise ValueError(text)
    return name, found


def id_problems(text: str, wanted: str | None = None) -> list[str]:
    """What is wrong with a global id; any type will do unless one is wanted."""
    try:
        name, _ = decoded(text)
    except ValueError:
        return ["ID_INVALID"]
    return ["ID_OF_OTHER_TYPE"] if wanted not in (None, name) else []


def unstorable(value: Any) -> bool:
    """Whether the database has no way to hold a value that is compared with a stored one."""
    if isinstance(value, list):
        return any(unstorable(each) for each in value)
    if not isinstance(value, str):
        return False
    return "\0" in value or any("\ud800" <= sign <= "\udfff" for sign in value)
