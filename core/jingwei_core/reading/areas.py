"""Area sizes (辖区规模): whether an actor sees few rows of a record, or few places, as a hint for
plans.

A wrong hint costs time and never changes an answer. What is known is kept for some minutes, for a
bounded number of actors; it is found out by a look at the first rows of each subtree.
"""

import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from jingwei_core.commands.data import qualified
from jingwei_core.database.reading import FIRST_FREE, one_trip
from jingwei_core.places.tables import Place
from jingwei_core.reading.compiled import Compiled, Little
from jingwei_core.reading.json_text import an_object, made, sql_of
from jingwei_core.reading.merging import FEW_PLACES, lies_at_places
from jingwei_core.reading.plan import Plan
from jingwei_core.reading.scans import FEW_ROWS
from jingwei_core.reading.selection import Asked
from jingwei_core.reading.sight import Parameters, Planned
from jingwei_core.reading.ways import area_of, ways
from jingwei_core.registry import Registry
from jingwei_sdk.records import Record

MOST_KNOWN = 20_000
AGE_S = 300.0
MOST_ROWS = 6_000
"""More rows are never few. Up to here they are where they lie so far apart that walking an index
would meet more rows than that, for a page of them: see :func:`_told`."""
MOST_PLACES = 100
"""More places are never few. Up to here they are where walking an index would take longer."""
_WALKED = 16
"""So many rows fetched one by one take as long as a page of 50 met while walking an index."""

Read = Callable[[str, list[object]], Awaitable[bytes | None]]
_Key = tuple[object, ...]


class AreaSizes:
    """What is known of the actors of a platform; one for all tenants."""

    def __init__(self, most: int = MOST_KNOWN, age_s: float = AGE_S) -> None:
        self._most = most
        self._age_s = age_s
        self._known: OrderedDict[_Key, tuple[float, tuple[bool, bool]]] = OrderedDict()

    async def little(
        self, registry: Registry, asked: Asked, names: Sequence[str], read: Read
    ) -> Little:
        """Of which of the records ``names`` (``Compiled.areas``) the actor sees little.

        ``read(sql, arguments)`` runs a statement for the actor as ``Database.read`` does; it is
        called only for what is not known yet, and its ``None`` is learned as nothing.
        """
        now = time.monotonic()
        keys = {name: _key(registry.record(name), asked) for name in names}
        unknown = [name for name, key in keys.items() if not self._is_known(key, now)]
        if unknown:
            probe = compile_probe(registry, unknown, asked)
            told = await read(probe.sql, probe.arguments(asked))
            for name, few in json.loads(told).items() if told is not None else ():
                self._learn(keys[name], tuple(few), now)
        said = {name: self._said(key) for name, key in keys.items()}
        return Little(
            rows=frozenset(name for name, (rows, _) in said.items() if rows),
            places=frozenset(name for name, (_, places) in said.items() if places),
        )

    def _is_known(self, key: _Key, now: float) -> bool:
        found = self._known.get(key)
        return found is not None and now - found[0] < self._age_s

    def _said(self, key: _Key) -> tuple[bool, bool]:
        found = self._known.get(key)
        return (False, False) if found is None else found[1]

    def _learn(self, key: _Key, few: tuple[bool, bool], now: float) -> None:
        self._known[key] = (now, few)
        self._known.move_to_end(key)
        while len(self._known) > self._most:
            self._known.popitem(last=False)


def compile_probe(registry: Registry, names: Sequence[str], asked: Asked) -> Compiled:
    """The statement that answers, for each record, whether the actor sees few rows of it, and
    whether the places at which they lie are few."""
    viewer = Planned(asked.permissions)
    plan = Plan(registry, viewer, b"", parameters=Parameters(first=FIRST_FREE))
    told = []
    for name in names:
        record = registry.record(name)
        told.append((name, made(_told(plan, record))))
    sql, values = plan.parameters.of_use(one_trip(sql_of(an_object(told))))
    return Compiled(
        sql=sql,
        values=values,
        worked=(),
        permissions=tuple(viewer.names),
        records=frozenset(plan.records),
    )


def _key(record: Record, asked: Asked) -> _Key:
    actor = asked.actor
    paths = asked.permissions.paths(record.read)
    mine = (actor.account_id, actor.department_ids, actor.covers)
    return (asked.tenant.id, record.name, paths, *mine)


def _told(plan: Plan, record: Record) -> str:
    """Whether the actor sees few rows, and few places, as JSON.

    If a tenant's rows are spread over its places, an area with a hundredth of these has a
    hundredth of those, and a hundred pages are walked through for one of the area.
    """
    found = plan.alias()
    rows, places = f"{found}.rows", f"{found}.places"
    few_rows = (
        f"{rows} < {FEW_ROWS} OR {rows} < {MOST_ROWS} AND {places} <= {MOST_PLACES}"
        f" AND {_has_places(plan, f'{rows} * {places} / {_WALKED}')}"
    )
    few_places = (
        f"{places} <= {FEW_PLACES} OR {places} <= {MOST_PLACES}"
        f" AND {_has_places(plan, f'{places} * {places}')}"
    )
    return (
        f"(SELECT json_build_array({few_rows}, {few_places})::text"
        f" FROM (SELECT {_rows(plan, record)} AS rows, {_places(plan, record)} AS places) {found})"
    )


def _rows(plan: Plan, record: Record) -> str:
    """How many rows the ways into sight open, counted no further than needed."""
    source, found = plan.source(record), []
    for way in ways(plan, record):
        alias = plan.alias()
        found.append(
            f"(SELECT count(*) FROM (SELECT FROM {way.starts} CROSS JOIN LATERAL (SELECT"
            f" FROM {source} {alias} WHERE {way.test(alias)} LIMIT {MOST_ROWS}) {alias}"
            f" LIMIT {MOST_ROWS}) {alias})"
        )
    return " + ".join(found) or str(MOST_ROWS)


def _places(plan: Plan, record: Record) -> str:
    """How many places the area holds, counted no further than needed; many for what does not lie
    at places."""
    most = MOST_PLACES + 1
    if not lies_at_places(record):
        return f"{most}::bigint"
    place = plan.alias()
    return (
        f"(SELECT count(*) FROM (SELECT FROM {area_of(plan, record)} CROSS JOIN LATERAL (SELECT"
        f" FROM {qualified(Place)} {place} WHERE {place}.path >= way.low"
        f" AND {place}.path < way.high LIMIT {most}) {place} LIMIT {most}) {place})"
    )


def _has_places(plan: Plan, least: str) -> str:
    """Whether the tenant has so many places."""
    place = plan.alias()
    counted = f"SELECT count(*) FROM (SELECT FROM {qualified(Place)} LIMIT {least}) {place}"
    return f"({counted}) >= {least}"
