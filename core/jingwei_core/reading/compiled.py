"""Compiled reads (已编译的读取): a statement, its parameters, and where Python still works.

A statement depends on what was asked for and on the *shape* of the permissions only; whoever reads
brings the values. So one compiled read serves all requests of its shape, of all tenants.
"""

import datetime as dt
import secrets
import uuid
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from jingwei_core.reading.selection import Asked, Value
from jingwei_sdk.context import Permissions
from jingwei_sdk.personal import Masked
from jingwei_sdk.records import Computed, Record

EVERYWHERE: Final = ("/",)
MANY_PREFIXES = 9
"""From so many subtrees on, they are one parameter and no longer part of the statement."""

SLOT: Final = f"#{secrets.token_hex(8)}"
"""The key under which the object that stands for a computed field tells its :class:`WorkedAt`; no
value of a JSON column can hold it."""


class Each:
    """In a path: every entry of the list that stands here."""

    def __repr__(self) -> str:
        return "EACH"


EACH: Final = Each()
Step = str | Each


@dataclass(frozen=True, slots=True)
class WorkedAt:
    """Where a computed field sits in the JSON of a statement.

    There stands null, or an object of the row's columns that its function needs; ``path`` leads
    from the root to the objects of which it is the field ``key``.
    """

    number: int
    path: tuple[Step, ...]
    key: str
    record: Record
    name: str
    computed: Computed
    readers: Mapping[str, Callable[[Any], Any]]

    def found(self, data: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
        """The objects in decoded JSON that hold the field, each with the row of its function.

        A row has the values that the database would have answered: UUIDs, dates and instants, and
        ``Masked`` for masked columns. The caller sets ``holder[key]`` to what the function says;
        where null stands already (no permission) nothing is to be done.
        """
        for holder in _holders(data, self.path):
            brought = holder.get(self.key)
            if isinstance(brought, dict) and brought.get(SLOT) == self.number:
                row = {
                    name: None if brought[name] is None else read(brought[name])
                    for name, read in self.readers.items()
                }
                yield holder, row


@dataclass(frozen=True, slots=True)
class Compiled:
    """One statement for a whole selection.

    ``sql`` is complete (it binds the tenant and verifies the access itself) and answers the JSON
    text of the selection as bytes; ``values`` are its parameters from ``$5`` on. Without ``worked``
    the bytes go through as they are. ``permissions`` are the names whose subtrees shaped it: it
    serves whoever has the same :func:`sight_shape` over them. ``records`` are the records read, by
    name. ``areas`` are the records of whose lists :class:`~.areas.AreaSizes` may know better.
    ``taken`` are the values of the selection that working out the parameters looks at.
    """

    sql: str
    values: tuple[Any, ...]
    worked: tuple[WorkedAt, ...]
    permissions: tuple[str, ...]
    records: frozenset[str]
    areas: tuple[str, ...] = ()
    taken: frozenset[Value] = frozenset()

    def arguments(self, asked: Asked) -> list[Any]:
        """The parameters for one request; raises what a :class:`Value` raises."""
        return [value.of(asked) if isinstance(value, Value) else value for value in self.values]


@dataclass(frozen=True, slots=True)
class Little:
    """Of which records an actor sees little: names of those with so few ``rows`` in sight that
    these can be read and sorted, and of those whose ``places`` in the actor's area are few."""

    rows: frozenset[str] = frozenset()
    places: frozenset[str] = frozenset()


NOTHING_KNOWN = Little()


def sight_shape(permissions: Permissions, names: Iterable[str]) -> Hashable:
    """What a statement depends on of an actor's permissions: for each name whether it is held
    nowhere (0), everywhere (-1), or in how many subtrees."""
    return tuple([prefix_shape(permissions.paths(name)) for name in names])


def prefix_shape(paths: tuple[str, ...]) -> int:
    """The shape of one permission; see :func:`sight_shape`."""
    if paths == EVERYWHERE:
        return -1
    return min(len(paths), MANY_PREFIXES)


def reader_of(kind: str) -> Callable[[Any], Any]:
    """What turns the JSON of a column into the value that the database's driver answers; ``kind``
    is one of ``uuid``, ``instant``, ``day``, ``masked``, or anything else for no change."""
    return _READERS.get(kind, _as_it_is)


def _as_it_is(value: Any) -> Any:
    return value


_READERS: Mapping[str, Callable[[Any], Any]] = {
    "uuid": uuid.UUID,
    "instant": dt.datetime.fromisoformat,
    "day": dt.date.fromisoformat,
    "masked": Masked,
}


def _holders(data: Any, path: tuple[Step, ...]) -> Iterator[dict[str, Any]]:
    if data is None:
        return
    if not path:
        if isinstance(data, dict):
            yield data
        return
    first, rest = path[0], path[1:]
    if isinstance(first, Each):
        for entry in data:
            yield from _holders(entry, rest)
    else:
        yield from _holders(data.get(first), rest)
