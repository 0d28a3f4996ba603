"""Ledgers are views: struck off with proof only, told within sight, taken along as a sheet."""

import io
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest

from jingwei_core.ledgers import commands
from jingwei_core.ledgers.questions import LedgerAsked, LedgerPage, ledger_page
from jingwei_core.ledgers.rules import read_rules
from jingwei_core.ledgers.sheet_process import sheet_name
from jingwei_sdk.errors import Conflict, Invalid, JingweiError, NotFound
from tests.core.events.city import GRID, IN_SIBLING, ROOT, SIBLING
from tests.core.meetings.hall import LEDGERS, Hall

_CELLS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)")


async def page(hall: Hall, login: str, ledger: str, path: str = ROOT, **more: Any) -> LedgerPage:
    async with hall.context(login) as ctx:
        return await ledger_page(ctx, LedgerAsked(ledger, hall.places[path], **more))


def rows(told: LedgerPage) -> list[dict[str, str]]:
    width = len(told.headings)
    parts = [told.cells[at : at + width] for at in range(0, len(told.cells), width)]
    return [dict(zip(told.headings, part, strict=True)) for part in parts]


async def exported(hall: Hall, login: str, ledger: str, path: str = ROOT) -> list[list[str]]:
    """The cells of a sheet that the account took along."""
    answer = await hall.run(login, "ledger.request", place_id=hall.places[path], ledger=ledger)
    assert answer.row_id is not None
    await hall.staged(login, "ledger.export", answer.row_id)
    (row,) = await hall.fetch(
        "SELECT e.store_key, s.rows FROM core.ledger_sheet s"
        " JOIN core.evidence e ON e.id = s.document WHERE s.id = $1",
        answer.row_id,
    )
    store = hall.platform.store
    content = b"".join([part async for part in store.read(row["store_key"], limit=10**7)])
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert list(sheet.iter(f"{_CELLS}f")) == []  # no formula whatever
    told = [
        ["".join(cell.itertext()) for cell in line.iter(f"{_CELLS}c")]
        for line in sheet.iter(f"{_CELLS}row")
    ]
    assert row["rows"] == len(told) - 1
    return told


async def test_striking_off_needs_proof_and_keeps_what_was_before(hall: Hall) -> None:
    before = {"id": await hall.photo("worker"), "phase": "before"}
    event = await hall.verified(evidence=[before])
    await hall.act("centre", event, "dispatch", department=hall.departments["roads"])
    await hall.act("mender", event, "handle", note="已修复")
    await hall.act("checker", event, "check", note="属实")
    (open_row,) = rows(await page(hall, "street-chief", "problems"))
    assert (open_row["销号时间"], open_row["处置前证据数"], open_row["处置后证据数"]) == (
        "",
        "1",
        "0",
    )
    kept = await hall.kept()
    with pytest.raises(Invalid) as refusal:
        await hall.act("street-chief", event, "close")
    assert refusal.value.code == "EVENT_GUARD_EVIDENCE"
    assert await hall.kept() == kept

    after = {"id": await hall.photo("street-chief"), "phase": "after"}
    await hall.act("street-chief", event, "close", evidence=[after])
    (row,) = rows(await page(hall, "street-chief", "problems"))
    assert (row["处置前证据数"], row["处置后证据数"]) == ("1", "1")
    assert (row["销号时间"], row["销号人"]) == ("2026-11-23 09:00", "street-chief")
    assert (row["报告人"], row["结案时间"]) == ("worker", "2026-11-23 09:00")
    assert len(await hall.fetch("SELECT 1 FROM core.step_evidence WHERE event = $1", event)) == 2

    # A case that was withdrawn is closed, and not struck off.
    other = await hall.report("worker", title="误报")
    await hall.act("chief", other, "reject", reason="不属实")
    withdrawn = rows(await page(hall, "street-chief", "problems"))[1]
    assert (withdrawn["结案时间"] != "", withdrawn["销号时间"]) == (True, "")


async def test_a_ledger_tells_what_its_reader_may_see_page_by_page(hall: Hall) -> None:
    await hall.verified(title="西")
    await hall.report(
        "worker",
        title="漏水",
        kind="city.water.leak",
        evidence=[{"id": await hall.photo("worker"), "phase": "before"}],
    )
    await hall.report("other-worker", title="东", position=IN_SIBLING)
    whole = await page(hall, "street-chief", "open", first=1)
    assert (whole.title, rows(whole)[0]["问题"]) == ("未结", "西")
    assert whole.next is not None
    rest = await page(hall, "street-chief", "open", first=1, after=whole.next)
    assert ([row["问题"] for row in rows(rest)], rest.next) == (["东"], None)
    (only,) = rows(await page(hall, "east", "open", SIBLING))
    assert only["问题"] == "东"
    staff = rows(await page(hall, "street-chief", "staff"))
    assert sorted(staff, key=lambda row: row["姓名"]) == [
        {"姓名": name, "岗位": "grid_chief", "管辖区域": place}
        for name, place in (("deputy", SIBLING), ("east", SIBLING), ("west", GRID))
    ]
    for code, login, ledger, path, more in (
        ("LEDGER_UNKNOWN", "street-chief", "secret", ROOT, {}),
        ("LEDGER_AFTER", "street-chief", "open", ROOT, {"after": "x"}),
        ("PLACE_NOT_FOUND", "east", "open", GRID, {}),
        ("PERMISSION_DENIED", "worker", "open", GRID, {}),
    ):
        with pytest.raises(JingweiError) as refusal:
            await page(hall, login, ledger, path, **more)
        assert refusal.value.code == code


async def test_no_record_is_told_to_who_may_not_read_it(hall: Hall) -> None:
    """Reading ledgers is no way around the permission to read what they are views of."""
    await hall.run(
        "street-chief", "organisation.register", place_id=hall.places[GRID], name="某单位"
    )
    assert len(rows(await page(hall, "street-chief", "units"))) == 1
    assert rows(await page(hall, "west", "units", GRID)) == []
    await hall.verified()
    assert rows(await page(hall, "other-street-chief", "problems")) == []


async def test_a_sheet_holds_texts_only_and_what_its_maker_may_see(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    for formula in FORMULAS:
        await hall.fetch(
            "INSERT INTO core.organisation (name, kind, place_id) VALUES ($1, 'other', $2)",
            formula,
            hall.places[GRID],
        )
    monkeypatch.setattr(commands, "ROWS_AT_ONCE", 3)
    told = await exported(hall, "street-chief", "units")
    assert told[0] == ["名称", "类别", "网格"]
    assert sorted(told[1:]) == sorted([name, "other", GRID] for name in FORMULAS)
    assert await exported(hall, "west", "units", GRID) == [["名称", "类别", "网格"]]
    audited = await hall.fetch(
        "SELECT command FROM core.audit_entry WHERE command LIKE 'ledger.%' ORDER BY sequence"
    )
    assert [row["command"] for row in audited] == ["ledger.request", "ledger.export"] * 2


async def test_what_refuses_a_sheet(hall: Hall, monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"place_id": hall.places[ROOT], "ledger": "staff"}
    for code, login, wrong in (
        ("LEDGER_UNKNOWN", "street-chief", {"ledger": "secret"}),
        ("PERMISSION_DENIED", "worker", {}),
        ("PLACE_NOT_FOUND", "west", {}),
    ):
        before = await hall.kept()
        with pytest.raises(JingweiError) as refusal:
            await hall.run(login, "ledger.request", **{**given, **wrong})
        assert refusal.value.code == code
        assert await hall.kept() == before
    sheet = (await hall.run("street-chief", "ledger.request", **given)).row_id
    assert sheet is not None
    before = await hall.kept()
    with pytest.raises(NotFound):
        await hall.staged("west", "ledger.export", sheet)
    monkeypatch.setattr(commands, "MOST_ROWS", 2)
    with pytest.raises(Conflict) as long:
        await hall.staged("street-chief", "ledger.export", sheet)
    assert long.value.code == "LEDGER_TOO_LONG"
    monkeypatch.setattr(commands, "MOST_ROWS", 20)
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(JingweiError) as broken:
        await hall.staged("street-chief", "ledger.export", sheet)
    assert broken.value.code == "LEDGER_SHEET_FAILED"
    assert await hall.kept() == before
    monkeypatch.undo()
    await hall.staged("street-chief", "ledger.export", sheet)
    before = await hall.kept()
    assert await hall.staged("street-chief", "ledger.export", sheet) == sheet
    assert await hall.kept() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"columns": ["score"]}, "ledgers[1].columns"),
        ({"columns": []}, "ledgers[1].columns"),
        ({"source": "person"}, "ledgers[1].source"),
        ({"rank": True}, "ledgers[1]"),
    ],
)
def test_rules_that_name_what_is_not_there_are_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        read_rules({"ledgers": [{**LEDGERS["ledgers"][0], **wrong}]})
    assert (refusal.value.code, refusal.value.field) == ("LEDGER_RULES_INVALID", field)
    first = LEDGERS["ledgers"][0]
    with pytest.raises(Invalid):
        read_rules({"ledgers": [first, first]})


def test_a_title_that_the_format_forbids_is_bent() -> None:
    assert sheet_name("Problems: [all]/of 'a very long title of a ledger'") == (
        "Problems_ _all__of 'a very long"
    )
    assert sheet_name("'") == "1"
