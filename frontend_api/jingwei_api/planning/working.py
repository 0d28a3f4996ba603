"""Working out (计算字段): computed fields, filled into what a statement has brought.

A field is worked out once for all rows that ask for it. What goes wrong takes away that field of
those rows and is told with the path of each.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from graphql import GraphQLError, GraphQLList, GraphQLNonNull

from jingwei_api.planning.index import SchemaIndex
from jingwei_api.schema.naming import camel
from jingwei_core.commands.plugin_context import given_to
from jingwei_core.reading.compiled import Each, WorkedAt
from jingwei_core.session import CoreContext
from jingwei_sdk.context import Context

Path = tuple[str | int, ...]
Holder = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Asked:
    """A computed field of one object of the answer, and the row that it is worked out from."""

    at: WorkedAt
    holder: Holder
    row: dict[str, Any]


_Asking = list[_Asked]


class _Places:
    """Where in the response the objects stand; looked for once, and only if something fails."""

    def __init__(self, data: Holder) -> None:
        self._data = data
        self._known: dict[int, dict[int, Path]] = {}

    def of(self, asked: _Asked) -> Path:
        """The path of an object's field."""
        at = asked.at
        known = self._known.get(at.number)
        if known is None:
            found = located(self._data, at.path)
            known = self._known[at.number] = {id(holder): path for path, holder in found}
        return (*known[id(asked.holder)], at.key)


async def fill_in(
    ctx: Context, index: SchemaIndex, worked: Sequence[WorkedAt], data: Holder
) -> list[GraphQLError]:
    """Put the values of computed fields into decoded JSON; answers what went wrong."""
    asking: dict[tuple[str, str], _Asking] = defaultdict(list)
    for at in worked:
        for holder, row in at.found(data):
            asking[at.record.name, at.name].append(_Asked(at, holder, row))
    errors: list[GraphQLError] = []
    places = _Places(data)
    for (record, name), rows in asking.items():
        complete = completer(index.object(record).fields[camel(name)].type)
        errors += await _fill(ctx, complete, rows, places)
    return errors


async def _fill(
    ctx: Context, complete: Callable[[Any], Any], rows: _Asking, places: _Places
) -> list[GraphQLError]:
    # An object that asks twice, under two response keys, is one row.
    once = {id(asked.holder): asked.row for asked in rows}
    try:
        values = await _values(ctx, rows[0].at, list(once.values()))
        told = dict(zip(once, values, strict=True))
    except Exception as error:  # noqa: BLE001 - whatever a plugin's function raises is told there
        return [_failed(asked, places, error) for asked in rows]
    errors = []
    for asked in rows:
        try:
            asked.holder[asked.at.key] = complete(told[id(asked.holder)])
        except Exception as error:  # noqa: BLE001 - a value that is not of the field's type
            errors.append(_failed(asked, places, error))
    return errors


async def _values(ctx: Context, at: WorkedAt, rows: list[dict[str, Any]]) -> Sequence[object]:
    """What the field's function answers; a plugin's is stopped, counted and may be paused."""
    assert isinstance(ctx, CoreContext)
    hooks, field = ctx.platform.hooks, (at.record.name, at.name)
    work = partial(at.computed.resolve, given_to(hooks.owner(ctx, field), ctx), rows)
    return await hooks.computed(ctx, field, work)


def _failed(asked: _Asked, places: _Places, error: Exception) -> GraphQLError:
    asked.holder[asked.at.key] = None
    return GraphQLError(str(error), path=list(places.of(asked)), original_error=error)


def located(data: Any, steps: Sequence[str | Each], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """The objects that the steps lead to, each with its path in the response."""
    if data is None:
        return
    if not steps:
        yield path, data
        return
    first, rest = steps[0], steps[1:]
    if isinstance(first, Each):
        for at, entry in enumerate(data):
            yield from located(entry, rest, (*path, at))
    else:
        yield from located(data.get(first), rest, (*path, first))


def completer(kind: Any) -> Callable[[Any], Any]:
    """A function that turns a Python value into the JSON of an output type, or raises."""
    if isinstance(kind, GraphQLNonNull):
        inner = completer(kind.of_type)

        def needed(value: Any) -> Any:
            if value is None:
                raise TypeError(f"null where {kind} is needed")
            return inner(value)

        return needed
    if isinstance(kind, GraphQLList):
        entry = completer(kind.of_type)
        return lambda value: None if value is None else [entry(item) for item in value]
    write: Callable[[Any], Any] = kind.coerce_output_value
    return lambda value: None if value is None else write(value)
