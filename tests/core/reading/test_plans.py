"""Plans over many rows: a list stops after its page, whoever looks and however wide the view.

What counts is how many rows of the table a generic plan looks at, as EXPLAIN ANALYZE tells.
"""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.contribution import core_contribution
from jingwei_core.database import Database, open_database
from jingwei_core.database.engine import connect
from jingwei_core.database.urls import owner_url
from jingwei_core.events.queue import Waiting, queued
from jingwei_core.events.queue_guards import Standing
from jingwei_core.events.work_clock import Shift, TimeUnit, WorkClock
from jingwei_core.events.workflow import By
from jingwei_core.events.workflow_guards import (
    AcknowledgedGuard,
    CertificateGuard,
    DepartmentGuard,
    Duty,
    Guard,
    OtherThanGuard,
    PostGuard,
    RoleGuard,
    Since,
    TasksDoneGuard,
    WithinGuard,
)
from jingwei_core.reading import selection
from jingwei_core.reading.areas import AreaSizes
from jingwei_core.reading.compiled import NOTHING_KNOWN, Little
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.narrowing import criteria, shape_of
from jingwei_core.reading.scans import FEW_ROWS
from jingwei_core.reading.selection import (
    After,
    Asked,
    Column,
    Count,
    EdgeNode,
    Edges,
    Group,
    Page,
    ToOne,
    Wanted,
)
from jingwei_core.registry import Registry, build_registry
from jingwei_core.routing import ladder
from jingwei_sdk.context import Actor, Tenant
from jingwei_sdk.records import One
from tests.core.reading.desk import INFO, SECRET, constant
from tests.servers.databases import NewDatabase

ROWS = 100_000
GRIDS = 400
DISTRICT, GRID, NOWHERE = "/a/c/", "/a/c/7/", "/a/c/nowhere/"
PAGE = 20
Compared = selection.Test
GUARDS: tuple[Guard, ...] = (
    RoleGuard(("chief",)),
    PostGuard(("chief",), "grid"),
    DepartmentGuard("roads"),
    CertificateGuard("enforcement"),
    OtherThanGuard(Duty.REPORTED),
    TasksDoneGuard(),
    AcknowledgedGuard(),
    WithinGuard(1000, TimeUnit.HOUR, Since.REGISTERED),
)

_ROWS = f"""
SET session_replication_role = replica;
INSERT INTO platform.tenant (id, slug, name, timezone) VALUES ($T, 'large', '大', 'Asia/Shanghai');
INSERT INTO core.account (tenant_id, id, login, name) VALUES ($T, $A, 'one', '张三');
INSERT INTO core.place (tenant_id, id, level, ordinal, path, name, source, valid_from)
SELECT $T, md5('place ' || g)::uuid, 'grid', g, CASE WHEN g = 0 THEN '/a/' ELSE '/a/'
       || chr(98 + g % 20) || '/' || CASE WHEN g = 1 THEN '7' ELSE 'g' || g END || '/' END,
       'grid', 'generated', '2024-01-01' FROM generate_series(0, {GRIDS}) g;
INSERT INTO core.event (tenant_id, number, kind, workflow, state, is_final, title, place_id,
                        place_path, created_at, state_since, reporter, due_at, state_due_at)
SELECT $T, 'n' || n, md5('kind ' || n % 50)::uuid, $T, CASE WHEN n > {ROWS} * 0.95 THEN
       (ARRAY['registered', 'handling'])[1 + n % 2] ELSE 'closed' END, n <= {ROWS} * 0.95, 'title',
       p.id, p.path, timestamptz '2026-01-01' + n * interval '1 min', now(), NULL,
       timestamptz '2026-01-02' + n * interval '1 min', CASE WHEN n > {ROWS} * 0.95 THEN
       timestamptz '2026-01-01 01:00' + n * interval '1 min' END
  FROM generate_series(1, {ROWS}) n
  JOIN core.place p ON p.tenant_id = $T
       AND p.id = md5('place ' || 1 + abs(hashint4(n)::bigint) % {GRIDS})::uuid;
ANALYZE core.event, core.place, core.account;
"""


@dataclass
class Large:
    """A tenant with many events."""

    database: Database
    registry: Registry
    tenant: Tenant
    account: uuid.UUID

    def asked(self, *paths: str) -> Asked:
        permissions = PermissionSet(Grant(path, ("*",)) for path in paths)
        actor = Actor("account", "张三", self.account, frozenset({uuid.uuid4()}))
        now = datetime(2026, 6, 1, tzinfo=UTC)
        return Asked(self.tenant, actor, permissions, now, "zh", {})

    async def plan(self, asked: Asked, page: Page, little: Little = NOTHING_KNOWN) -> Any:
        """The generic plan of a page, with what its run met."""
        root = Group("", (page,))
        compiled = compile_read(self.registry, root, asked.permissions, SECRET, little)
        stamp = (str(self.tenant.id), self.account, 0, 0)
        given = ", ".join(literal(value) for value in (*stamp, *compiled.arguments(asked)))
        async with self.database.unit(self.tenant.id) as unit:
            await unit.execute(
                "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL jit = off"
            )
            await unit.execute(f"PREPARE planned AS {compiled.sql}")
            explain = "EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE planned"
            told = await unit.fetchval(f"{explain}({given})")
            await unit.execute("DEALLOCATE planned")
        return json.loads(told)[0]["Plan"]

    async def read(self, sql: str, args: list[object]) -> bytes | None:
        async with self.database.unit(self.tenant.id) as unit:
            found: bytes | None = await unit.fetchval(
                sql, str(self.tenant.id), self.account, 0, 0, *args
            )
        return found


@pytest.fixture(scope="module")
async def large(new_database: NewDatabase) -> AsyncIterator[Large]:
    tenant = Tenant(uuid.uuid4(), "large", "大", ZoneInfo("Asia/Shanghai"))
    account = uuid.uuid4()
    async with new_database() as settings:
        owner = await connect(owner_url(settings))
        try:
            rows = _ROWS.replace("$T", f"'{tenant.id}'::uuid").replace("$A", f"'{account}'::uuid")
            await owner.execute(rows)
        finally:
            await owner.close()
        async with open_database(settings) as database:
            yield Large(database, build_registry([core_contribution()]), tenant, account)


def page(large: Large, **wanted: Any) -> Page:
    place = ToOne("place", One("place_id", "Place"), (Column("name", "name"),))
    edges = Edges("edges", (EdgeNode("node", (Column("title", "title"), place)),))
    return Page("it", large.registry.record("Event"), Wanted(size=PAGE, **wanted), (edges, INFO))


def literal(value: Any) -> str:
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'"
    if isinstance(value, (list, tuple)):
        return "'{" + ",".join(map(str, value)) + "}'"
    return "NULL" if value is None else f"'{value}'"


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def looked_at(plan: Any) -> int:
    """How many rows of events were looked at, with those left out."""
    total = 0.0
    for node in nodes(plan):
        if node.get("Relation Name") == "event":
            met = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            total += met * node["Actual Loops"]
    return round(total)


def scans(plan: Any) -> set[str]:
    return {node["Node Type"] for node in nodes(plan) if node.get("Relation Name") == "event"}


PLACED = After(
    (constant(datetime(2026, 2, 1, tzinfo=UTC)), constant(uuid.UUID(int=0))), (False,) * 2
)
FEW = Little(rows=frozenset({"Event"}))
NEAR = Little(places=frozenset({"Event"}))
CASES: dict[str, tuple[tuple[str, ...], dict[str, Any], Little, int]] = {
    # Who looks, what is asked for, what is known, and how many rows may be looked at.
    "everything": (("/",), {}, NOTHING_KNOWN, 25),
    "the whole tree": (("/a/",), {}, NOTHING_KNOWN, 25),
    "a district": ((DISTRICT,), {}, NOTHING_KNOWN, 2_000),
    "districts and a grid": ((DISTRICT, "/a/d/", "/a/e/g3/"), {}, NOTHING_KNOWN, 1_000),
    "many districts": (tuple(f"/a/{one}/" for one in "bcdefghijk"), {}, NOTHING_KNOWN, 200),
    "a grid": ((GRID,), {}, FEW, 600),
    "nothing": ((NOWHERE,), {}, FEW, 0),
    "the place of a grid": ((GRID,), {}, NEAR, 3 * PAGE),
    "no place": ((NOWHERE,), {}, NEAR, 0),
    "the place of a grid, after a row": ((GRID,), {"after": PLACED}, NEAR, 3 * PAGE),
    "the place of a grid, before a row": (
        (GRID,),
        {"after": PLACED, "backwards": True},
        NEAR,
        3 * PAGE,
    ),
    "places of several grids": ((GRID, "/a/c/g3/", "/a/d/g4/"), {}, NEAR, 5 * PAGE),
    "a state at the place of a grid": (
        (GRID,),
        {"where": (Compared("state", "eq", "closed"),)},
        Little(FEW.rows, NEAR.places),
        4 * PAGE,
    ),
    "after a row": (("/a/",), {"after": PLACED}, NOTHING_KNOWN, 25),
    "before a row": (("/a/",), {"after": PLACED, "backwards": True}, NOTHING_KNOWN, 25),
    "a grid, after a row": ((GRID,), {"after": PLACED}, FEW, 600),
    "a kind": (
        (DISTRICT,),
        {"where": (Compared("kind", "eq", constant(uuid.uuid4())),)},
        NOTHING_KNOWN,
        0,
    ),
    "a state": (
        (DISTRICT,),
        {"where": (Compared("state", "eq", "handling"),)},
        NOTHING_KNOWN,
        2_000,
    ),
    "by number": (("/a/",), {"sort": (("number", "asc"),)}, NOTHING_KNOWN, 25),
}


@pytest.mark.parametrize("case", CASES)
async def test_a_list_stops_after_its_page(large: Large, case: str) -> None:
    paths, wanted, little, most = CASES[case]
    plan = await large.plan(large.asked(*paths), page(large, **wanted), little)
    assert "Seq Scan" not in scans(plan)
    assert looked_at(plan) <= most


@pytest.mark.parametrize(
    ("grid", "most"), [(0, FEW_ROWS + 25), (1, 3 * PAGE)], ids=["the whole tree", "a grid"]
)
@pytest.mark.parametrize("path", ["/", "/a/"])
async def test_a_subtree_is_walked_or_fetched_by_its_size(
    large: Large, path: str, grid: int, most: int
) -> None:
    async with large.database.unit(large.tenant.id) as unit:
        place = await unit.fetchval("SELECT md5($1)::uuid", f"place {grid}")
    plan = await large.plan(large.asked(path), page(large, under=constant(place)))
    assert "Seq Scan" not in scans(plan)
    assert looked_at(plan) <= most


def is_about_the_actor(node: Any) -> bool:
    """Whether a node finds what the guards of a queue ask of the actor alone."""
    return node.get("Relation Name") in ("post", "certificate", "department")


def office() -> WorkClock:
    """Working hours of every day."""
    hours = (Shift(time(9), time(17)),)
    return WorkClock(ZoneInfo("Asia/Shanghai"), (hours,) * 7, hours)


@pytest.mark.parametrize(
    ("path", "states", "most"),
    [("/a/", ("registered",), 100), (DISTRICT, ("handling",), 2_000), ("/a/", ("none",), 5_000)],
    ids=["much waits", "some waits", "nothing waits"],
)
@pytest.mark.parametrize("guards", [(), GUARDS], ids=["unguarded", "guarded"])
async def test_a_queue_looks_at_open_events_only(
    large: Large, path: str, states: tuple[str, ...], most: int, guards: tuple[Guard, ...]
) -> None:
    groups = [Waiting((large.tenant.id,), By.ANYONE, (path,), states, (), guards, bool(guards))]
    asked = large.asked(path)
    standing = Standing(asked.actor, asked.now, asked.now.date(), office)
    waits = (queued(groups, standing),)
    where = criteria(shape_of(waits), lambda _: waits)
    plan = await large.plan(asked, page(large, where=where))
    # Nobody of these passes the guards, so that the page never fills: every open event is met.
    assert looked_at(plan) <= (5_000 if guards else most)
    assert all(node["Actual Loops"] <= 1 for node in nodes(plan) if is_about_the_actor(node))
    counted = Page("it", large.registry.record("Event"), Wanted(where=where), (Count("n"),))
    assert looked_at(await large.plan(large.asked(path), counted)) <= 5_000


@pytest.mark.parametrize(
    ("paths", "known"),
    [
        (("/a/",), NOTHING_KNOWN),
        ((DISTRICT,), NEAR),
        ((GRID,), Little(FEW.rows, NEAR.places)),
        ((NOWHERE,), Little(FEW.rows, NEAR.places)),
    ],
)
async def test_the_size_of_an_area_is_learned_once(
    large: Large, paths: tuple[str, ...], known: Little
) -> None:
    asked, sizes, reads = large.asked(*paths), AreaSizes(), 0

    async def read(sql: str, args: list[object]) -> bytes | None:
        nonlocal reads
        reads += 1
        return await large.read(sql, args)

    root = Group("", (page(large),))
    areas = compile_read(large.registry, root, asked.permissions, SECRET).areas
    assert areas == ("Event",)
    for _ in range(3):
        assert await sizes.little(large.registry, asked, areas, read) == known
    assert reads == 1


async def test_no_hint_is_asked_for_where_none_helps(large: Large) -> None:
    everything = large.asked("/").permissions
    assert compile_read(large.registry, Group("", (page(large),)), everything, SECRET).areas == ()


@pytest.mark.parametrize(("walk", "most"), [("state", ladder.PAGE), ("loop", ROWS // 20)])
async def test_the_ladder_looks_at_open_events_only(large: Large, walk: str, most: int) -> None:
    """A page of what is overdue; what was closed late is never looked at again."""
    states = "'{registered,handling,*}'"
    given = f"'2026-03-10', {states}, '0001-01-02', '{uuid.UUID(int=0)}', {ladder.PAGE}"
    async with large.database.unit(large.tenant.id) as unit:
        await unit.execute("SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL jit = off")
        await unit.execute(
            f"PREPARE walked(timestamptz, text[], timestamptz, uuid, integer) AS"
            f" {ladder._WALKS[walk]}"
        )
        told = await unit.fetchval(
            f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) EXECUTE walked({given})"
        )
        await unit.execute("DEALLOCATE walked")
    plan = json.loads(told)[0]["Plan"]
    assert plan["Actual Rows"] == ladder.PAGE
    assert "Seq Scan" not in scans(plan)
    assert looked_at(plan) <= most
