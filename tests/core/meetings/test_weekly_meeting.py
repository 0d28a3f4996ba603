"""Meetings of four weeks: planned, drawn, held, decided, closed, and read again the next week."""

import hashlib
import uuid
from datetime import date
from typing import Any

import pytest

from jingwei_core.meetings import closing
from jingwei_core.meetings.minutes import Closing, render
from jingwei_core.meetings.records import are_solved, minutes_links
from jingwei_core.meetings.rules import rules_of
from jingwei_core.meetings.tables import Meeting
from jingwei_sdk.errors import Conflict, JingweiError
from tests.core.events.city import GRID, IN_SIBLING
from tests.core.meetings.hall import SERIES, Hall, refused
from tests.core.workforce.street import at


async def not_closed(
    hall: Hall, code: str, meeting: uuid.UUID, login: str = "street-chief"
) -> None:
    before = await hall.kept()
    with pytest.raises(JingweiError) as refusal:
        await hall.staged(login, "meeting.close", meeting)
    assert refusal.value.code == code
    assert await hall.kept() == before


async def read_meetings(hall: Hall, login: str) -> list[Any]:
    async with hall.context(login) as ctx:
        return list(await ctx.records.some(ctx, "Meeting"))


async def test_the_next_meeting_is_planned_once_and_moves_off_holidays(hall: Hall) -> None:
    await hall.plan()
    await hall.plan()
    (first,) = await hall.meetings()
    assert (first["occasion"], first["planned_at"]) == (
        date(2026, 11, 27),
        at(4, hours=5, minutes=30),
    )
    # The Friday after and the Monday behind it are holidays: the meeting moves to Tuesday, and
    # until then no other one is planned.
    for day in (date(2026, 12, 4), date(2026, 12, 7)):
        await hall.fetch(
            "INSERT INTO core.calendar_day (day, is_working, name) VALUES ($1, false, '假')", day
        )
    hall.clock.instant = first["planned_at"]
    await hall.plan()
    hall.clock.instant = at(14)
    await hall.plan()
    meetings = await hall.meetings()
    assert [m["occasion"] for m in meetings] == [date(2026, 11, 27), date(2026, 12, 4)]
    assert meetings[1]["planned_at"] == at(15, hours=5, minutes=30)
    given = {"place_id": hall.places["/1/"], "series": SERIES, "planned_at": at(16)}
    for code, wrong in (
        ("MEETING_SERIES_UNKNOWN", {"series": "yearly"}),
        ("MEETING_PLACE_LEVEL", {"place_id": hall.places[GRID]}),
        ("MEETING_TIME_PAST", {"planned_at": at(13)}),
        ("TIME_WITHOUT_ZONE", {"planned_at": at(16).replace(tzinfo=None)}),
    ):
        await refused(hall, code, "street-chief", "meeting.plan", **{**given, **wrong})
    await refused(hall, "PERMISSION_DENIED", "west", "meeting.plan", **given)
    await hall.run("street-chief", "meeting.plan", **given)
    await refused(hall, "ROW_EXISTS", "street-chief", "meeting.plan", **given)


async def test_who_is_expected_sees_it_and_a_substitute_comes_for_who_is_away(hall: Hall) -> None:
    await hall.declare("admin", place_id=hall.places[GRID])
    await hall.plan()
    meeting = (await hall.meetings())[0]["id"]
    assert [m["id"] for m in await read_meetings(hall, "east")] == [meeting]
    assert await read_meetings(hall, "worker") == []
    await hall.approved("east", "deputy", 3, 6)
    hall.clock.instant = at(4, hours=5)
    await hall.run("street-chief", "meeting.draw", meeting)
    rows = {
        row["login"]: row
        for row in await hall.fetch(
            "SELECT t.*, a.login FROM core.meeting_attendance t"
            " JOIN core.account a ON a.id = t.account"
        )
    }
    assert {login: (r["expected_as"], r["state"]) for login, r in rows.items()} == {
        "street-chief": ("post", "expected"),
        "west": ("post", "expected"),
        "east": ("post", "excused"),
        "deputy": ("post", "expected"),
        "roads-officer": ("seconded", "expected"),
    }
    assert rows["east"]["substitute"] == hall.people["deputy"]


async def test_who_came_is_noted_while_it_is_held(hall: Hall) -> None:
    await hall.approved("east", "deputy", 3, 6)
    await hall.plan()
    meeting = (await hall.meetings())[0]["id"]
    rows = {
        row["login"]: row
        for row in await hall.fetch(
            "SELECT t.id, a.login FROM core.meeting_attendance t"
            " JOIN core.account a ON a.id = t.account"
        )
    }
    east, west = rows["east"]["id"], rows["west"]["id"]
    note = ("street-chief", "meeting.attendance")
    await refused(hall, "MEETING_NOT_HELD", *note, west, state="present")
    await hall.run("street-chief", "meeting.hold", meeting)
    await refused(hall, "MEETING_HELD_ALREADY", "street-chief", "meeting.hold", meeting)
    await refused(hall, "MEETING_NO_SUBSTITUTE", *note, west, state="substitute")
    await refused(hall, "PERMISSION_DENIED", "west", "meeting.attendance", west, state="present")
    await refused(hall, "PERMISSION_DENIED", "worker", "meeting.attendance", west, state="present")
    await hall.run(*note, east, state="substitute")
    await hall.run(*note, west, state="absent")
    # Drawn again, what was noted stays.
    await hall.run("street-chief", "meeting.draw", meeting)
    states = await hall.fetch(
        "SELECT state FROM core.meeting_attendance WHERE noted_by IS NOT NULL"
    )
    assert sorted(row["state"] for row in states) == ["absent", "substitute"]
    await hall.close(meeting)
    await refused(hall, "MEETING_CLOSED", *note, west, state="present")
    await refused(hall, "MEETING_CLOSED", *note, west, state="excused")


async def test_what_is_put_on_the_agenda_by_rule_and_by_hand(hall: Hall) -> None:
    hole = await hall.verified()
    await hall.report("worker", title="未核实")
    await hall.plan()
    meeting = (await hall.meetings())[0]["id"]
    await hall.run("street-chief", "meeting.draw", meeting)
    overdue = await hall.report("other-worker", title="逾期", position=IN_SIBLING)
    fresh = await hall.report(
        "worker",
        title="新报",
        kind="city.water.leak",
        evidence=[{"id": await hall.photo("worker"), "phase": "before"}],
    )
    await hall.fetch("UPDATE core.event SET state_due_at = $2 WHERE id = $1", overdue, at(-1))
    for _ in range(2):
        await hall.run("street-chief", "meeting.draw", meeting)
    items = await hall.items(meeting)
    assert [(i["number"], i["kind"], i["event"]) for i in items] == [
        (1, "problem", hole),
        (2, "problem", overdue),
    ]
    put = ("west", "meeting.put", meeting)
    await refused(hall, "MEETING_EVENT_TWICE", *put, event_id=hole)
    await refused(hall, "MEETING_ITEM_EMPTY", *put, text="  ")
    await refused(hall, "PERMISSION_DENIED", *put, kind="decision", text="议定")
    await refused(hall, "ROW_NOT_FOUND", *put, event_id=overdue)
    await refused(hall, "ROW_NOT_FOUND", "worker", "meeting.put", meeting, text="旁听")
    await hall.run(*put, event_id=fresh)
    await hall.run(*put, kind="report", text="本周走访三十户")
    await hall.run("street-chief", "meeting.put", meeting, kind="plan", text="下周查消防")
    await hall.fetch(
        "UPDATE core.event SET is_final = true, state = 'closed' WHERE id = $1", overdue
    )
    await refused(
        hall, "MEETING_EVENT_CLOSED", "street-chief", "meeting.put", meeting, event_id=overdue
    )
    assert [i["kind"] for i in await hall.items(meeting)][2:] == ["problem", "report", "plan"]


async def solved(hall: Hall, event: uuid.UUID) -> None:
    """The department solves it, and it is struck off with proof."""
    await hall.act("mender", event, "handle", note="已修复")
    await hall.act("checker", event, "check", note="属实")
    photo = {"id": await hall.photo("street-chief"), "phase": "after"}
    await hall.act("street-chief", event, "close", evidence=[photo])


async def test_the_unsolved_is_read_again_until_it_is_closed_and_the_chair_takes_it_over(
    hall: Hall,
) -> None:
    hole = await hall.verified()
    first = await hall.next_meeting()
    await not_closed(hall, "MEETING_ITEM_UNDECIDED", first)
    (item,) = await hall.items(first)
    await hall.run(
        "street-chief", "meeting.decide", item["id"], text="限期修复", department_code="roads"
    )
    await hall.close(first)
    assert (await hall.items(first))[0]["state"] == "carried"

    second = await hall.next_meeting()
    (again,) = await hall.items(second)
    told = (again["kind"], again["event"], again["carried_from"], again["carried_count"])
    assert told == ("carried", hole, item["id"], 1)
    await not_closed(hall, "MEETING_ITEM_UNDECIDED", second)
    carry = ("street-chief", "meeting.carry", again["id"])
    await refused(hall, "PERMISSION_DENIED", "west", "meeting.carry", again["id"], reason="未完")
    await hall.run(*carry, reason="材料未到")
    await not_closed(hall, "MEETING_ITEM_UNSUPERVISED", second)
    await refused(hall, "MEETING_NOT_CHAIR", "admin", "meeting.supervise", again["id"])
    await hall.run("street-chief", "meeting.supervise", again["id"])
    await hall.close(second)

    await solved(hall, hole)
    third = await hall.next_meeting()
    (last,) = await hall.items(third)
    assert (last["carried_count"], last["supervised_by"]) == (2, hall.people["street-chief"])
    async with hall.context("west") as ctx:
        (seen,) = await are_solved(ctx, [last])
    assert seen is True
    carry = {"reason": "再议"}
    await refused(hall, "MEETING_ITEM_SOLVED", "street-chief", "meeting.carry", last["id"], **carry)
    await refused(hall, "MEETING_ITEM_SOLVED", "street-chief", "meeting.supervise", last["id"])
    await hall.close(third)
    assert (await hall.items(third))[0]["state"] == "solved"
    assert await hall.items(await hall.next_meeting()) == []


async def decided(hall: Hall) -> tuple[uuid.UUID, Any, dict[str, Any]]:
    """A meeting with one item that is decided, and how."""
    await hall.declare("admin", place_id=hall.places[GRID])
    await hall.verified(title="<b>坑洞</b>")
    meeting = await hall.next_meeting()
    (item,) = await hall.items(meeting)
    given = {"text": "限期修复 & 复查", "department_code": "roads"}
    await hall.run("street-chief", "meeting.decide", item["id"], **given)
    return meeting, item, given


async def document_of(hall: Hall, row: Any) -> Any:
    return (await hall.fetch("SELECT * FROM core.evidence WHERE id = $1", row["minutes"]))[0]


async def test_minutes_are_made_of_the_rows_and_never_change(hall: Hall) -> None:
    meeting, item, _ = await decided(hall)
    for login, code in (
        ("west", "PERMISSION_DENIED"),
        ("clerk", "PERMISSION_DENIED"),
        ("worker", "PERMISSION_DENIED"),
    ):
        await not_closed(hall, code, meeting, login)
    await hall.staged("street-chief", "meeting.close", meeting)
    row = await one(hall, meeting)
    document = await document_of(hall, row)
    store = hall.platform.store
    kept = b"".join([part async for part in store.read(document["store_key"], limit=10**6)])
    assert hashlib.sha256(kept).hexdigest() == row["digest"] == document["sha256"]
    text = kept.decode()
    for told in (
        "周例会",
        "会议纪要",
        "&lt;b&gt;坑洞&lt;/b&gt;",
        "限期修复 &amp; 复查",
        "下派",
        "转下次会议",
    ):
        assert told in text
    with pytest.raises(Conflict) as locked:
        await store.delete(document["store_key"])
    assert locked.value.code == "EVIDENCE_LOCKED"

    # Whatever happens to the event afterwards, the same rows make the same bytes.
    await hall.act("mender", item["event"], "handle", note="好了")
    async with hall.context("admin") as ctx:
        series = (await rules_of(ctx)).of(SERIES)
        stored = await ctx.data.get(Meeting, meeting)
        told_at = Closing(stored.closed_at, stored.language)
        assert await render(ctx, stored, series, told_at) == kept
        english = await render(ctx, stored, series, Closing(stored.closed_at, "en"))
    assert b"Weekly meeting Minutes" in english
    assert b"carried to the next meeting" in english


async def test_a_closed_meeting_never_changes(hall: Hall) -> None:
    meeting, item, given = await decided(hall)
    await hall.close(meeting)
    row = await one(hall, meeting)
    before = await hall.kept()
    assert await hall.close(meeting) == meeting  # sent again, it answers the same
    assert await hall.kept() == before
    for name, target, more in (
        ("meeting.hold", meeting, {}),
        ("meeting.draw", meeting, {}),
        ("meeting.put", meeting, {"text": "补"}),
        ("meeting.decide", item["id"], given),
        ("meeting.carry", item["id"], {"reason": "补"}),
        ("meeting.supervise", item["id"], {}),
    ):
        await refused(hall, "MEETING_CLOSED", "street-chief", name, target, **more)
    async with hall.context("west") as ctx:
        (link,) = await minutes_links(ctx, [row])
    assert link is not None
    assert ".html" in link


async def one(hall: Hall, meeting: uuid.UUID) -> Any:
    return (await hall.fetch("SELECT * FROM core.meeting WHERE id = $1", meeting))[0]


async def test_what_changes_while_the_minutes_are_kept_keeps_the_meeting_open(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = await hall.next_meeting()
    keep = closing.keep_document

    async def meddled(stage: Any, new: Any) -> Any:
        await hall.run("west", "meeting.put", meeting, kind="report", text="插话")
        return await keep(stage, new)

    monkeypatch.setattr(closing, "keep_document", meddled)
    with pytest.raises(Conflict) as refusal:
        await hall.close(meeting)
    assert refusal.value.code == "MEETING_CHANGED"
    row = await one(hall, meeting)
    assert (row["state"], row["minutes"], row["digest"]) == ("held", None, "")
    monkeypatch.setattr(closing, "keep_document", keep)
    await hall.close(meeting)
