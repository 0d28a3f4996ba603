"""Monday and Tuesday: the departments enforce together, each with its own proof; one hands over."""

from typing import Any

from tests.rulebook.clockwork import at, said
from tests.rulebook.street import Street
from tests.rulebook.weekend import TASK


async def monday(street: Street) -> None:
    """Both days."""
    await street.time.turn(at(21, 9))
    await _not_solved_yet(street)
    await _more_time(street)
    await _proof(street)
    await street.time.turn(at(21, 10, 30))
    await _handed_over(street)
    await street.time.turn(at(22, 9))
    await _the_last_one(street)


async def _not_solved_yet(street: Street) -> None:
    """The event waits for all (子任务)."""
    event, brought = street.rows["event"], await street["enforcer"].evidence()
    done = {"id": event, "action": "handle", "note": "已拆除", "evidence": brought}
    await street.refused("enforcer", "EVENT_GUARD_TASKS", "eventAct", **done)
    await street.refused("street", "EVENT_ACTION_NOT_ALLOWED", "eventAct", id=event, action="close")
    street.rows["proof"] = brought[0]["id"]


async def _more_time(street: Street) -> None:
    """Who works on a task asks for more time; who leads decides."""
    task = street.rows["task-enforcer"]
    asked = {"id": task, "reason": "住户需搬离", "limit": {"amount": 6, "unit": "WORK_DAY"}}
    short = {**asked, "limit": {"amount": 1, "unit": "WORK_DAY"}}
    await street.none_may(
        """
        trainee TASK_NOT_YOURS
        commerce TASK_NOT_YOURS
        leader PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("eventTaskAskTime",),
        **asked,
    )
    await street.refused("enforcer", "TASK_EXTENDED_BACKWARDS", "eventTaskAskTime", **short)
    await street["enforcer"].do("eventTaskAskTime", "eventTask { id }", **asked)
    await street.refused("enforcer", "TASK_TIME_WAITS", "eventTaskAskTime", **asked)
    granted = {"id": task, "reason": "同意", "limit": {"amount": 5, "unit": "WORK_DAY"}}
    await street.none_may(
        """
        enforcer PERMISSION_DENIED
        grid PERMISSION_DENIED
        far-grid PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("eventTaskExtend",),
        **granted,
    )
    pick = "eventTask { dueAt extendedCount askedReason }"
    told = await street["far-chief"].do("eventTaskExtend", pick, **granted)
    assert told == {"dueAt": said(29, 17, 30), "extendedCount": 1, "askedReason": ""}
    refuse = {"id": task, "reason": "已延"}
    await street.refused("far-chief", "TASK_TIME_NOT_ASKED", "eventTaskRefuseTime", **refuse)


async def _proof(street: Street) -> None:
    """A task that asks for a picture is not done without one of one's own."""
    mine = {"id": street.rows["proof"], "phase": "AFTER"}
    task = {"id": street.rows["task-enforcer"], "result": "二层加建已拆除"}
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("enforcer", "EVENT_PHOTO_REQUIRED", {}),
        ("enforcer", "EVENT_PHOTO_REQUIRED", {"evidence": [{**mine, "phase": "BEFORE"}]}),
        ("enforcer", "INPUT_INVALID", {"result": " ", "evidence": [mine]}),
        ("trainee", "TASK_NOT_YOURS", {"evidence": [mine]}),
        ("commerce", "TASK_NOT_YOURS", {"evidence": [mine]}),
        ("stranger", "ROW_NOT_FOUND", {}),
    ]
    for login, code, change in wrong:
        await street.refused(login, code, "eventTaskComplete", **{**task, **change})
    other = {"id": street.rows["task-commerce"], "result": "责令停业", "evidence": [mine]}
    await street.refused("commerce", "EVENT_EVIDENCE_UNKNOWN", "eventTaskComplete", **other)
    pick = "eventTask { state event { openTasks } }"
    told = await street["enforcer"].do("eventTaskComplete", pick, **task, evidence=[mine])
    assert told == {"state": "DONE", "event": {"openTasks": 2}}
    again = {**task, "evidence": [mine]}
    await street.refused("enforcer", "TASK_STATE", "eventTaskComplete", **again)
    other["evidence"] = await street["commerce"].evidence()
    told = await street["commerce"].do("eventTaskComplete", pick, **other)
    assert told == {"state": "DONE", "event": {"openTasks": 1}}


async def _handed_over(street: Street) -> None:
    """五：发现违法行为超出本单位的查处职能范围时，应立即与相关区直单位取得联系."""
    task = street.rows["task-food"]
    hand = {"id": task, "departmentCode": "work-safety", "reason": "液化气瓶间，属安监职能"}
    wrong: list[tuple[str, str, dict[str, Any]]] = [
        ("commerce", "TASK_NOT_YOURS", {}),
        ("leader", "PERMISSION_DENIED", {}),
        ("stranger", "ROW_NOT_FOUND", {}),
        ("food", "TASK_DEPARTMENT_SAME", {"departmentCode": "food-drug"}),
        ("food", "TASK_DEPARTMENT_UNKNOWN", {"departmentCode": "nowhere"}),
        ("food", "INPUT_INVALID", {"reason": ""}),
    ]
    for login, code, change in wrong:
        await street.refused(login, code, "eventTaskHandOver", **{**hand, **change})
    pick = f"eventTask {{ state handedTo {{ {TASK} }} event {{ openTasks }} }}"
    told = await street["food"].do("eventTaskHandOver", pick, **hand)
    new = told["handedTo"]
    street.rows["task-safety"] = new.pop("id")
    assert (told["state"], told["event"]) == ("HANDED_OVER", {"openTasks": 1})
    assert new == {
        "title": street.orders["text"],
        "state": "OPEN",
        "dueAt": said(29, 17, 30),
        "certificateKind": "enforcement",
        "asksEvidence": True,
        "availableActions": [],
        "department": {"code": "work-safety"},
    }
    await street.refused("food", "TASK_STATE", "eventTaskHandOver", **hand)
    await street.refused("food", "TASK_NOT_YOURS", "eventTaskAccept", id=street.rows["task-safety"])
    await street["safety"].do(
        "eventTaskAccept", "eventTask { state }", id=street.rows["task-safety"]
    )
    await _returned_and_given_again(street)


async def _returned_and_given_again(street: Street) -> None:
    """A task that is sent back waits for who decides on it; that one is told."""
    task = street.rows["task-safety"]
    back = {"id": task, "reason": "缺检测设备"}
    await street.refused("safety", "INPUT_INVALID", "eventTaskReturn", id=task, reason="")
    told = await street["safety"].do("eventTaskReturn", "eventTask { state returns }", **back)
    assert told == {"state": "RETURNED", "returns": 1}
    field = 'notifications(filter: { code: { eq: "TASK_RETURNED" } })'
    for login in ("far-chief", "street"):
        (told,) = await street[login].rows(field, "text")
        assert told == {"text": "事件 20260917-000001 的一项任务被退回，请处理"}
    assert await street["chief"].rows(field, "id") == []
    again = {"id": task, "reason": "设备由街道协调"}
    await street.none_may(
        """
        safety PERMISSION_DENIED
        grid PERMISSION_DENIED
        far-grid PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("eventTaskReopen",),
        **again,
    )
    await street["far-chief"].do("eventTaskReopen", "eventTask { state }", **again)
    await street["safety"].do("eventTaskAccept", "eventTask { state }", id=task)


async def _the_last_one(street: Street) -> None:
    """With the last task the operation ends, and who goes on with the event is told."""
    done = {"id": street.rows["task-safety"], "result": "气瓶已清运"}
    brought = await street["safety"].evidence()
    pick = "eventTask { state operation { state endedAt } event { openTasks state } }"
    told = await street["safety"].do("eventTaskComplete", pick, **done, evidence=brought)
    assert told == {
        "state": "DONE",
        "operation": {"state": "DONE", "endedAt": said(22, 9)},
        "event": {"openTasks": 0, "state": "joint"},
    }
    field = 'notifications(filter: { code: { eq: "EVENT_TASKS_DONE" } })'
    for login in ("enforcer", "trainee", "desk"):
        (row,) = await street[login].rows(field, "text")
        assert row == {"text": "事件 20260917-000001 的子任务已全部了结，可继续办理"}
