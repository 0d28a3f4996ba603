"""Cursors that the database writes: those of Python, byte for byte, and readable there."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from piccolo.columns import BigInt, Boolean, Date, DoublePrecision, Real, Text, Timestamptz

from jingwei_core.database.engine import Database
from jingwei_core.reading.columns import sql_type
from jingwei_core.reading.keyset import (
    Cursors,
    Sort,
    cursor_key,
    cursor_sql,
    full_sort,
    instant_text,
    page_size,
)
from jingwei_core.reading.request import PageRequest
from jingwei_core.reading.selection import After, Wanted
from jingwei_sdk.errors import Invalid
from jingwei_sdk.records import Record, TenantWide
from jingwei_sdk.tables import TenantTable
from tests.core.reading.desk import SECRET, Desk, constant, named, names_of, open_desk
from tests.core.runtime.city import City


class Sorted(TenantTable, tablename="sorted_proof", schema="core"):
    """Of each type that a list is sorted by, one that may be null and one that may not."""

    name = Text(default="", null=False)
    alias = Text(default=None, null=True)
    at = Timestamptz(default=None, null=True)
    day = Date(default=None, null=True)
    number = BigInt(default=None, null=True)
    flag = Boolean(default=None, null=True)
    rank = BigInt(default=0, null=False)


COLUMNS = ("name", "alias", "at", "day", "number", "flag", "rank", "created_at", "id")
SORTED = Record(Sorted, read="proof.read", scope=(TenantWide(),), sort=COLUMNS[:-1])
BY_NAME: Sort = (("name", "asc"),)
WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
INSTANTS = st.datetimes(
    datetime.fromisoformat("0001-01-02"),
    datetime.fromisoformat("9999-12-30"),
    timezones=st.just(UTC),
)
ROWS = st.fixed_dictionaries(
    {
        "name": WORDS,
        "alias": st.none() | WORDS,
        "at": st.none() | INSTANTS,
        "day": st.none() | st.dates(date(1, 1, 1), date(9999, 12, 31)),
        "number": st.none() | st.integers(-(2**63), 2**63 - 1),
        "flag": st.none() | st.booleans(),
        "rank": st.integers(-(2**63), 2**63 - 1),
        "created_at": INSTANTS,
        "id": st.uuids(),
    }
)
ORDERS = st.lists(st.sampled_from(COLUMNS[:-1]), min_size=1, max_size=3, unique=True)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(row=ROWS, order=ORDERS)
async def test_the_database_writes_the_same_cursor(
    database: Database, row: dict[str, Any], order: list[str]
) -> None:
    tenant = uuid.uuid4()
    sort: Sort = (*((name, "asc") for name in order), ("id", "asc"))
    values = [row[name] for name, _ in sort]
    marks = [f"${at}::{sql_type(SORTED, name)}" for at, (name, _) in enumerate(sort, 2)]
    sql = f"SELECT {cursor_sql(SORTED, sort, marks, '$1::bytea')}"
    async with database.platform() as unit:
        await unit.execute("SET LOCAL TimeZone = 'UTC'")
        key = cursor_key(SECRET, tenant, SORTED, sort)
        found = await unit.fetchval(sql, key, *values)
    cursors = Cursors(SECRET, tenant, SORTED, sort)
    assert found == cursors.write(row)
    assert cursors.read(found, "after") == values


class Measured(TenantTable, tablename="measured_proof", schema="core"):
    """Numbers with a fraction, of which Python and the database write some differently."""

    level = DoublePrecision(default=None, null=True)
    share = Real(default=0.0, null=False)


MEASURED = Record(Measured, read="proof.read", scope=(TenantWide(),), sort=("level", "share"))


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(level=st.none() | st.floats(allow_nan=False), share=st.floats(width=32, allow_nan=False))
async def test_a_number_with_a_fraction_comes_back_as_it_is_stored(
    database: Database, level: float | None, share: float
) -> None:
    tenant, row_id = uuid.uuid4(), uuid.uuid4()
    sort: Sort = (("level", "asc"), ("share", "asc"), ("id", "asc"))
    sql = (
        f"SELECT {cursor_sql(MEASURED, sort, ['$2::float8', '$3::real', '$4::uuid'], '$1::bytea')}"
    )
    async with database.platform() as unit:
        key = cursor_key(SECRET, tenant, MEASURED, sort)
        written = await unit.fetchval(sql, key, level, share, row_id)
        values = Cursors(SECRET, tenant, MEASURED, sort).read(written, "after")
        stored = "SELECT ($1::float8 IS NOT DISTINCT FROM $3::float8) AND $2::real = $4::real"
        assert await unit.fetchval(stored, *values[:2], level, share)
    assert values[2] == row_id


def test_an_instant_is_spelled_without_zeros_at_the_end() -> None:
    there = timezone(timedelta(hours=8))
    spelled = {
        datetime(2026, 1, 2, 3, 4, 5, 120000, UTC): "2026-01-02T03:04:05.12+00:00",
        datetime(2026, 1, 2, 3, 4, 5, 100, there): "2026-01-02T03:04:05.0001+08:00",
        datetime(2026, 1, 2, 3, 4, 5, 123456, UTC): "2026-01-02T03:04:05.123456+00:00",
        datetime(2026, 1, 2, 3, 4, 5, 0, UTC): "2026-01-02T03:04:05+00:00",
    }
    assert {instant: instant_text(instant) for instant in spelled} == spelled


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("size", [1, 2, 4, 9, 20])
@pytest.mark.parametrize(
    "sort",
    [
        (),
        (("name", "asc"),),
        (("credit_code", "desc"),),
        (("credit_code", "asc"), ("name", "desc")),
    ],
)
async def test_pages_in_both_directions_are_the_whole_list(
    city: City, sort: Sort, size: int, backwards: bool
) -> None:
    async with open_desk(city, "root") as ctx:
        desk = Desk(city, "root", ctx)
        record = desk.record("Organisation")
        whole = names_of((await desk.read(named(record, Wanted(sort=sort))))["list"])
        assert len(whole) == 9
        found: list[str] = []
        after: After | None = None
        more = True
        while more:
            wanted = Wanted(sort=sort, size=size, backwards=backwards, after=after)
            page = (await desk.read(named(record, wanted)))["list"]
            found = names_of(page) + found if backwards else found + names_of(page)
            info, cursors = page["pageInfo"], [edge["cursor"] for edge in page["edges"]]
            assert (info["startCursor"], info["endCursor"]) == (cursors[0], cursors[-1])
            flags = (info["hasNextPage"], info["hasPreviousPage"])
            more, before = flags[::-1] if backwards else flags
            assert before is (after is not None)
            after = place_of(desk, record, sort, cursors[0 if backwards else -1])
    assert found == whole


def place_of(desk: Desk, record: Record, sort: Sort, cursor: str) -> After:
    """Where a cursor that the database wrote says to continue."""
    cursors = Cursors(SECRET, desk.ctx.tenant.id, record, full_sort(record, sort))
    values = cursors.read(cursor, "after")
    return After(
        tuple(constant(value) for value in values), tuple(value is None for value in values)
    )


async def cursor_of(city: City) -> tuple[Desk, str]:
    """The last cursor of a page by name."""
    async with open_desk(city, "root") as ctx:
        desk = Desk(city, "root", ctx)
        page = named(desk.record("Organisation"), Wanted(sort=BY_NAME, size=2))
        return desk, (await desk.read(page))["list"]["edges"][-1]["cursor"]


async def test_a_cursor_has_one_spelling(city: City) -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_="
    desk, cursor = await cursor_of(city)
    record = desk.record("Organisation")
    place_of(desk, record, BY_NAME, cursor)
    for at in (0, len(cursor) // 2, len(cursor) - 1):
        for letter in letters.replace(cursor[at], ""):
            with pytest.raises(Invalid, match="CURSOR_INVALID"):
                place_of(desk, record, BY_NAME, cursor[:at] + letter + cursor[at + 1 :])


async def test_a_cursor_is_good_for_its_own_list_only(city: City, other_city: City) -> None:
    desk, cursor = await cursor_of(city)
    record = desk.record("Organisation")
    wrong: dict[str, tuple[str, Sort]] = {
        "cut": (cursor[:-4], BY_NAME),
        "empty": ("", BY_NAME),
        "with more": (cursor + "AAAA", BY_NAME),
        "with space": (cursor + "\n", BY_NAME),
        "no letters of base64": ("龙", BY_NAME),
        "of another order": (cursor, (("name", "desc"),)),
        "of more columns": (cursor, (("name", "asc"), ("created_at", "asc"))),
        "made up": ("WyJncmlkLTAiXQ", BY_NAME),
    }
    for what, (text, sort) in wrong.items():
        with pytest.raises(Invalid) as refused:
            place_of(desk, record, sort, text)
        assert (refused.value.code, refused.value.field) == ("CURSOR_INVALID", "after"), what
    elsewhere = [
        Cursors(SECRET, other_city.tenant.id, record, full_sort(record, BY_NAME)),
        Cursors(b"another secret", city.tenant.id, record, full_sort(record, BY_NAME)),
        Cursors(SECRET, city.tenant.id, desk.record("Department"), full_sort(record, BY_NAME)),
    ]
    for cursors in elsewhere:
        with pytest.raises(Invalid, match="CURSOR_INVALID"):
            cursors.read(cursor, "after")


@pytest.mark.parametrize(
    ("page", "code"),
    [
        (PageRequest(first=-1), "PAGE_SIZE_INVALID"),
        (PageRequest(first=101), "PAGE_SIZE_INVALID"),
        (PageRequest(last=101), "PAGE_SIZE_INVALID"),
        (PageRequest(first=1, last=1), "PAGE_BOTH_WAYS"),
        (PageRequest(after="a", before="b"), "PAGE_BOTH_WAYS"),
    ],
)
def test_an_impossible_page_is_refused(page: PageRequest, code: str) -> None:
    with pytest.raises(Invalid, match=code):
        page_size(page)
