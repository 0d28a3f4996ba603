"""Importing divisions: the tree that a file becomes, and what is refused of it."""

import io
from datetime import date

import pytest
from uuid_utils.compat import uuid7

from jingwei_core.database.engine import Database
from jingwei_core.places import importing
from jingwei_core.places.importing import DivisionFile, import_divisions
from jingwei_sdk.errors import Invalid

HEAD = "code,name,level,parent_code\n"
TREE = (
    "42,湖北省,province,\n4205,宜昌市,city,42\n420502,西陵区,district,4205\n"
    "420502001,西陵街道,street,420502\n420502001001,和平村委会,community,420502001\n"
    "420502001002,和平村委会,community,420502001\n11,北京市,province,\n110101,东城区,district,11\n"
)
TERMS = "SELECT term, name FROM core.place_term ORDER BY term, name"


def file_of(rows: str, head: str = HEAD) -> DivisionFile:
    return DivisionFile(io.StringIO(head + rows), "divisions.csv", date(2024, 1, 1))


async def test_each_row_becomes_a_place_below_its_parent(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH", 3)
    told: list[int] = []
    async with database.unit(uuid7()) as unit:
        assert await import_divisions(unit, file_of(TREE), told.append) == 8
        rows = await unit.fetch(
            "SELECT p.code, p.name, p.level, p.path, p.depth, p.search_text, u.path AS above"
            " FROM core.place p LEFT JOIN core.place u ON u.id = p.parent ORDER BY p.ordinal"
        )
        codes = await unit.fetchval(
            "SELECT count(*) FROM core.place_code c JOIN core.place p"
            " ON p.id = c.place AND p.code = c.code WHERE c.system = 'division'"
        )
    assert told == [3, 6, 8]
    assert codes == 8
    assert [row["path"] for row in rows] == [
        *("/1/", "/1/2/", "/1/2/3/", "/1/2/3/4/", "/1/2/3/4/5/", "/1/2/3/4/6/"),
        *("/7/", "/7/8/"),
    ]
    for row in rows:
        assert row["depth"] == row["path"].count("/") - 2
        assert (row["above"] or "/") == row["path"].rstrip("/").rpartition("/")[0] + "/"
    assert rows[2]["search_text"] == "西陵区 xilingqu xlq 420502"


async def test_a_second_file_goes_on_after_the_first(database: Database) -> None:
    async with database.unit(uuid7()) as unit:
        await import_divisions(unit, file_of(TREE), lambda _: None)
        await import_divisions(unit, file_of("50,重庆市,province,\n"), lambda _: None)
        assert await unit.fetchval("SELECT path FROM core.place WHERE code = '50'") == "/9/"


async def test_an_import_makes_the_terms_that_single_rows_make(database: Database) -> None:
    async with database.unit(uuid7()) as unit:
        await import_divisions(unit, file_of(TREE), lambda _: None)
        imported = [tuple(row) for row in await unit.fetch(TERMS)]
        await unit.execute("DELETE FROM core.place_term")
        await unit.execute("UPDATE core.place SET name_en = 'x'")
        assert imported == [tuple(row) for row in await unit.fetch(TERMS)]
    assert ("陵区", "西陵区") in imported
    assert ("xlq", "西陵区") in imported
    assert not [term for term, _ in imported if term.isdigit()], "codes have an index of their own"


@pytest.mark.parametrize(
    ("rows", "code", "at"),
    [
        (",无码,city,\n", "IMPORT_CODE", 2),
        ("42,湖北省,province,\n42,湖北省,province,\n", "IMPORT_CODE", 3),
        ("42,,province,\n", "IMPORT_NAME", 2),
        ("42,湖北省,province,\n4205,宜昌市,city,43\n", "IMPORT_PARENT", 3),
        ("42,湖北省,province,42\n", "IMPORT_PARENT", 2),
    ],
)
async def test_a_wrong_row_is_refused_with_its_number(
    database: Database, rows: str, code: str, at: int
) -> None:
    async with database.unit(uuid7()) as unit:
        with pytest.raises(Invalid) as refused:
            await import_divisions(unit, file_of(rows), lambda _: None)
    assert refused.value.code == code
    assert refused.value.row == at
    assert refused.value.file == "divisions.csv"


async def test_other_columns_are_refused(database: Database) -> None:
    async with database.unit(uuid7()) as unit:
        with pytest.raises(Invalid) as refused:
            await import_divisions(unit, file_of("", "code,name\n"), lambda _: None)
    assert refused.value.code == "IMPORT_COLUMNS"
    assert refused.value.params["found"] == "code,name"
