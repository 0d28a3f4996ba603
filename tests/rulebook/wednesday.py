"""Wednesday and Thursday: the chief is back; the answer, the check, the strike-off with proof."""

import io
import zipfile

from tests.rulebook.clockwork import at, said
from tests.rulebook.people import HUAIHE, PEOPLE, STREET
from tests.rulebook.street import Street

TOOK = "action fromState toState actorName actedForName at dueAt wasLate"
STRUCK_OFF = {
    "编号": "20260917-000001",
    "问题": "临街商铺违法加建",
    "类别": "违法加建",
    "地点": "淮河社区第01网格",
    "状态": "销号",
    "负责单位": "二七区城市管理执法局",
    "发现人": PEOPLE["grid"].name,
    "报告人": PEOPLE["grid"].name,
    "负责人": "",
    "解决人": PEOPLE["enforcer"].name,
    "督查人": PEOPLE["leader"].name,
    "报告时间": "2026-09-17 09:10",
    "办理时限": "2026-10-21 17:30",
    "结案时间": "2026-09-24 09:05",
    "处置前证据数": "1",
    "处置后证据数": "4",
    "销号时间": "2026-09-24 09:05",
    "销号人": PEOPLE["grid"].name,
}
"""The row of the ledger, without its links."""


async def wednesday(street: Street) -> None:
    """Both days."""
    await _the_last_minute(street)
    await street.time.turn(at(23, 0))
    await _back_again(street)
    await street.time.turn(at(23, 9))
    await _solved(street)
    await street.time.turn(at(23, 15))
    await _checked(street)
    await street.time.turn(at(24, 9, 5))
    await _struck_off(street)
    await _five_actors(street)
    await _ledger(street)


async def _the_last_minute(street: Street) -> None:
    await street.time.turn(at(22, 23, 59))
    assert {row["id"] for row in await street["far-chief"].rows("events", "id")} >= {
        street.rows["event"]
    }
    await street.refused("chief", "LEAVE_STILL_RUNNING", "leaveClose", id=street.rows["leave"])
    await street["far-chief"].do(
        "eventAcknowledge", "eventReportUp { id }", id=street.rows["late-report"]
    )


async def _back_again(street: Street) -> None:
    """With the first instant after it the substitute has nothing left of it."""
    assert await street["far-chief"].rows("events", "id") == []
    comment = {"id": street.rows["event"], "note": "再看一眼"}
    await street.refused("far-chief", "ROW_NOT_FOUND", "eventComment", **comment)
    wanted = {
        "kind": "sick",
        "endsAt": at(24, 0).isoformat(),
        "substituteId": street["far-chief"].id,
    }
    await street.refused("chief", "LEAVE_UNCLOSED", "leaveRequest", **wanted)
    leave = street.rows["leave"]
    await street.none_may(
        """
        far-chief LEAVE_NOT_ONES_OWN
        grid ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("leaveClose",),
        id=leave,
    )
    told = await street["chief"].do("leaveClose", "leave { state closedAt }", id=leave)
    assert told == {"state": "CLOSED", "closedAt": said(23, 0)}
    await street.refused("chief", "LEAVE_STATE", "leaveClose", id=leave)


async def _solved(street: Street) -> None:
    """反馈: the leading department answers for all of it, with a picture of afterwards."""
    event, brought = street.rows["event"], await street["enforcer"].evidence()
    done = {"id": event, "action": "handle", "note": "违建拆除，停业整改", "evidence": brought}
    await street.none_may(
        """
        commerce EVENT_NOT_ASSIGNED
        grid EVENT_NOT_ASSIGNED
        chief EVENT_NOT_ASSIGNED
        leader PERMISSION_DENIED
        visiting PERMISSION_DENIED
        far-chief ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        trainee EVENT_EVIDENCE_UNKNOWN
        """,
        *("eventAct",),
        **done,
    )
    bare = {"id": event, "action": "handle"}
    await street.refused("enforcer", "EVENT_PHOTO_REQUIRED", "eventAct", **bare, note="已拆")
    await street.refused("enforcer", "EVENT_NOTE_REQUIRED", "eventAct", **bare, evidence=brought)
    used = [{"id": street.rows["proof"], "phase": "AFTER"}]
    again = {**done, "evidence": used}
    await street.refused("enforcer", "EVENT_EVIDENCE_USED", "eventAct", **again)
    told = await street["enforcer"].do("eventAct", "event { state stateDueAt }", **done)
    assert told == {"state": "handled", "stateDueAt": said(24, 17, 30)}
    (heard,) = await street["grid"].rows(
        'notifications(filter: { code: { eq: "EVENT_SOLVED" } })', "text"
    )
    assert heard == {"text": "事件 20260917-000001 已解决"}


async def _checked(street: Street) -> None:
    event, note = street.rows["event"], {"note": "现场复查属实"}
    check = {"id": event, "action": "check"}
    await street.none_may(
        """
        enforcer PERMISSION_DENIED
        grid PERMISSION_DENIED
        chief PERMISSION_DENIED
        other-platform ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventAct",),
        **{**check, **note},
    )
    await street.refused("leader", "EVENT_NOTE_REQUIRED", "eventAct", **check)
    await street.refused("grid", "EVENT_ACTION_NOT_ALLOWED", "eventAct", id=event, action="close")
    pick = "event { state stateDueAt assignedAccount { id } availableActions }"
    told = await street["leader"].do("eventAct", pick, **check, **note)
    assert told == {
        "state": "checked",
        "stateDueAt": said(24, 17, 30),
        "availableActions": [],
        "assignedAccount": {"id": street["grid"].id},
    }
    await street.time.settle()
    assert [row["id"] for row in await street["grid"].rows("myQueue", "id")] == [event]


async def _struck_off(street: Street) -> None:
    """销号 by who reported it; a second time there is nothing to strike off."""
    close = {"id": street.rows["event"], "action": "close"}
    await street.none_may(
        """
        enforcer PERMISSION_DENIED
        leader PERMISSION_DENIED
        platform PERMISSION_DENIED
        second-grid ROW_NOT_FOUND
        far-chief ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventAct",),
        **close,
    )
    pick = "event { state isFinal closedAt stateDueAt returns openTasks availableActions }"
    told = await street["grid"].do("eventAct", pick, **close)
    assert told == {
        "state": "closed",
        "isFinal": True,
        "closedAt": said(24, 9, 5),
        "stateDueAt": None,
        "returns": 0,
        "openTasks": 0,
        "availableActions": [],
    }
    await street.refused("grid", "EVENT_ACTION_NOT_ALLOWED", "eventAct", **close)
    task = {"title": "补拆", "departmentCode": "enforcement", "limit": {"amount": 1}}
    await street.refused(
        "street", "TASK_EVENT_ENDED", "eventTaskOpen", id=street.rows["event"], **task
    )


async def _five_actors(street: Street) -> None:
    """五有: found, reported, owned, solved, checked; and the whole way on the timeline."""
    event = await street["street"].find(
        "query($id: ID!) { event(id: $id) { foundBy { name } reporter { name } ownedBy { name }"
        " ownedDepartment { code } solvedBy { name } checkedBy { name } firstReceiver { name } } }",
        id=street.rows["event"],
    )
    grid, enforcer = {"name": street.name("grid")}, {"name": street.name("enforcer")}
    assert event == {
        "foundBy": grid,
        "reporter": grid,
        "ownedBy": None,
        "solvedBy": enforcer,
        "ownedDepartment": {"code": "enforcement"},
        "checkedBy": {"name": street.name("leader")},
        "firstReceiver": None,
    }
    assert await street["street"].rows("eventsLackingActors", "id") == []
    await _the_whole_way(street)


async def _the_whole_way(street: Street) -> None:
    steps = await street["grid"].rows(
        f'eventSteps(filter: {{ event: {{ eq: "{street.rows["event"]}" }} }},'
        " orderBy: [{ field: SEQUENCE, direction: ASC }])",
        TOOK,
    )
    assert [(row["action"], row["actorName"]) for row in steps] == [
        ("report", street.name("grid")),
        ("report_up", street.name("grid")),
        ("file", street.name("platform")),
        ("dispatch", street.name("street")),
        ("meeting.decided", street.name("street")),
        ("joint.planned", street.name("street")),
        *[("task.opened", street.name("street"))] * 3,
        ("join", street.name("far-chief")),
        *[("task.accepted", street.name(one)) for one in ("enforcer", "commerce", "food")],
        ("task.time_asked", street.name("enforcer")),
        ("task.extended", street.name("far-chief")),
        *[("task.done", street.name(one)) for one in ("enforcer", "commerce")],
        ("task.handed_over", street.name("food")),
        ("task.opened", street.name("food")),
        ("task.accepted", street.name("safety")),
        ("task.returned", street.name("safety")),
        ("task.reopened", street.name("far-chief")),
        ("task.accepted", street.name("safety")),
        ("task.done", street.name("safety")),
        ("joint.done", street.name("safety")),
        ("handle", street.name("enforcer")),
        ("check", street.name("leader")),
        ("close", street.name("grid")),
    ]
    assert not any(row["wasLate"] for row in steps)


async def _ledger(street: Street) -> None:
    """问题台账: generated of what is there; evidence of before and after stays (保留)."""
    text = (
        'query($id: ID!) { ledgerPage(ledger: "problems", placeId: $id) { headings cells title } }'
    )
    await street["chief"].ready()
    (error,) = (await street["chief"].ask(text, id=street.places[STREET]))["errors"]
    assert error["extensions"]["code"] == "PLACE_NOT_FOUND"  # above the chief's own
    page = await street["chief"].find(text, id=street.places[HUAIHE])
    width = len(page["headings"])
    rows = [page["cells"][at : at + width] for at in range(0, len(page["cells"]), width)]
    (row,) = [row for row in rows if row[0] == "20260917-000001"]
    told = dict(zip(page["headings"], row, strict=True))
    links = [told.pop(name).split() for name in ("处置前证据", "处置后证据")]
    assert [len(each) for each in links] == [1, 4]
    for link in (*links[0], *links[1]):
        assert (await street["chief"].http.get(link)).status_code == 200
    assert told == STRUCK_OFF
    await _sheet(street)


async def _sheet(street: Street) -> None:
    """The same as a sheet, for whoever may take it along."""
    wanted = {"ledger": "problems", "placeId": street.places[HUAIHE]}
    await street.none_may(
        """
        grid PERMISSION_DENIED
        leader PERMISSION_DENIED
        auditor PERMISSION_DENIED
        far-chief PLACE_NOT_FOUND
        stranger PLACE_NOT_FOUND
        """,
        *("ledgerRequest",),
        **wanted,
    )
    chief = street["chief"]
    await street.refused("chief", "LEDGER_UNKNOWN", "ledgerRequest", **{**wanted, "ledger": "x"})
    sheet = (await chief.do("ledgerRequest", "ledgerSheet { id }", **wanted))["id"]
    told = await chief.do("ledgerExport", "ledgerSheet { rows url }", id=sheet)
    assert told["rows"] == 8
    with zipfile.ZipFile(io.BytesIO((await chief.http.get(told["url"])).content)) as book:
        words = "".join(book.read(name).decode() for name in book.namelist())
    assert all(word in words for word in ("问题台账", "20260917-000001", street.name("enforcer")))
