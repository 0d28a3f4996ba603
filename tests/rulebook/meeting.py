"""The weekly meeting (周例会): agenda, attendance, orders with a deadline, minutes."""

import re
from html import unescape
from typing import Any

from tests.rulebook.clockwork import at, said
from tests.rulebook.street import Street

ORDER = "拆除违建、取缔无照经营、查处餐馆卫生，二级网格长牵头"
LATER = "夜市整治方案下周再议"
ITEM = "id number kind state isSolved carriedCount event { id } decision dueAt text"
SECONDED = ("enforcer", "commerce", "food", "safety", "health", "visiting")


async def first_meeting(street: Street) -> None:
    """Friday, 14:30."""
    await street.time.turn(at(18, 14))
    await _agenda(street)
    await _before_it_is_held(street)
    await street.time.turn(at(18, 14, 30))
    await _held(street)
    await _attendance(street)
    await _bad_orders(street)
    await _orders(street)
    await _closed(street)


async def _agenda(street: Street) -> None:
    """Planned by itself at night; drawn by the platform from what it has taken."""
    (meeting,) = await street["platform"].rows("meetings", "id state plannedAt occasion title")
    street.rows["meeting"] = meeting.pop("id")
    assert meeting == {
        "state": "PLANNED",
        "plannedAt": said(18, 14, 30),
        "occasion": "2026-09-18",
        "title": "网格化管理周例会",
    }
    await street.none_may(
        """
        grid PERMISSION_DENIED
        leader PERMISSION_DENIED
        office PERMISSION_DENIED
        other-platform ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("meetingDraw",),
        id=street.rows["meeting"],
    )
    await street["platform"].do("meetingDraw", "meeting { id }", id=street.rows["meeting"])
    items = await agenda(street, "platform", street.rows["meeting"])
    assert [(row["number"], row["kind"], row["event"]["id"]) for row in items] == [
        (1, "PROBLEM", street.rows["event"]),
        (2, "PROBLEM", street.rows["stall-15"]),
    ]
    street.rows["item"], street.rows["stall-item"] = (row["id"] for row in items)


async def agenda(street: Street, login: str, meeting: str) -> list[dict[str, Any]]:
    """The items of a meeting in their order."""
    field = f'meetingItems(filter: {{ meeting: {{ eq: "{meeting}" }} }})'
    return sorted(await street[login].rows(field, ITEM), key=lambda row: row["number"])


async def _before_it_is_held(street: Street) -> None:
    meeting, item = street.rows["meeting"], street.rows["item"]
    order = {"id": item, "text": ORDER, "departmentCode": "enforcement"}
    await street.refused("street", "MEETING_NOT_HELD", "meetingDecide", **order)
    await street.refused("street", "MEETING_NOT_HELD", "meetingCarry", id=item, reason="下周")
    await street.refused("street", "MEETING_NOT_HELD", "meetingClose", id=meeting)
    await street.none_may(
        """
        platform PERMISSION_DENIED
        leader PERMISSION_DENIED
        chief PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("meetingHold",),
        id=meeting,
    )
    told = {"kind": "report", "text": "淮河社区本周社情平稳"}
    await street["chief"].do("meetingPut", "meetingItem { id }", id=meeting, **told)
    seen = {"kind": "report", "text": "铭功路方向夜市外溢"}
    await street["visiting"].do("meetingPut", "meetingItem { id }", id=meeting, **seen)
    await street.none_may(
        """
        far-chief MEETING_ITEM_EMPTY
        trainee MEETING_NOT_EXPECTED
        other-platform ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("meetingPut",),
        id=meeting,
        kind="report",
    )
    plan = {"kind": "plan", "text": "下周重点：违建"}
    await street.refused("chief", "PERMISSION_DENIED", "meetingPut", id=meeting, **plan)
    twice = {"id": meeting, "eventId": street.rows["event"]}
    await street.refused("chief", "MEETING_EVENT_TWICE", "meetingPut", **twice)
    over = {"id": meeting, "eventId": street.rows["stall-22"]}
    await street.refused("chief", "MEETING_EVENT_CLOSED", "meetingPut", **over)


async def _held(street: Street) -> None:
    meeting = street.rows["meeting"]
    told = await street["street"].do("meetingHold", "meeting { state chair { name } }", id=meeting)
    assert told == {"state": "HELD", "chair": {"name": street.name("street")}}
    await street.refused("street", "MEETING_HELD_ALREADY", "meetingHold", id=meeting)


async def _attendance(street: Street) -> None:
    """Chiefs of all levels and the seconded are expected (二：各级网格长和下派人员必须联席参加)."""
    rows = await street["platform"].rows(
        f'meetingAttendances(filter: {{ meeting: {{ eq: "{street.rows["meeting"]}" }} }})',
        "id expectedAs role state account { id }",
    )
    names = {one.id: login for login, one in street.people.items()}
    expected = {names[row["account"]["id"]]: row for row in rows}
    assert {login: row["expectedAs"] for login, row in expected.items()} == {
        **dict.fromkeys(("street", "leader", "chief", "far-chief"), "POST"),
        **dict.fromkeys(("grid", "second-grid", "far-grid"), "POST"),
        **dict.fromkeys(SECONDED, "SECONDED"),
    }
    one = expected["grid"]["id"]
    for login, code in (
        ("street", ""),
        ("chief", "PERMISSION_DENIED"),
        ("grid", "PERMISSION_DENIED"),
    ):
        if code:
            await street.refused(login, code, "meetingAttendance", id=one, state="present")
    nobody = {"id": one, "state": "substitute"}
    await street.refused("platform", "MEETING_NO_SUBSTITUTE", "meetingAttendance", **nobody)
    for login, row in expected.items():
        came = "absent" if login == "health" else "present"
        pick = "meetingAttendance { state }"
        await street["platform"].do("meetingAttendance", pick, id=row["id"], state=came)


async def _bad_orders(street: Street) -> None:
    """What the chair may not order, and who may not order at all."""
    units = [street.departments[code] for code in ("enforcement", "commerce", "food-drug")]
    order: dict[str, Any] = {
        "id": street.rows["item"],
        "text": ORDER,
        "departmentCode": "enforcement",
        "jointDepartments": units,
        "jointLead": street["chief"].id,
        "jointAt": at(21, 9).isoformat(),
        "jointCertificate": "enforcement",
    }
    await street.none_may(
        """
        leader PERMISSION_DENIED
        platform PERMISSION_DENIED
        chief PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("meetingDecide",),
        **order,
    )
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("INPUT_INVALID", {"text": " "}),
        ("MEETING_DUE_PAST", {"dueAt": at(18, 9).isoformat()}),
        ("MEETING_DUE_TWICE", {"dueAt": at(30, 9).isoformat(), "workDays": 3}),
        ("MEETING_JOINT_INCOMPLETE", {"jointLead": None}),
        ("TASK_LEAD_UNFIT", {"jointLead": street["far-chief"].id}),
        ("TASK_CERTIFICATE_UNKNOWN", {"jointCertificate": "driving"}),
        ("TASK_DEPARTMENT_TWICE", {"jointDepartments": [*units, units[0]]}),
        ("EVENT_DEPARTMENT_UNKNOWN", {"departmentCode": "nowhere"}),
        ("EVENT_ACTION_NOT_ALLOWED", {"action": "close"}),
    ]
    for code, change in wrong:
        await street.refused("street", code, "meetingDecide", **{**order, **change})
    street.orders = order


async def _orders(street: Street) -> None:
    """交办: dispatched with a deadline in the same step, and a task for each of the departments."""
    await street.refused(
        "street", "MEETING_ITEM_UNDECIDED", "meetingClose", id=street.rows["meeting"]
    )
    pick = f"meetingItem {{ {ITEM} operation assignedDepartment {{ code }} }}"
    told = await street["street"].do("meetingDecide", pick, **street.orders)
    due = said(24, 17, 30)  # the fifth work day: the Sunday counts, the Saturday does not
    assert told.pop("operation") is not None
    assert told == {
        "id": street.rows["item"],
        "number": 1,
        "kind": "PROBLEM",
        "state": "OPEN",
        "isSolved": False,
        "carriedCount": 0,
        "event": {"id": street.rows["event"]},
        "decision": ORDER,
        "dueAt": due,
        "text": "",
        "assignedDepartment": {"code": "enforcement"},
    }
    event = await street["enforcer"].find(
        "query($id: ID!) { event(id: $id) { state stateDueAt warnAt openTasks"
        " ownedDepartment { code } assignedDepartment { code } } }",
        id=street.rows["event"],
    )
    unit = {"code": "enforcement"}
    assert event == {
        "state": "dispatched",
        "stateDueAt": due,
        "openTasks": 3,
        "warnAt": said(23, 16, 54),
        "ownedDepartment": unit,
        "assignedDepartment": unit,
    }
    later = {"id": street.rows["stall-item"], "reason": LATER}
    await street["street"].do("meetingCarry", "meetingItem { id }", **later)
    await street.time.settle()


async def _closed(street: Street) -> None:
    meeting = street.rows["meeting"]
    await street.none_may(
        """
        platform PERMISSION_DENIED
        leader PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("meetingClose",),
        id=meeting,
    )
    await street.time.turn(at(18, 15, 20))
    told = await street["street"].do("meetingClose", "meeting { state closedAt }", id=meeting)
    assert told == {"state": "CLOSED", "closedAt": said(18, 15, 20)}
    for mutation, given in (
        ("meetingDraw", {"id": meeting}),
        ("meetingHold", {"id": meeting}),
        ("meetingPut", {"id": meeting, "text": "补充"}),
        ("meetingDecide", street.orders),
        ("meetingCarry", {"id": street.rows["item"], "reason": "下周"}),
    ):
        await street.refused("street", "MEETING_CLOSED", mutation, **given)
    assert (await minutes(street, "visiting", meeting))["items"] == [
        [
            *("1", "问题", "20260917-000001 临街商铺违法加建", ORDER, "二七区城市管理执法局"),
            *("2026-09-24 17:30", "未解决，转下次会议"),
        ],
        ["2", "问题", "20260917-000002 夜市占道15", LATER, "", "", "未解决，转下次会议"],
        ["3", "通报", "淮河社区本周社情平稳", "", "", "", ""],
        ["4", "通报", "铭功路方向夜市外溢", "", "", "", ""],
    ]


async def minutes(street: Street, login: str, meeting: str) -> dict[str, list[list[str]]]:
    """The two tables of the minutes as a reader who may see them downloads them."""
    text = "query($id: ID!) { meeting(id: $id) { minutesUrl digest } }"
    told = await street[login].find(text, id=meeting)
    page = (await street[login].http.get(told["minutesUrl"])).text
    tables = [
        [re.findall(r"<td>(.*?)</td>", row) for row in table.split("</tr>")]
        for table in page.split("<table>")[1:]
    ]
    cells = [[[unescape(cell) for cell in row] for row in table if row] for table in tables]
    return dict(zip(("attendance", "items"), cells, strict=True))
