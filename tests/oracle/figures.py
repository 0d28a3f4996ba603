"""Figures over a list, naively: take all its rows, put them into heaps, count and add."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cmp_to_key
from typing import Any

from jingwei_api.schema.naming import camel
from jingwei_api.schema.references import is_reference
from jingwei_sdk.figures import is_time
from jingwei_sdk.records import Record
from tests.oracle.own_questions import ZONE
from tests.oracle.pages import Told, comparable
from tests.oracle.stored import Row
from tests.oracle.viewer import Viewer

MOST_BY, USUAL_GROUPS, MOST_GROUPS = 3, 100, 1000
UNITS = ("HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
FUNCTIONS = ("sum", "min", "max", "avg")


@dataclass(frozen=True)
class By:
    """What rows are put into heaps by."""

    column: str
    unit: str | None


@dataclass(frozen=True)
class Heap:
    """Rows with a key in common; the heap of all rows has none."""

    by: tuple[By, ...]
    key: tuple[Any, ...]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Figures:
    """The figures over rows of one record."""

    viewer: Viewer
    record: Record
    rows: Sequence[Row]

    def told(self, given: Mapping[str, Any], measured: Sequence[str]) -> Mapping[str, Any]:
        """The aggregate; ``measured`` are the columns that its selection names."""
        by = [self._by(member) for member in given.get("by") or ()]
        problems = self._problems(by, given.get("first"), measured)
        if problems:
            raise Told(*problems)
        heaps = self._heaps(tuple(by), given.get("orderBy") or ()) if by else []
        size = given.get("first")
        size = USUAL_GROUPS if size is None else size
        return {
            **self._figures(Heap((), (), self.rows)),
            "groups": [self._group(heap) for heap in heaps[:size]],
            "isCut": len(heaps) > size,
        }

    def column(self, field: str) -> str:
        """The column of a measure."""
        return next(name for name in self.record.measures if camel(name) == field)

    def _by(self, member: str) -> By:
        for name in self.record.dimensions:
            is_row = is_reference(self.record, name)
            stem = (name.removesuffix("_id") if is_row else name).upper()
            if member == stem:
                return By(name, None)
            unit = member.removeprefix(f"{stem}_")
            if is_time(self.record.column(name)) and unit in UNITS and unit != member:
                return By(name, unit)
        raise AssertionError(member)

    def _problems(self, by: list[By], size: int | None, measured: Sequence[str]) -> list[str]:
        columns = [each.column for each in by]
        found = []
        if len(by) > MOST_BY:
            found.append("GROUPING_TOO_MANY")
        if len(set(columns)) < len(columns):
            found.append("GROUPING_TWICE")
        if size is not None and not 0 <= size <= MOST_GROUPS:
            found.append("PAGE_SIZE_INVALID")
        told = [*columns, *map(self.column, measured)]
        if not all(self.viewer.reads_throughout(self.record, name) for name in told):
            found.append("PERMISSION_DENIED")
        return found

    def _heaps(self, by: tuple[By, ...], order: Sequence[Mapping[str, Any]]) -> list[Heap]:
        heaps: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows:
            key = tuple(bucket(self._read(row, each.column), each.unit) for each in by)
            heaps.setdefault(key, []).append(row)
        found = [Heap(by, key, rows) for key, rows in heaps.items()]
        usual = ("KEY", "ASC") if any(each.unit for each in by) else ("COUNT", "DESC")
        wanted = [(each["field"], each.get("direction") or "ASC") for each in order] or [usual]
        return sorted(found, key=self._sort_key([*wanted, ("KEY", "ASC")]))

    def _sort_key(self, order: Sequence[tuple[str, str]]) -> Callable[[Heap], Any]:
        def parts(heap: Heap, field: str) -> Any:
            if field == "COUNT":
                return (len(heap.rows),)
            return tuple(
                comparable(self.viewer.stored, self.record, each.column, value)
                for each, value in zip(heap.by, heap.key, strict=True)
            )

        def compared(one: Heap, other: Heap) -> int:
            for field, direction in order:
                left, right = parts(one, field), parts(other, field)
                if left != right:
                    return -1 if (left < right) == (direction == "ASC") else 1
            return 0

        return cmp_to_key(compared)

    def _read(self, row: Row, column: str) -> Any:
        return self.viewer.value(self.record, row, column)

    def _figures(self, heap: Heap) -> Mapping[str, Any]:
        told: dict[str, Any] = {"count": len(heap.rows)}
        for function in FUNCTIONS:
            told[function] = {
                camel(name): figure(function, [self._read(row, name) for row in heap.rows])
                for name in self.record.measures
                if function in ("min", "max") or not is_time(self.record.column(name))
            }
        return told

    def _group(self, heap: Heap) -> Mapping[str, Any]:
        key: dict[str, Any] = {}
        for name in self.record.dimensions:
            at = next((at for at, each in enumerate(heap.by) if each.column == name), None)
            value = None if at is None else heap.key[at]
            field = camel(name.removesuffix("_id") if is_reference(self.record, name) else name)
            key[field] = self._key(name, value, None if at is None else heap.by[at].unit)
        return {**self._figures(heap), "key": key}

    def _key(self, column: str, value: Any, unit: str | None) -> Any:
        if value is None:
            return None
        if unit is not None:
            return edges(value, unit)
        if is_reference(self.record, column):
            return lambda asked, given: asked.named(self.record, column, value)
        choices = self.record.column(column)._meta.choices
        if isinstance(choices, type):
            members = getattr(choices, "__members__", {})
            return next(name for name, member in members.items() if member.value == value)
        return value


def figure(function: str, values: Sequence[Any]) -> Any:
    """The sum, least, greatest or average of what is not null; null where nothing is."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    if function == "min":
        return min(known)
    if function == "max":
        return max(known)
    return sum(known) if function == "sum" else sum(known) / len(known)


def bucket(value: Any, unit: str | None) -> Any:
    """The beginning of the bucket that a value lies in: an instant of the tenant's zone, or a
    day."""
    if value is None or unit is None:
        return value
    if isinstance(value, datetime):
        local = value.astimezone(ZONE)
        if unit == "HOUR":
            return local.replace(minute=0, second=0, microsecond=0)
        return datetime.combine(first_day(local.date(), unit), time(), ZONE)
    return first_day(value, unit)


def first_day(day: date, unit: str) -> date:
    """The first day of the week, month, … that a day lies in; a day without end is by itself."""
    if day == date.max:
        return day
    if unit == "WEEK":
        return day - timedelta(days=day.weekday())
    if unit == "MONTH":
        return day.replace(day=1)
    if unit == "QUARTER":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day.replace(month=1, day=1) if unit == "YEAR" else day


def next_day(day: date, unit: str) -> date:
    """The first day of the next week, month, …"""
    if day == date.max:
        return day
    if unit in ("DAY", "WEEK"):
        return day + timedelta(days=7 if unit == "WEEK" else 1)
    months = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}[unit]
    number = day.year * 12 + day.month - 1 + months
    return date(number // 12, number % 12 + 1, 1)


def edges(start: Any, unit: str) -> Mapping[str, Any]:
    """The bucket that begins at ``start``."""
    if not isinstance(start, datetime):
        return {"start": start, "end": next_day(start, unit), "date": start}
    day = start.date()
    end = start + timedelta(hours=1)
    if unit != "HOUR":
        end = datetime.combine(next_day(day, unit), time(), ZONE)
    return {"start": start.astimezone(UTC), "end": end.astimezone(UTC), "date": day}
