"""Plans of every record: whatever a list is ordered by and whoever asks, it stops after its page.

Each table is full (:mod:`~.filling`), each list is run with the generic plan of a read lane, as the
application's role under row security, and the plan is asked what it met.
"""

import json
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import pytest

from jingwei_core.access.permissions import Grant, PermissionSet
from jingwei_core.access.tables import Account
from jingwei_core.contribution import core_contribution
from jingwei_core.database import open_database
from jingwei_core.database.engine import connect
from jingwei_core.database.lanes import session_settings
from jingwei_core.database.migration_apps import installed_plugins
from jingwei_core.database.reading import Reading, one_trip
from jingwei_core.database.security_rules import index_of, table_key
from jingwei_core.database.urls import app_url, owner_url
from jingwei_core.places.tables import Place
from jingwei_core.reading import selection
from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.compiled import NOTHING_KNOWN, Little
from jingwei_core.reading.compiler import compile_read
from jingwei_core.reading.criteria import _OPERATORS
from jingwei_core.reading.keyset import Sort, full_sort
from jingwei_core.reading.scans import FEW_ROWS
from jingwei_core.reading.selection import (
    After,
    Asked,
    Cursor,
    EdgeNode,
    Edges,
    Group,
    Id,
    Lookup,
    Page,
    RootField,
    RowField,
    ToAny,
    ToMany,
    ToOne,
    Wanted,
)
from jingwei_core.registry import build_registry
from jingwei_core.settings import Settings
from jingwei_sdk.context import Actor, Tenant
from jingwei_sdk.indexes import derived_indexes
from jingwei_sdk.records import Among, AtPlace, Either, Many, OwnedBy, Record, Through
from jingwei_sdk.tables import TenantTable
from tests.core.reading.desk import INFO, SECRET, constant
from tests.core.reading.explained import Explained, explained
from tests.core.reading.filling import LARGE, ROWS, fill, id_of
from tests.servers.databases import NewDatabase

REGISTRY = build_registry([core_contribution(), *installed_plugins()])
RECORDS = list(REGISTRY.records.values())
PAGE = 20
Compared = selection.Test
ENOUGH = 4 * PAGE
"""So many rows may be looked at for a page: the server sorts equal ones in groups of 32."""
MORE_ON_15 = {
    "test_a_list_stops_after_its_page": {"Place"},
    "test_what_hangs_on_a_row_is_not_read_whole": {"Place", "Event", "Meeting", "SafetyInspection"},
    "test_no_filter_reads_the_table_whole": {"Account", "Event"},
}
"""Cases in which the planner of PostgreSQL 15 looks at more rows; answers are the same."""
_RULES = ("workforce", "meeting", "ledger", "patrol", "public_report")
ONE_ROW = {"policy_version", *(f"{room}_rules" for room in _RULES)}
"""Tables of one row in each tenant."""
READER = id_of(Account, 2)
LEAF = id_of(Place, 5)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: where they may look, what is known of that, and how many rows have to be met for a
    page of what they see."""

    paths: tuple[str, ...]
    little: Little
    most: int


_ALL = frozenset(REGISTRY.records)
CALLERS = {
    "everything": Caller(("/",), NOTHING_KNOWN, ENOUGH),
    "the whole tree": Caller(("/a/",), NOTHING_KNOWN, ENOUGH),
    "some districts": Caller(("/a/b/", "/a/d/", "/a/e/s3/"), NOTHING_KNOWN, 40 * PAGE),
    "many districts": Caller(
        tuple(f"/a/{one}/" for one in "bcdefghijkl"), NOTHING_KNOWN, 10 * PAGE + ENOUGH
    ),
    "a street": Caller(("/a/f/s7/",), Little(rows=_ALL), FEW_ROWS),
    "nowhere": Caller(("/a/f/nowhere/",), Little(rows=_ALL), FEW_ROWS),
    "a street's places": Caller(("/a/f/s7/",), Little(rows=_ALL, places=_ALL), FEW_ROWS),
}


@dataclass
class Large:
    """The full tables, over a connection like a read lane's and one of a superuser."""

    settings: Settings
    lane: Any
    owner: Any

    def asked(self, paths: tuple[str, ...]) -> Asked:
        tenant = Tenant(LARGE, "large", "大", ZoneInfo("Asia/Shanghai"))
        actor = Actor("account", "张三", READER, frozenset({uuid.UUID(int=7)}))
        permissions = PermissionSet(Grant(path, ("*",)) for path in paths)
        return Asked(tenant, actor, permissions, datetime(2026, 6, 1, tzinfo=UTC), "zh", {})

    async def explain(self, caller: Caller, *fields: RootField, on: Any = None) -> Explained:
        asked = self.asked(caller.paths)
        compiled = compile_read(
            REGISTRY, Group("", fields), asked.permissions, SECRET, caller.little
        )
        return await explained(on or self.lane, compiled, asked)

    async def cursors(self, record: Record, sort: Sort) -> list[After]:
        """One in the middle of the list, and one at a null where there is any."""
        names = ", ".join(f'"{column}"' for column, _ in sort)
        source, first = ".".join(table_key(record.table)), sort[0][0]
        rows = await self.owner.fetch(
            f"(SELECT {names} FROM {source} WHERE tenant_id = $1 AND {first} IS NOT NULL"
            f" ORDER BY {names} LIMIT 1 OFFSET $2) UNION ALL (SELECT {names} FROM {source}"
            f" WHERE tenant_id = $1 AND {first} IS NULL LIMIT 1)",
            LARGE,
            0 if record.table.IS_SMALL else ROWS // 2,
        )
        return [
            After(tuple(constant(v) for v in row), tuple(v is None for v in row)) for row in rows
        ]


@pytest.fixture(scope="module")
async def large(new_database: NewDatabase) -> AsyncIterator[Large]:
    async with new_database() as settings:
        owner = await connect(owner_url(settings))
        lane = await asyncpg.connect(app_url(settings), server_settings=session_settings(settings))
        try:
            tables = list(dict.fromkeys(record.table for record in RECORDS))
            for sql in fill(REGISTRY, tables):
                await owner.execute(sql)
            await owner.execute(
                "UPDATE core.account SET status = 'active', session_epoch = 0"
                " WHERE tenant_id = $1 AND id = $2",
                LARGE,
                READER,
            )
            # That moved the policy's number.
            await owner.execute("DELETE FROM core.policy_version")
            yield Large(settings, lane, owner)
        finally:
            await lane.close()
            await owner.close()


@pytest.fixture(autouse=True)
def more_on_15(large: Large, request: pytest.FixtureRequest) -> None:
    """Expects the known cases to fail on 15, and tells when one does not any more."""
    is_15 = large.owner.get_server_version().major == 15
    record = request.node.callspec.params.get("record") if hasattr(request.node, "callspec") else ""
    known = MORE_ON_15.get(request.node.originalname, set())
    if is_15 and getattr(record, "name", "") in known:
        reason = "the planner of 15 looks at more rows"
        request.applymarker(pytest.mark.xfail(strict=True, reason=reason))


def page(record: Record, wanted: Wanted, *fields: RowField, key: str = "it") -> Page:
    edges = Edges("edges", (Cursor("cursor"), EdgeNode("node", (Id("id"), *fields))))
    return Page(key, record, wanted, (edges, INFO))


def sorts(record: Record) -> Iterator[Sort]:
    """The default order, and each sort key both ways."""
    yield ()
    for column in record.sort:
        yield ((column, "asc"),)
        yield ((column, "desc"),)


async def lists(large: Large, record: Record) -> AsyncIterator[tuple[str, Page]]:
    """The first page of each order, the last, those around a cursor; also of a subtree."""
    places: list[uuid.UUID | None] = [None]
    if any(isinstance(scope, AtPlace) for scope in record.scope):
        places += [id_of(Place, ROWS), LEAF]
    for sort in sorts(record):
        cursors = await large.cursors(record, full_sort(record, sort))
        for place in places:
            under = None if place is None else constant(place)
            for after in (None, *cursors):
                at = "no row" if after is None else after.nulls
                for backwards in (False, True):
                    wanted = Wanted(
                        sort=sort, after=after, under=under, backwards=backwards, size=PAGE
                    )
                    what = f"{sort} under {place} from {at}{' backwards' * backwards}"
                    yield what, page(record, wanted)


def faults(plan: Explained, table: type[TenantTable], most: int) -> list[str]:
    """What is wrong with the plan of a page that may look at ``most`` rows of the table."""
    found = [f"reads all of {name}" for name in sorted(plan.read_whole - ONE_ROW)]
    if plan.is_compiled:
        found.append("makes machine code")
    if table.IS_SMALL:
        return found
    for name, rows in plan.looked_at.items():
        if rows > most:
            found.append(f"looks at {rows} rows of {name}")
    if plan.most_sorted > most:
        found.append(f"sorts {plan.most_sorted} rows")
    return found


def most_of(record: Record, caller: Caller, wanted: Wanted) -> int:
    """How many rows of the record may be looked at for a page."""
    if wanted.under is not None:
        # A look at the subtree tells how large it is.
        return FEW_ROWS + caller.most
    if caller.little.rows and any(isinstance(scope, Through | Among) for scope in record.scope):
        return ROWS
    return caller.most


def is_of_use(caller: Caller, wanted: Wanted) -> bool:
    """Whether a list is planned in a way of its own for the caller."""
    if caller is CALLERS["the whole tree"]:
        return True
    return not wanted.backwards and (wanted.under is None or caller is CALLERS["some districts"])


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
async def test_a_list_stops_after_its_page(large: Large, record: Record) -> None:
    found = []
    async for what, one in lists(large, record):
        for name, caller in CALLERS.items():
            if not is_of_use(caller, one.wanted):
                continue
            plan = await large.explain(caller, one)
            most = most_of(record, caller, one.wanted)
            found += [f"{name}: {what}: {it}" for it in faults(plan, record.table, most)]
    assert not found, "\n".join(found)


def others(record: Record) -> Iterator[tuple[RowField, type[TenantTable] | None]]:
    """Each relation of a record, and the table of which only some rows may be looked at for it."""
    for name, relation in REGISTRY.relations(record).items():
        if isinstance(relation, Either):
            named = relation.records or tuple(REGISTRY.records)
            choices = {one: (Id("id"),) for one in named}
            yield ToAny(name, relation.type_column, relation.id_column, choices), None
        elif isinstance(relation, Many):
            target = REGISTRY.record(relation.record)
            yield ToMany(name, relation, page(target, Wanted(size=5), key=name)), target.table
        else:
            yield ToOne(name, relation, (Id("id"),)), REGISTRY.record(relation.record).table


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
async def test_what_hangs_on_a_row_is_not_read_whole(large: Large, record: Record) -> None:
    """Row 1 is named by a quarter of all rows of what refers to it."""
    found = []
    for field, table in others(record):
        # A record may hang on one of its own table, which is looked at as well.
        node = Lookup("it", record, constant(id_of(record.table, 1)), (field,))
        for name in ("everything", "the whole tree", "some districts"):
            for what, one in (("node", node), ("list", page(record, Wanted(), field))):
                plan = await large.explain(CALLERS[name], one)
                most = CALLERS[name].most if what == "node" else 40 * PAGE
                wrong = faults(plan, table or record.table, most)
                found += [f"{name}: {what} with {field.key}: {it}" for it in wrong]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: record.name)
async def test_no_filter_reads_the_table_whole(large: Large, record: Record) -> None:
    found = []
    for column in record.filters:
        row = id_of(record.table, 3)
        value = await large.owner.fetchval(
            f"SELECT {column} FROM {'.'.join(table_key(record.table))}"
            " WHERE tenant_id = $1 AND id = $2",
            LARGE,
            row,
        )
        for test in (Compared(column, "eq", constant(value)), Compared(column, "is_null", True)):
            for name in ("everything", "the whole tree", "a street"):
                plan = await large.explain(CALLERS[name], page(record, Wanted(where=(test,))))
                found += [f"{name}: {test.op} {column}: {it}" for it in plan.read_whole - ONE_ROW]
    assert not found, "\n".join(found)


def walked() -> Iterator[tuple[Record, tuple[str, ...]]]:
    """A record for each way to need an index: of a sort key, a reference, one's own rows."""
    for name in ("Organisation", "StepEvidence", "Evidence"):
        record = REGISTRY.record(name)
        yield from ((record, columns) for columns in derived_indexes(record))


@asynccontextmanager
async def without(large: Large, record: Record, columns: tuple[str, ...]) -> AsyncIterator[Any]:
    """A connection like a lane's that sees the database without an index."""
    schema, _ = table_key(record.table)
    name = index_of(record.table, columns).name
    change = large.owner.transaction()
    await change.start()
    try:
        await large.owner.execute(f'DROP INDEX {schema}."{name}"')
        settings = {**session_settings(large.settings), "role": large.settings.app_role}
        for key, value in settings.items():
            if key != "default_transaction_read_only":
                await large.owner.execute("SELECT set_config($1, $2, true)", key, value)
        yield large.owner
    finally:
        await change.rollback()


@pytest.mark.parametrize(
    ("record", "columns"),
    [pytest.param(*it, id=f"{it[0].name}-{'_'.join(it[1])}") for it in walked()],
)
async def test_without_its_index_a_list_is_told_to_be_slow(
    large: Large, record: Record, columns: tuple[str, ...]
) -> None:
    caller, own = (
        CALLERS["the whole tree"],
        [s.column for s in record.scope if isinstance(s, OwnedBy)],
    )
    ordered = [column for column in columns if column not in ("id", *own)]
    where: tuple[selection.Criterion, ...] = ()
    if len(ordered) > 1:
        parent = constant(uuid.UUID(int=1))
        where = (Compared(ordered[0], "eq", parent),)
    one = page(record, Wanted(sort=((ordered[-1], "asc"),), where=where))
    assert not faults(await large.explain(caller, one), record.table, ENOUGH)
    async with without(large, record, columns) as connection:
        assert faults(await large.explain(caller, one, on=connection), record.table, ENOUGH)


async def test_a_lane_plans_for_everyone_and_makes_no_machine_code(large: Large) -> None:
    names = ("plan_cache_mode", "jit", "TimeZone", "default_transaction_read_only")
    async with open_database(large.settings) as database:
        told = ", ".join(f"'{name}', current_setting('{name}')" for name in names)
        reading = Reading(LARGE, READER, 0, 0)
        answer = await database.read(reading, one_trip(f"json_build_object({told})"), ())
    assert answer is not None
    assert json.loads(answer) == {
        "plan_cache_mode": "force_generic_plan",
        "jit": "off",
        "TimeZone": "UTC",
        "default_transaction_read_only": "on",
    }


async def test_what_reaches_an_index_leaks_nothing(large: Large) -> None:
    """Only such operators are used for an index below the condition of row security."""
    kinds = {
        (sql_type(record, column), operator)
        for record in RECORDS
        for column in {*record.filters, *record.sort}
        for operator in (_OPERATORS.values() if is_text(record, column) else {"=", "<", ">", ">="})
    }
    leaking = await large.owner.fetch(
        "SELECT k.kind, k.operator FROM unnest($1::text[], $2::text[]) AS k(kind, operator)"
        " WHERE NOT EXISTS (SELECT FROM pg_operator o JOIN pg_proc p ON p.oid = o.oprcode"
        " WHERE o.oprname = k.operator AND o.oprleft = k.kind::regtype AND p.proleakproof"
        " AND o.oprright = k.kind::regtype)",
        *map(list, zip(*sorted(kinds), strict=True)),
    )
    assert leaking == []


def is_text(record: Record, column: str) -> bool:
    return sql_type(record, column) == "text"


async def test_no_index_is_the_beginning_of_another(large: Large) -> None:
    doubled = await large.owner.fetch(
        "SELECT s.indexrelid::regclass::text AS short, l.indexrelid::regclass::text AS long"
        " FROM pg_index s JOIN pg_index l ON l.indrelid = s.indrelid"
        " AND l.indexrelid <> s.indexrelid"
        " AND array_to_string(l.indkey, ' ') || ' ' LIKE array_to_string(s.indkey, ' ') || ' %'"
        " JOIN pg_class c ON c.oid = s.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE NOT s.indisunique AND pg_get_expr(s.indpred, s.indrelid)"
        " IS NOT DISTINCT FROM pg_get_expr(l.indpred, l.indrelid)"
        " AND n.nspname IN ('core', 'safety_production')"
    )
    assert [tuple(row) for row in doubled] == []
