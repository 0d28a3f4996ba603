"""Figures: equal to those of counting rows in sight, whoever asks, kept or not, folded or not."""

import json
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.reading import selection
from jingwei_core.reading.compiled import Compiled
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.figures import (
    Aggregate,
    BucketEdge,
    BucketPart,
    Dimension,
    GroupKey,
    Groups,
    IsCut,
    KeyBucket,
    KeyRow,
    KeyValue,
    Measures,
    Tally,
)
from jingwei_core.reading.selection import (
    Asked,
    Column,
    Count,
    Group,
    Id,
    Page,
    Typename,
    Value,
    Wanted,
)
from jingwei_core.registry import build_registry
from jingwei_core.rollups.keeping import fold
from jingwei_sdk.context import Actor, Tenant
from jingwei_sdk.records import One
from tests.core.rollups.town import PATHS, START, STATES, Town, build_town
from tests.servers.databases import NewDatabase

REGISTRY = build_registry([core_contribution()])
EVENT = REGISTRY.record("Event")
SHANGHAI = ZoneInfo("Asia/Shanghai")
SECRET = b"secret of the tests"
READS = ("event.read", "place.read", "kind.read")


@pytest.fixture(scope="session")
async def figures_database(new_database: NewDatabase) -> AsyncIterator[Database]:
    async with new_database() as settings, open_database(settings) as database:
        yield database


@pytest.fixture
async def town(figures_database: Database) -> Town:
    return await build_town(figures_database)


@dataclass
class Reader:
    """An account with permissions of its own."""

    town: Town
    areas: tuple[str, ...]
    account: int = 0
    departments: tuple[int, ...] = ()
    sql: list[str] = field(default_factory=list)

    @property
    def actor(self) -> Actor:
        mine = frozenset(self.town.departments[at] for at in self.departments)
        return Actor("account", "x", self.town.accounts[self.account], mine)

    @property
    def permissions(self) -> PermissionSet:
        # Someone who sees no place still reads what is their own.
        grants = [Grant(area, READS) for area in self.areas or ("/nowhere/",)]
        return PermissionSet(grants)

    def compiled(self, page: Page) -> Compiled:
        return compile_read(REGISTRY, Group("", (page,)), self.permissions, SECRET)

    async def read(self, page: Page, **variables: Any) -> Any:
        compiled = self.compiled(page)
        self.sql.append(compiled.sql)
        tenant = Tenant(self.town.id, "x", "x", SHANGHAI)
        now = datetime.now(UTC)
        asked = Asked(tenant, self.actor, self.permissions, now, "zh", variables)
        async with self.town.database.unit(self.town.id) as unit:
            policy = await unit.fetchval(
                "SELECT coalesce((SELECT number FROM core.policy_version), 0)"
            )
            stamp = (str(self.town.id), self.actor.account_id, 0, policy)
            found = await unit.fetchval(compiled.sql, *stamp, *compiled.arguments(asked))
        assert found is not None, "stale"
        return json.loads(bytes(found))[page.key]

    async def seen(self) -> list[Any]:
        """The events in sight, by a loop over all of them."""
        async with self.town.database.unit(self.town.id) as unit:
            rows = await unit.fetch("SELECT * FROM core.event")
        mine = self.actor
        return [
            row
            for row in rows
            if any(row["place_path"].startswith(area) for area in self.areas)
            or mine.account_id in (row["reporter"], row["assigned_account"])
            or row["assigned_department"] in mine.department_ids
        ]


def readers(town: Town) -> list[Reader]:
    return [
        Reader(town, ("/",)),
        Reader(town, ("/1/",)),
        Reader(town, ("/1/2/",), 1, (0,)),
        Reader(town, ("/1/2/3/", "/1/22/"), 2, (1, 2)),
        Reader(town, (), 1, (0,)),
        Reader(town, tuple(f"/1/{n}/" for n in range(2, 30)), 2),
    ]


BY = (Dimension("state"), Dimension("kind"))
KEY = GroupKey("key", (KeyValue("s", 0), KeyRow("k", 1, One("kind", "EventKind"), (Id("id"),))))


def aggregate(by: tuple[Dimension, ...], key: GroupKey, **more: Any) -> Aggregate:
    groups = Groups("groups", (key, Tally("count")))
    return Aggregate("a", by, (Tally("count"), groups, IsCut("isCut")), **more)


def page(wanted: Wanted, *parts: Any) -> Page:
    return Page("p", EVENT, wanted, parts)


def spoken(page_: Any) -> dict[tuple[Any, ...], int]:
    return {
        tuple(json.dumps(value) for value in group["key"].values()): group["count"]
        for group in page_["a"]["groups"]
    }


def expected(rows: Iterable[Any], *keys: Callable[[Any], Any]) -> dict[tuple[Any, ...], int]:
    return dict(Counter(tuple(json.dumps(key(row)) for key in keys) for row in rows))


def state(row: Any) -> Any:
    return row["state"]


def kind(row: Any) -> Any:
    return {"id": global_id("EventKind", row["kind"])}


def global_id(name: str, value: uuid.UUID) -> str:
    import base64

    return base64.b64encode(f"{name}:{value}".encode()).decode()


def local_day(row: Any) -> date:
    found: date = row["created_at"].astimezone(SHANGHAI).date()
    return found


async def shaken(town: Town, seed: int) -> None:
    """Events that came, changed and went, some folded."""
    chance = random.Random(seed)
    async with town.database.unit(town.id) as unit:
        ids = await town.add(unit, chance, 120)
        await fold(unit, [town.source])
        ids += await town.add(unit, chance, 30)
        for each in chance.sample(ids, 40):
            await unit.execute(
                "UPDATE core.event SET state = $2, assigned_department = $3, place_id = $4"
                " WHERE id = $1",
                each,
                chance.choice(STATES),
                chance.choice([None, *town.departments]),
                chance.choice(list(town.places.values())),
            )
        await unit.execute("DELETE FROM core.event WHERE id = ANY($1)", chance.sample(ids, 15))


@pytest.mark.parametrize("seed", range(3))
async def test_counts_by_state_and_kind_equal_the_rows_in_sight(town: Town, seed: int) -> None:
    await shaken(town, seed)
    under = Value(lambda asked: asked.variables["place"])
    for reader in readers(town):
        rows = await reader.seen()
        found = await reader.read(page(Wanted(), aggregate(BY, KEY), Count("total")))
        assert spoken(found) == expected(rows, state, kind)
        assert found["a"]["count"] == found["total"] == len(rows)
        for path in PATHS:
            below = [row for row in rows if row["place_path"].startswith(path)]
            sees_place = any(path.startswith(area) for area in reader.areas)
            wanted = Wanted(under=under)
            found = await reader.read(
                page(wanted, aggregate(BY, KEY), Count("total")), place=town.places[path]
            )
            assert spoken(found) == (expected(below, state, kind) if sees_place else {})
            assert found["total"] == (len(below) if sees_place else 0)
        assert all("core.rollup" in sql for sql in reader.sql)


async def test_an_area_of_ones_own_is_told_by_the_counts(town: Town) -> None:
    await shaken(town, 5)
    given = ("/1/2/", "/1/22/3/", "/1/2/3/")
    prefixes = Value(lambda asked: given)
    where = (selection.Subtree("place_path", prefixes, len(given)),)
    under = Value(lambda asked: town.places["/1/2/3/"])
    for reader in readers(town):
        for wanted in (Wanted(where=where), Wanted(where=where, under=under)):
            found = await reader.read(page(wanted, aggregate(BY, KEY), Count("total")))
            rows = [row for row in await reader.seen() if row["place_path"].startswith(given)]
            if wanted.under is not None:
                sees_place = any("/1/2/3/".startswith(area) for area in reader.areas)
                rows = [r for r in rows if r["place_path"] == "/1/2/3/" and sees_place]
            assert spoken(found) == expected(rows, state, kind)
            assert found["total"] == len(rows)
        assert all("core.rollup" in sql for sql in reader.sql)


@pytest.mark.parametrize("unit", ["day", "week", "month", "quarter", "year", "hour"])
async def test_buckets_begin_in_the_time_zone_of_the_tenant(town: Town, unit: Any) -> None:
    await shaken(town, 7)
    by = (Dimension("created_at", unit), Dimension("state"))
    edges: tuple[BucketPart, ...] = ("start", "end", "date")
    parts = (*(BucketEdge(edge, edge) for edge in edges), Typename("t", "TimeBucket"))
    key = GroupKey("key", (KeyBucket("at", 0, parts), KeyValue("s", 1)))
    for reader in readers(town)[:4]:
        found = await reader.read(page(Wanted(), aggregate(by, key, limit=1000)))
        counted = Counter((begin(row, unit), row["state"]) for row in await reader.seen())
        assert {
            (datetime.fromisoformat(g["key"]["at"]["start"]), g["key"]["s"]): g["count"]
            for g in found["a"]["groups"]
        } == counted
        for group in found["a"]["groups"]:
            at = group["key"]["at"]
            start, end = (datetime.fromisoformat(at[name]) for name in ("start", "end"))
            assert at["date"] == start.astimezone(SHANGHAI).date().isoformat()
            assert at["t"] == "TimeBucket"
            assert begin({"created_at": end - timedelta(seconds=1)}, unit) == start
            assert begin({"created_at": end}, unit) == end
        assert ("date_trunc('hour', t" in reader.sql[0]) is (unit == "hour")


def begin(row: Any, unit: str) -> datetime:
    local = row["created_at"].astimezone(SHANGHAI).replace(second=0, microsecond=0, minute=0)
    if unit != "hour":
        local = local.replace(hour=0)
    if unit == "week":
        local -= timedelta(days=local.weekday())
    if unit in ("month", "quarter", "year"):
        local = local.replace(day=1)
    if unit == "quarter":
        local = local.replace(month=(local.month - 1) // 3 * 3 + 1)
    return local.replace(month=1) if unit == "year" else local


FILTERS: list[tuple[str, tuple[selection.Test, ...], Callable[[Any], bool], bool]] = [
    ("eq", (selection.Test("state", "eq", "closed"),), lambda r: r["state"] == "closed", True),
    (
        "in",
        (selection.Test("state", "in", ["closed", "dispatched"]),),
        lambda r: r["state"] != "registered",
        True,
    ),
    (
        "null",
        (selection.Test("assigned_department", "is_null", value=True),),
        lambda r: r["assigned_department"] is None,
        True,
    ),
    ("other", (selection.Test("is_final", "eq", value=True),), lambda r: r["is_final"], False),
]


@pytest.mark.parametrize(("name", "where", "holds", "is_kept"), FILTERS)
async def test_filters_are_told_by_a_cube_or_by_the_rows(
    town: Town,
    name: str,
    where: tuple[selection.Test, ...],
    holds: Callable[[Any], bool],
    is_kept: bool,
) -> None:
    await shaken(town, 11)
    key = GroupKey("key", (KeyValue("s", 0),))
    for reader in readers(town):
        found = await reader.read(
            page(Wanted(where=where), aggregate((Dimension("state"),), key), Count("total"))
        )
        rows = [row for row in await reader.seen() if holds(row)]
        assert spoken(found) == expected(rows, state)
        assert found["total"] == len(rows)
        assert ("core.rollup" in reader.sql[0]) is is_kept


@pytest.mark.parametrize("hours", [0, 5])
async def test_a_range_of_days_is_told_by_the_days_and_any_other_by_the_rows(
    town: Town, hours: int
) -> None:
    await shaken(town, 13)
    # START is half past eleven in the evening in Shanghai; half an hour later a day begins.
    low = START + timedelta(minutes=30, days=3, hours=hours)
    high = low + timedelta(days=5)
    where = (
        selection.Test("created_at", "gte", Value(lambda asked: low)),
        selection.Test("created_at", "lt", Value(lambda asked: high)),
    )
    key = GroupKey("key", (KeyValue("s", 0),))
    for reader in readers(town):
        found = await reader.read(
            page(Wanted(where=where), aggregate((Dimension("state"),), key), Count("total"))
        )
        rows = [row for row in await reader.seen() if low <= row["created_at"] < high]
        assert spoken(found) == expected(rows, state)
        assert found["total"] == len(rows) > 0 or not reader.areas


async def test_measures_are_taken_over_the_rows_in_sight(town: Town) -> None:
    await shaken(town, 17)
    measures = (
        Measures("min", "min", (Column("createdAt", "created_at"), Typename("t", "EventMin"))),
        Measures(
            "max", "max", (Column("createdAt", "created_at"), Column("closedAt", "closed_at"))
        ),
    )
    key = GroupKey("key", (KeyValue("s", 0), Typename("t", "EventGroupKey")))
    groups = Groups("groups", (key, *measures))
    node = Aggregate("a", (Dimension("state"),), (Tally("count"), *measures, groups))
    for reader in readers(town)[:3]:
        found = (await reader.read(page(Wanted(), node)))["a"]
        rows = await reader.seen()
        assert datetime.fromisoformat(found["min"]["createdAt"]) == min(
            row["created_at"] for row in rows
        )
        assert found["min"]["t"] == "EventMin"
        assert found["max"]["closedAt"] is None
        for group in found["groups"]:
            inside = [r["created_at"] for r in rows if r["state"] == group["key"]["s"]]
            assert datetime.fromisoformat(group["max"]["createdAt"]) == max(inside)


async def test_more_groups_than_asked_for_are_cut_and_said_to_be(town: Town) -> None:
    await shaken(town, 19)
    reader = Reader(town, ("/",))
    key = GroupKey("key", (KeyValue("s", 0),))
    for limit, order in ((2, (("count", "desc"),)), (3, (("key", "asc"),))):
        node = aggregate((Dimension("state"),), key, limit=limit, order=order)
        found = (await reader.read(page(Wanted(), node)))["a"]
        rows = expected(await reader.seen(), state)
        assert found["isCut"] is (limit < 3)
        if limit == 2:
            assert [g["count"] for g in found["groups"]] == sorted(rows.values())[:0:-1]
        else:
            assert [g["key"]["s"] for g in found["groups"]] == sorted(STATES)


async def test_the_row_of_a_reference_and_no_groups(town: Town) -> None:
    await shaken(town, 23)
    key = GroupKey(
        "key", (KeyRow("k", 0, One("kind", "EventKind"), (Column("code", "code"), Id("id"))),)
    )
    reader = Reader(town, ("/1/2/",))
    found = await reader.read(page(Wanted(), aggregate((Dimension("kind"),), key)))
    assert {group["key"]["k"]["code"] for group in found["a"]["groups"]} == {"a", "b", "c"}
    found = await reader.read(page(Wanted(), aggregate((), key)))
    assert found["a"] == {"count": len(await reader.seen()), "groups": [], "isCut": False}
