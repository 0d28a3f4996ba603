"""Friday: one letter about the night, a leave with its substitute, the weekly meeting's orders."""

from typing import Any

from tests.rulebook.clockwork import at, said
from tests.rulebook.street import Street

NIGHT = (15, 22, 31, 40)
LEAVE = {"kind": "personal", "beginsAt": at(20, 0).isoformat(), "endsAt": at(23, 0).isoformat()}
ORDER = "拆除违建、取缔无照经营、查处餐馆卫生，二级网格长牵头"


async def friday(street: Street) -> None:
    """The day."""
    await street.time.turn(at(18, 8, 40))
    _one_letter_about_the_night(street)
    await _stalls_are_one(street)
    await _leave_is_asked_for(street)
    await _leave_is_approved(street)


def _one_letter_about_the_night(street: Street) -> None:
    """What came in quiet hours leaves together when they end."""
    lines = [f"事件 20260917-00000{number} 已向您报告，请确认收到" for number in range(1, 6)]
    at_night = "\n".join(["您有 4 条工作通知", *lines[1:]])
    invited = "您应参加 2026-09-18 14:30 的例会"
    for login, more in (("platform", []), ("chief", [(at(18, 8, 30), invited, invited)])):
        assert [letter[1:] for letter in street.letters if letter.login == login] == [
            (at(17, 9, 30), lines[0], lines[0]),
            (at(18, 7, 30), "您有 4 条工作通知", at_night),
            *more,
        ]


async def _stalls_are_one(street: Street) -> None:
    """The four reports say the same: the platform merges them (合并); both timelines tell of it."""
    first, *others = (street.rows[f"stall-{minute}"] for minute in NIGHT)
    for login in ("platform", "chief", "enforcer", "visiting"):
        waiting = await street[login].rows("reportsWaiting", "id")
        assert len(waiting) == 4, login
        for row in waiting:
            await street[login].do("eventAcknowledge", "eventReportUp { id }", id=row["id"])
    merge = {"into": first, "reason": "同一处夜市"}
    await street.none_may(
        """
        second-grid PERMISSION_DENIED
        street PERMISSION_DENIED
        far-chief PERMISSION_DENIED
        other-platform ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventMerge",),
        **{"id": others[0], **merge},
    )
    for other in others:
        pick = "event { state mergedInto { id } }"
        told = await street["platform"].do("eventMerge", pick, id=other, **merge)
        assert told == {"state": "cancelled", "mergedInto": {"id": first}}
        await street.refused("platform", "EVENT_IS_CLOSED", "eventMerge", id=other, **merge)
    pick = "event { state stateDueAt assignedDepartment { code } }"
    told = await street["platform"].do("eventAct", pick, id=first, action="file")
    due = said(20, 17, 30)  # the Sunday is worked on
    assert told == {
        "state": "filed",
        "stateDueAt": due,
        "assignedDepartment": {"code": "enforcement"},
    }


async def _leave_is_asked_for(street: Street) -> None:
    """提前请假，先行指定接替人员: nothing changes before it is approved."""
    far = street["far-chief"].id
    asked = {**LEAVE, "substituteId": far, "reason": "家中有事"}
    own, none = street["chief"].id, {**LEAVE, "reason": "家中有事"}
    refusals: list[tuple[str, str, dict[str, Any]]] = [
        ("chief", "LEAVE_SUBSTITUTE_MISSING", none),
        ("chief", "LEAVE_SUBSTITUTE_SELF", {**asked, "substituteId": own}),
        ("chief", "LEAVE_KIND_UNKNOWN", {**asked, "kind": "sabbatical"}),
        ("chief", "LEAVE_TOO_LATE", {**asked, "beginsAt": at(19, 0).isoformat()}),
        ("chief", "LEAVE_INTERVAL", {**asked, "endsAt": at(19, 0).isoformat()}),
        ("chief", "LEAVE_PAST", {**asked, "beginsAt": at(17, 0).isoformat()}),
        ("grid", "PERMISSION_DENIED", {**asked, "accountId": own}),
        ("auditor", "PERMISSION_DENIED", asked),
        ("stranger", "LEAVE_KIND_UNKNOWN", asked),
    ]
    for login, code, given in refusals:
        await street.refused(login, code, "leaveRequest", **given)
    pick = "leave { id state isCoveringNow substitute { name } }"
    told = await street["chief"].do("leaveRequest", pick, **asked)
    street.rows["leave"] = told.pop("id")
    assert told == {
        "state": "REQUESTED",
        "isCoveringNow": False,
        "substitute": {"name": street.name("far-chief")},
    }
    assert await told_of_leave(street, "leader") == ["LEAVE_REQUESTED"]
    await street.refused("chief", "LEAVE_OVERLAPS", "leaveRequest", **asked)
    away = {**LEAVE, "substituteId": own}
    await street.refused("far-chief", "LEAVE_WHILE_COVERING", "leaveRequest", **away)


async def _leave_is_approved(street: Street) -> None:
    """By the leader whom the package names (全部由街道网格化主管领导批准), and nobody else."""
    await street.none_may(
        """
        chief PERMISSION_DENIED
        far-chief PERMISSION_DENIED
        street PERMISSION_DENIED
        office LEAVE_NOT_APPROVER
        other-platform PERMISSION_DENIED
        stranger ROW_NOT_FOUND
        """,
        *("leaveApprove",),
        id=street.rows["leave"],
    )
    pick = "leave { state approver { name } }"
    told = await street["leader"].do("leaveApprove", pick, id=street.rows["leave"], note="同意")
    assert told == {"state": "APPROVED", "approver": {"name": street.name("leader")}}
    for login, code in (
        ("chief", "LEAVE_APPROVED"),
        ("far-chief", "LEAVE_COVERING"),
        ("platform", "LEAVE_ANNOUNCED"),
    ):
        assert await told_of_leave(street, login) == [code]
    await street.refused("leader", "LEAVE_STATE", "leaveApprove", id=street.rows["leave"])
    await street.refused("leader", "LEAVE_STATE", "leaveRefuse", id=street.rows["leave"], note="x")
    await street.refused("chief", "LEAVE_NOT_RUNNING", "leaveEnd", id=street.rows["leave"])
    await street.refused("chief", "LEAVE_STILL_RUNNING", "leaveClose", id=street.rows["leave"])
    await street.time.settle()


async def told_of_leave(street: Street, login: str) -> list[str]:
    """The codes of what a person's inbox says of leaves."""
    rows = await street[login].rows("notifications", "code about { __typename }")
    return [row["code"] for row in rows if row["about"] == {"__typename": "Leave"}]
