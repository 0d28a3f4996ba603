"""Wanting (所求): the arguments of a connection as conditions, order and page."""

import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jingwei_api.planning.building import Building, storable, told
from jingwei_api.planning.collecting import Chosen
from jingwei_api.planning.inputs import part
from jingwei_api.schema import global_id
from jingwei_api.schema.filters import SortDirection, filter_name
from jingwei_api.schema.naming import camel
from jingwei_api.schema.references import PLACE, reference_targets
from jingwei_core.reading.guards import held_throughout
from jingwei_core.reading.keyset import Cursors, full_sort, page_size
from jingwei_core.reading.request import Direction, PageRequest
from jingwei_core.reading.selection import After, Asked, Criterion, Test, Value, Wanted
from jingwei_sdk.errors import Denied, Invalid
from jingwei_sdk.records import Record

Sort = tuple[tuple[str, Direction], ...]


def wanted(
    building: Building, chosen: Chosen, record: Record, extra: tuple[Criterion, ...]
) -> Wanted:
    """Which rows, in which order, and which page of them.

    Raises ``Invalid``: ``PAGE_SIZE_INVALID``, ``PAGE_BOTH_WAYS``, ``FILTER_EMPTY``, and what ids in
    the document itself refuse.
    """
    now = building.now
    after, before = now(chosen.input("after")) or None, now(chosen.input("before")) or None
    size, backwards = page_size(
        PageRequest(now(chosen.input("first")), after, now(chosen.input("last")), before)
    )
    search, under = chosen.input("search"), chosen.input("under")
    sort = _sort(building, chosen)
    where = _conditions(building, chosen, record)
    # The order counts even where the record chooses it: a cursor holds the values it sorts by.
    order = [column for column, _ in full_sort(record, sort)]
    telling = [*(now(chosen.input("filter")) or {}), *order]
    if now(search) and record.search:
        telling.append(record.search)
    mind_guards(building, chosen, record, telling)
    return Wanted(
        where=(*where, *extra),
        search=building.parameter(chosen, search, storable) if now(search) else None,
        under=building.parameter(chosen, under, _place) if now(under) else None,
        sort=sort,
        size=size,
        backwards=backwards,
        after=_after(building, chosen, record, sort) if after or before else None,
    )


def _place(value: str) -> Any:
    return global_id.decode_as(PLACE, value, "under")


def _sort(building: Building, chosen: Chosen) -> Sort:
    keys: list[tuple[str, Direction]] = []
    for order in building.now(chosen.input("order_by")) or ():
        direction = order.get("direction") or SortDirection.ASC
        keys.append((order["field"].value, direction.value))
    return tuple(keys)


def _after(building: Building, chosen: Chosen, record: Record, sort: Sort) -> After:
    """Where the page continues: the cursor is read with each request, for it belongs to a tenant;
    the statement depends only on which of its values are null."""
    argument = "after" if building.now(chosen.input("after")) else "before"
    given, order, secret = chosen.input(argument), full_sort(record, sort), building.secret

    def run(asked: Asked, slot: str) -> tuple[bool, ...]:
        cursors = Cursors(secret, asked.tenant.id, record, order)
        values = cursors.read(told(given, asked.variables), argument)
        asked.variables[slot] = values  # type: ignore[index]
        return tuple([value is None for value in values])

    slot, nulls = building.probe(chosen, "cursor", run, (False,) * len(order))

    def value(position: int) -> Value:
        return Value(lambda asked: asked.variables[slot][position])

    return After(tuple(value(at) for at in range(len(nulls))), nulls)


def mind_guards(building: Building, chosen: Chosen, record: Record, columns: Sequence[str]) -> None:
    """Filtering, searching, sorting and figures tell values just as reading does: the guard must
    hold wherever a row could be seen."""
    guards = {column: record.guarded[column] for column in columns if column in record.guarded}
    if not guards:
        return

    def run(asked: Asked, slot: str) -> None:
        for column, guard in guards.items():
            if not held_throughout(building.registry, asked.permissions, guard, record):
                raise Denied("PERMISSION_DENIED", permission=guard, field=camel(column))

    building.probe(chosen, "guards", run, None)


def _conditions(building: Building, chosen: Chosen, record: Record) -> list[Criterion]:
    """The conditions of the ``filter`` argument.

    Raises ``Invalid`` (``FILTER_EMPTY``, ``ID_INVALID``, ``ID_OF_OTHER_TYPE``).
    """
    given = chosen.input("filter")
    filters: Mapping[str, Mapping[str, Any] | None] = building.now(given) or {}
    if not filters:
        return []
    targets = {**reference_targets(building.registry, record), "id": record.name}
    found: list[Criterion] = []
    for column, operators in filters.items():
        for name, value in (operators or {}).items():
            op: Any = name.rstrip("_")
            where = f"filter.{filter_name(record, column)}.{camel(op)}"
            if value is None:
                # "equal to nothing" would quietly mean everything; isNull says it clearly.
                raise Invalid("FILTER_EMPTY", field=where)
            if op == "is_null":
                found.append(Test(column, op, value))
                continue
            convert = _converter(targets.get(column), value, where)
            leaf = part(part(given, column), name)
            found.append(Test(column, op, building.value(chosen, leaf, convert)))
    return found


def _converter(target: str | None, value: Any, where: str) -> Callable[[Any], Any] | None:
    """What turns a value of a filter into what the column is compared with."""
    if target is not None:
        if isinstance(value, list):
            return lambda given: [global_id.decode_as(target, item, where) for item in given]
        return lambda given: global_id.decode_as(target, given, where)
    if isinstance(value, list):
        return lambda given: [_plain(item) for item in given]
    return _plain if isinstance(value, (str, enum.Enum)) else None


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    return storable(value) if isinstance(value, str) else value
