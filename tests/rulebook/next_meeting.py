"""The next meeting (二次通报): it would be on the holiday, and reads what the last one ordered."""

from typing import Any

from tests.rulebook.clockwork import at, said
from tests.rulebook.meeting import agenda, minutes
from tests.rulebook.street import Street

AGAIN = "夜市整治：两个工作日内清理"


async def next_meeting(street: Street) -> None:
    """Monday, the first work day after the Mid-Autumn Festival."""
    await street.time.turn(at(28, 14))
    await _what_is_read(street)
    await street.time.turn(at(28, 14, 30))
    await _decided(street)
    await _supervised(street)
    await _more_time_for_the_stall(street)
    await street.time.turn(at(28, 15, 10))
    await _closed(street)
    await _read_by_nobody_else(street)
    await _audited(street)


async def _what_is_read(street: Street) -> None:
    meetings = await street["platform"].rows(
        "meetings(filter: { state: { eq: PLANNED } })", "id plannedAt occasion"
    )
    (meeting,) = meetings
    street.rows["second"] = meeting.pop("id")
    assert meeting == {"plannedAt": said(28, 14, 30), "occasion": "2026-09-25"}
    await street["platform"].do("meetingDraw", "meeting { id }", id=street.rows["second"])
    items = await agenda(street, "platform", street.rows["second"])
    read = [(row["number"], row["kind"], row["isSolved"], row["carriedCount"]) for row in items]
    assert read == [(1, "CARRIED", True, 1), (2, "CARRIED", False, 1), (3, "PROBLEM", False, 0)]
    assert [row["event"]["id"] for row in items][:2] == [
        street.rows["event"],
        street.rows["stall-15"],
    ]
    street.rows |= {f"read-{row['number']}": row["id"] for row in items}
    await street["street"].do("meetingHold", "meeting { id }", id=street.rows["second"])


async def _decided(street: Street) -> None:
    """What is closed is only read; what is unsolved again the chair takes over (亲自督办)."""
    solved, stall = street.rows["read-1"], street.rows["read-2"]
    order = {"id": stall, "text": AGAIN, "departmentCode": "enforcement", "workDays": 2}
    await street.refused(
        "street", "MEETING_EVENT_CLOSED", "meetingDecide", **{**order, "id": solved}
    )
    await street.refused("street", "MEETING_ITEM_SOLVED", "meetingCarry", id=solved, reason="x")
    await street.refused("street", "MEETING_ITEM_SOLVED", "meetingSupervise", id=solved)
    told = await street["street"].do("meetingDecide", "meetingItem { dueAt }", **order)
    assert told == {"dueAt": said(30, 17, 30)}
    later = {"id": street.rows["read-3"], "reason": "待双报告签收"}
    await street["street"].do("meetingCarry", "meetingItem { id }", **later)
    close = {"id": street.rows["second"]}
    await street.refused("street", "MEETING_ITEM_UNSUPERVISED", "meetingClose", **close)
    await street.none_may(
        """
        platform PERMISSION_DENIED
        leader PERMISSION_DENIED
        other-platform PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("meetingSupervise",),
        id=stall,
    )
    pick = "meetingItem { supervisedBy { name } }"
    told = await street["street"].do("meetingSupervise", pick, id=stall)
    assert told == {"supervisedBy": {"name": street.name("street")}}


async def _supervised(street: Street) -> None:
    """督办: who works on it answers, once."""
    asked = {"id": street.rows["stall-15"], "reason": "两周未决"}
    await street.none_may(
        """
        chief PERMISSION_DENIED
        leader PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("eventSupervise",),
        **asked,
    )
    past = {**asked, "dueAt": at(28, 9).isoformat()}
    await street.refused("street", "EVENT_SUPERVISION_DUE", "eventSupervise", **past)
    due = at(29, 12).isoformat()
    told = await street["street"].do(
        "eventSupervise", "supervision { id dueAt }", **asked, dueAt=due
    )
    assert told["dueAt"] == said(29, 12)
    answer = {"id": told["id"], "answer": "今晚联合清理"}
    await street.none_may(
        """
        grid ROW_NOT_FOUND
        second-grid EVENT_NOT_YOURS
        chief EVENT_NOT_YOURS
        stranger ROW_NOT_FOUND
        """,
        *("eventAnswer",),
        **answer,
    )
    await street["enforcer"].do("eventAnswer", "supervision { id }", **answer)
    await street.refused("enforcer", "EVENT_SUPERVISION_ANSWERED", "eventAnswer", **answer)


async def _more_time_for_the_stall(street: Street) -> None:
    """延期: asked for by who works on it, granted by another, counted over the National Day."""
    stall = street.rows["stall-15"]
    asked: dict[str, Any] = {"id": stall, "amount": 2, "unit": "WORK_DAY", "reason": "节前警力不足"}
    await street.none_may(
        """
        chief EVENT_NOT_YOURS
        street EVENT_NOT_YOURS
        stranger ROW_NOT_FOUND
        """,
        *("eventAskExtension",),
        **asked,
    )
    long = {**asked, "amount": 6}
    await street.refused("enforcer", "EVENT_EXTENSION_LONGEST", "eventAskExtension", **long)
    told = await street["enforcer"].do("eventAskExtension", "deadlineExtension { id }", **asked)
    await street.refused("enforcer", "EVENT_EXTENSION_WAITS", "eventAskExtension", **asked)
    grant = {"id": told["id"], "isGranted": True}
    await street.none_may(
        """
        enforcer PERMISSION_DENIED
        platform PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("eventDecideExtension",),
        **grant,
    )
    pick = "deadlineExtension { dueBefore dueAfter }"
    told = await street["street"].do("eventDecideExtension", pick, **grant)
    assert told == {"dueBefore": said(30, 17, 30), "dueAfter": said(9, 17, 30, 10)}
    await street.refused("street", "EVENT_EXTENSION_DECIDED", "eventDecideExtension", **grant)


async def _closed(street: Street) -> None:
    await street["street"].do("meetingClose", "meeting { id }", id=street.rows["second"])
    unit = "二七区城市管理执法局"
    assert (await minutes(street, "leader", street.rows["second"]))["items"] == [
        [
            *("1", "二次通报", "20260917-000001 临街商铺违法加建", "", unit),
            *("2026-09-24 17:30", "已解决; 已转 1 次会议"),
        ],
        [
            *("2", "二次通报", "20260917-000002 夜市占道15", AGAIN, unit, "2026-09-30 17:30"),
            "未解决，转下次会议; 已转 1 次会议; 由一级长亲自督办",
        ],
        [
            *("3", "问题", "20260920-000001 违规店招", "待双报告签收", "", ""),
            "未解决，转下次会议",
        ],
    ]


async def _read_by_nobody_else(street: Street) -> None:
    """Who has to do with nothing of it reads nothing of it, and an inbox is its owner's own."""
    for kind, row in (("event", "event"), ("meeting", "second"), ("eventTask", "task-enforcer")):
        text = f"query($id: ID!) {{ {kind}(id: $id) {{ id }} }}"
        for login in ("far-grid", "far-chief", "other-platform", "stranger"):
            if kind != "meeting" or login in ("other-platform", "stranger"):
                assert await street[login].find(text, id=street.rows[row]) is None, (login, kind)
    (letter, *_) = await street["grid"].rows("notifications", "id")
    await street.none_may(
        """
        chief ROW_NOT_FOUND
        admin PERMISSION_DENIED
        stranger PERMISSION_DENIED
        """,
        *("notificationRead",),
        id=letter["id"],
    )
    assert (await street["grid"].find("{ unreadNotifications { count } }"))["count"] > 3
    await street["grid"].do("notificationReadAll")
    assert await street["grid"].find("{ unreadNotifications { count isMore } }") == {
        "count": 0,
        "isMore": False,
    }


async def _audited(street: Street) -> None:
    """What the substitute did says for whom."""
    field = 'auditEntries(filter: { command: { eq: "event.task.extend" } })'
    (entry,) = await street["auditor"].rows(field, "actorName changes")
    assert entry["actorName"] == street.name("far-chief")
    assert "covered_by" in str(entry["changes"])
