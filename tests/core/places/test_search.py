"""Finding places by a part of their name: both ways of the statement find the same."""

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from uuid_utils.compat import uuid7

from jingwei_core.database.engine import Database
from jingwei_core.database.unit import Unit
from jingwei_core.places import search
from jingwei_core.places.search import COMMON_ENDINGS, PLACES, find_statement
from jingwei_core.text import search_text

MIGRATIONS = Path(search.__file__).parents[1] / "migrations"
LETTERS = "西陵和平村委会居社区街道Ab1 '\\%"
NAMES = st.lists(st.text(LETTERS, min_size=1, max_size=9).filter(str.strip), max_size=12)
QUICK = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
FETCHED = f"SELECT id FROM core.place t WHERE {PLACES.fetched('$1', '$2', 't')}"
MET = f"SELECT id FROM core.place t WHERE {PLACES.met('$1', 't')}"


async def plant(unit: Unit, names: list[str]) -> None:
    rows = [
        (uuid7(), "community", n, f"/{n}/", 1, name, search_text(name, f"{n}"), f"{n}")
        for n, name in enumerate(names, start=10)
    ]
    await unit.executemany(
        "INSERT INTO core.place (id, level, ordinal, path, depth, name, search_text, code,"
        " valid_from) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '2026-01-01')",
        rows,
    )


@QUICK
@given(NAMES, st.text(LETTERS, min_size=1, max_size=4).filter(str.strip))
async def test_fetching_and_walking_find_the_same(
    database: Database, names: list[str], text: str
) -> None:
    low, high, is_common = PLACES.bounds(text)
    async with database.unit(uuid7()) as unit:
        await plant(unit, names)
        walked = {row["id"] for row in await unit.fetch(MET, low)}
        got = {row["id"] for row in await unit.fetch(FETCHED, low, high)}
    assert got <= walked
    if not is_common:
        assert got == walked


@QUICK
@given(NAMES, st.text(LETTERS + "1", min_size=1, max_size=4).filter(str.strip))
async def test_the_statement_finds_the_first_in_the_order_of_the_tree(
    database: Database, names: list[str], text: str
) -> None:
    low, high, is_common = PLACES.bounds(text)
    async with database.unit(uuid7()) as unit:
        await plant(unit, names)
        walked = await unit.fetch(f"{MET} ORDER BY t.path LIMIT 3".replace("id", "path", 1), low)
        found = await unit.fetch(find_statement(3), low, high, is_common)
    assert [row["path"] for row in found] == [row["path"] for row in walked]


async def test_the_statement_knows_which_way_is_the_short_one(database: Database) -> None:
    sql = f"SELECT {PLACES.is_few('$1::text', '$2::text', '$3')}"
    async with database.unit(uuid7()) as unit:
        await plant(unit, [f"东风{n}队" for n in range(search.FEW + 1)] + ["西陵社区"])
        assert await unit.fetchval(sql, *PLACES.bounds("西陵"))
        assert not await unit.fetchval(sql, *PLACES.bounds("东风"))
        assert not await unit.fetchval(sql, *PLACES.bounds("社区")), (
            "no term begins inside an ending"
        )
        assert not await unit.fetchval(sql, *PLACES.bounds(" "))


async def test_a_renamed_place_is_found_by_its_new_name(database: Database) -> None:
    low, high, _ = PLACES.bounds("云集")
    async with database.unit(uuid7()) as unit:
        await plant(unit, ["西陵社区"])
        assert not await unit.fetch(FETCHED, low, high)
        text = search_text("云集社区", "10")
        await unit.execute("UPDATE core.place SET name = '云集社区', search_text = $1", text)
        assert len(await unit.fetch(FETCHED, low, high)) == 1
        old = PLACES.bounds("西陵")
        assert not await unit.fetch(FETCHED, *old[:2])


def test_endings_are_the_same_in_sql() -> None:
    [file] = MIGRATIONS.glob("*place_search.sql")
    found = re.search(r"'\((?P<endings>[^)]+)\)\$'", file.read_text(encoding="utf-8"))
    assert found is not None
    assert tuple(found["endings"].split("|")) == COMMON_ENDINGS


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("西陵区", "西陵区 xilingqu xlq"),
        ("A座3号", "a座3号 azuo3hao az3h"),
        ("重庆路", "重庆路 chongqinglu cql"),
    ],
)
def test_search_text_holds_sounds_and_initials(name: str, expected: str) -> None:
    assert search_text(name) == expected
