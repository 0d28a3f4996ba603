"""A weekly meeting: who came, what was decided and carried over, its minutes, and a ledger."""

import uuid
from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import ROOT
from tests.core.meetings.hall import Hall, build_hall
from tests.faults.site import Act, Caller


async def meeting_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each command on a meeting that is held."""
    return [*await _held(platform, workers), *await _closing(platform, workers)]


def _who(hall: Hall, workers: Any) -> Caller:
    account = hall.people["street-chief"]
    return Caller(hall.tenant.id, account, hall.clock.now(), workers)


async def _held(platform: Platform, workers: Any) -> list[Act]:
    hall = await build_hall(platform)
    for number in range(4):
        await hall.verified(title=f"坑洞{number}")
    await hall.plan()
    meeting = await hall.next_meeting()
    await hall.run("street-chief", "meeting.put", meeting, text="无事项")
    items = [row["id"] for row in await hall.items(meeting)]
    await hall.run("street-chief", "meeting.decide", items[4], text="限期", department_code="roads")
    came: uuid.UUID = await hall.value("SELECT id FROM core.meeting_attendance LIMIT 1")
    chief = _who(hall, workers)
    return [
        chief.act("meeting.attendance", came, state="present"),
        chief.act("meeting.decide", items[0], text="限期修复", department_code="roads"),
        chief.act(
            "meeting.decide",
            items[3],
            "opens a joint operation",
            text="联合查处",
            department=hall.departments["roads"],
            joint_departments=[hall.departments[code] for code in ("roads", "water")],
            joint_lead=hall.people["roads-officer"],
            joint_at=hall.clock.now(),
        ),
        chief.act("meeting.carry", items[1], reason="材料未到"),
        chief.act("meeting.supervise", items[2]),
        chief.act("meeting.solve", items[4], result="已办结"),
    ]


async def _closing(platform: Platform, workers: Any) -> list[Act]:
    hall = await build_hall(platform)
    await hall.verified()
    await hall.plan()
    meeting = await hall.next_meeting()
    (item,) = await hall.items(meeting)
    decided = {"text": "限期修复", "department_code": "roads"}
    await hall.run("street-chief", "meeting.decide", item["id"], **decided)
    asked = {"ledger": "problems", "place_id": hall.places[ROOT]}
    sheet = (await hall.run("street-chief", "ledger.request", **asked)).row_id
    chief = _who(hall, workers)
    return [chief.act("meeting.close", meeting), chief.act("ledger.export", sheet)]
