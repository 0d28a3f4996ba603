"""Meetings and ledgers of the leak tests: one meeting in far expects somebody from near."""

import uuid
from datetime import date
from typing import Any

from jingwei_core.database.unit import Unit
from jingwei_core.ledgers.tables import LedgerRules, LedgerSheet
from jingwei_core.meetings.tables import Meeting, MeetingAttendance, MeetingItem, MeetingRules
from tests.leak.world import NOW, TOMORROW, City

# zone: (place, who is expected)
MEETINGS = {
    "city": ("street", "chief"),
    "near": ("near", "near_all"),
    "far": ("far", "far_worker"),
    "reported": ("far", "near_worker"),
}
SHEETS = {"mine": ("near", "near_worker"), "theirs": ("far", "far_worker")}


async def plant_meetings(city: City, unit: Unit) -> None:
    """All rows of meetings and ledgers, once accounts and places are there."""
    await _rules(city, unit)
    for zone in MEETINGS:
        await _meeting(city, unit, zone)
    for zone, (place, owner) in SHEETS.items():
        told = city.canary(zone, "sheet")
        here = {"place_id": city.places[place], "account": city.accounts[owner]}
        await city.plant(unit, LedgerSheet, zone, **here, ledger=told, language=told, made_at=NOW)


async def _rules(city: City, unit: Unit) -> None:
    told = city.canary("wide", "meetings")
    named = {"code": "canary", "name_zh": told, "name_en": told}
    series = {**named, "level": "grid", "weekday": 5, "time": "14:30:00", "chair": "all"}
    rules = {"source": told, "series": [series]}
    await city.plant(unit, MeetingRules, "wide", definition=rules)
    ledger = {"code": "canary", "title_zh": told, "title_en": told, "source": "event"}
    ledgers = [{**ledger, "columns": ["number", "title", "place"]}]
    await city.plant(unit, LedgerRules, "wide", definition={"source": told, "ledgers": ledgers})


async def _meeting(city: City, unit: Unit, zone: str) -> None:
    place, attendee = MEETINGS[zone]
    told = city.canary(zone, "meeting")
    account = city.accounts[attendee]
    times: dict[str, Any] = {"planned_at": TOMORROW, "occasion": date(2026, 1, 1)}
    meeting = await city.plant(
        unit,
        Meeting,
        zone,
        **times,
        place_id=city.places[place],
        series="canary" if zone == "near" else told,
        state="planned",
        digest=told,
        language=told,
        attendees=(account,),
    )
    came = {"role": told, "expected_as": "post", "state": "expected"}
    await city.plant(unit, MeetingAttendance, zone, meeting=meeting, account=account, **came)
    said = {"text": told, "decision": told, "result": told, "due_at": NOW}
    said |= {"meeting": meeting, "kind": "problem", "state": "open"}
    first = await city.plant(unit, MeetingItem, zone, **said, number=1)
    if zone in ("near", "far"):
        more = {"carried_from": first, "event": _known(city, "Event", zone)}
        more |= {"assigned_account": account, "assigned_department": _known(city, "Department")}
        await city.plant(unit, MeetingItem, zone, **said, **more, number=2)


def _known(city: City, record: str, zone: str = "wide") -> uuid.UUID:
    return next(row.id for row in city.rows if (row.record, row.zone) == (record, zone))
