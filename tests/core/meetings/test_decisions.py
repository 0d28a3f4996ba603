"""Decisions: who does what until when, and what comes of it with the event."""

from tests.core.meetings.hall import Hall, refused
from tests.core.workforce.street import at


async def test_a_decision_dispatches_the_event_with_its_deadline(hall: Hall) -> None:
    hole = await hall.verified()
    await hall.plan()
    await hall.run("street-chief", "meeting.draw", (await hall.meetings())[0]["id"])
    item = (await hall.items((await hall.meetings())[0]["id"]))[0]["id"]
    decide = ("street-chief", "meeting.decide", item)
    await refused(hall, "MEETING_NOT_HELD", *decide, text="交办", department_code="roads")
    meeting = await hall.next_meeting()
    given = {"text": "城管限期修复", "department_code": "roads"}
    await refused(hall, "PERMISSION_DENIED", "west", "meeting.decide", item, **given)
    await refused(hall, "MEETING_DUE_TWICE", *decide, **given, due_at=at(9), work_days=2)
    await refused(hall, "MEETING_DUE_PAST", *decide, **given, due_at=at(1))
    await refused(hall, "TIME_WITHOUT_ZONE", *decide, **given, due_at=at(9).replace(tzinfo=None))
    await refused(hall, "EVENT_DEPARTMENT_UNKNOWN", *decide, text="交", department_code="none")
    await refused(hall, "EVENT_ACTION_NOT_ALLOWED", *decide, **given, action="close")
    joint = {"joint_departments": [hall.departments["water"]]}
    await refused(hall, "MEETING_JOINT_INCOMPLETE", *decide, **given, **joint)
    await hall.run(*decide, **given, work_days=2)
    event = await hall.event(hole)
    due = at(8, hours=8, minutes=30)  # Tuesday, when work ends
    assert (event["state"], event["assigned_department"]) == (
        "dispatched",
        hall.departments["roads"],
    )
    assert event["state_due_at"] == due
    steps = await hall.steps(hole)
    assert [(s["action"], s["note"]) for s in steps][-2:] == [
        ("dispatch", "城管限期修复"),
        ("meeting.decided", "城管限期修复"),
    ]
    (row,) = await hall.items(meeting)
    assert (row["due_at"], row["decided_by"], row["assigned_department"]) == (
        due,
        hall.people["street-chief"],
        hall.departments["roads"],
    )
    await refused(hall, "MEETING_ITEM_OF_EVENT", "street-chief", "meeting.solve", item, result="好")


async def test_a_decision_opens_a_joint_operation(hall: Hall) -> None:
    hole = await hall.verified()
    meeting = await hall.next_meeting()
    item = (await hall.items(meeting))[0]["id"]
    roads, water = hall.departments["roads"], hall.departments["water"]
    given = {
        "text": "联合查处",
        "department": roads,
        "joint_departments": [roads, water],
        "joint_lead": hall.people["roads-officer"],
        "joint_at": at(7),
    }
    decide = ("street-chief", "meeting.decide", item)
    # What the operation is refused for takes the dispatch back, too.
    wrong = {"joint_departments": [roads, roads]}
    await refused(hall, "TASK_DEPARTMENT_TWICE", *decide, **{**given, **wrong})
    await hall.run(*decide, **given)
    (row,) = await hall.items(meeting)
    (operation,) = await hall.fetch("SELECT * FROM core.joint_operation")
    assert (row["operation"], operation["decided_by"]) == (operation["id"], item)
    assert (operation["event"], operation["lead_department"]) == (hole, roads)
    tasks = await hall.fetch("SELECT department, due_at FROM core.event_task")
    assert {task["department"] for task in tasks} == {roads, water}
    assert {task["due_at"] for task in tasks} == {at(11, hours=8, minutes=30)}
    assert (await hall.event(hole))["state"] == "dispatched"


async def test_a_matter_without_an_event_has_somebody_and_a_limit_of_its_own(hall: Hall) -> None:
    meeting = await hall.next_meeting()
    put = ("street-chief", "meeting.put", meeting)
    item = (await hall.run(*put, kind="decision", text="统一制作宣传栏")).row_id
    report = (await hall.run(*put, kind="report", text="通报")).row_id
    decide = ("street-chief", "meeting.decide", item)
    await refused(hall, "MEETING_NOBODY", *decide, text="办")
    await refused(hall, "MEETING_ITEM_HEARD", "street-chief", "meeting.decide", report, text="办")
    roads = hall.departments["roads"]
    joint = {"joint_departments": [roads], "joint_lead": hall.people["west"], "joint_at": at(9)}
    await refused(hall, "MEETING_JOINT_EVENT", *decide, text="办", department=roads, **joint)
    solve = ("meeting.solve", item)
    await refused(hall, "MEETING_ITEM_UNDECIDED", "street-chief", *solve, result="已做")
    await hall.run(*decide, text="道路科办理", department=roads)
    (row, _) = await hall.items(meeting)
    assert row["due_at"] == at(11, hours=8, minutes=30)  # the series' five working days
    # The department sees its item, though it is not expected at the meeting.
    await refused(hall, "MEETING_ITEM_OF_OTHERS", "west", *solve, result="已做")
    await hall.close(meeting)
    hall.clock.forward(hours=1)
    await hall.run("mender", *solve, result="已做好")
    await refused(hall, "MEETING_ITEM_SOLVED", "mender", *solve, result="再做")
    second = await hall.next_meeting()
    (again,) = await hall.items(second)
    told = (again["kind"], again["state"], again["result"], again["carried_from"])
    assert told == ("carried", "solved", "已做好", item)
    await refused(
        hall, "MEETING_ITEM_SOLVED", "street-chief", "meeting.decide", again["id"], text="x"
    )
    await hall.close(second)
    assert await hall.items(await hall.next_meeting()) == []
