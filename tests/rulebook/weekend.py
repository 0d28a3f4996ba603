"""The weekend: a Saturday off, a Sunday that is worked, and a substitute from midnight on."""

from tests.rulebook.clockwork import at, said
from tests.rulebook.people import SECOND_GRID
from tests.rulebook.street import Street

TASK = "id title state dueAt certificateKind asksEvidence availableActions department { code }"
JOIN = {"action": "join", "note": "二级网格长组织，三部门到场"}


async def weekend(street: Street) -> None:
    """Both days."""
    await street.time.turn(at(19, 23, 59))
    await _not_yet(street)
    await street.time.turn(at(20, 0))
    await _from_midnight_on(street)
    await street.time.turn(at(20, 8, 45))
    await _begun_by_the_substitute(street)
    await _accepted_with_certificates(street)
    await street.time.turn(at(20, 17, 35))
    await _the_ladder_finds_the_substitute(street)


async def _not_yet(street: Street) -> None:
    """One minute before the leave the substitute is a stranger in the community."""
    event = street.rows["event"]
    await street.refused("far-chief", "ROW_NOT_FOUND", "eventAct", id=event, **JOIN)
    assert await street["far-chief"].rows("events", "id") == []
    (leave,) = await street["far-chief"].rows("leaves", "state isCoveringNow")
    assert leave == {"state": "APPROVED", "isCoveringNow": False}


async def _from_midnight_on(street: Street) -> None:
    """Queue and scope come with the posts, for exactly this interval."""
    seen = {row["id"] for row in await street["far-chief"].rows("events", "id")}
    assert {street.rows["event"], street.rows["stall-15"]} <= seen
    posts = await street["far-chief"].find(
        "{ me { posts { edges { node { place { code } covers { id } validFrom validTo } } } } }"
    )
    covered = [one["node"] for one in posts["posts"]["edges"] if one["node"]["covers"]]
    assert covered == [
        {
            "place": {"code": "410103001001"},
            "covers": {"id": street.rows["leave"]},
            "validFrom": said(20, 0),
            "validTo": said(23, 0),
        }
    ]


async def _begun_by_the_substitute(street: Street) -> None:
    event = street.rows["event"]
    await street.none_may(
        """
        grid PERMISSION_DENIED
        enforcer PERMISSION_DENIED
        leader PERMISSION_DENIED
        platform EVENT_GUARD_POST
        office EVENT_GUARD_POST
        far-grid ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventAct",),
        **{"id": event, **JOIN},
    )
    await street.refused("far-chief", "EVENT_NOTE_REQUIRED", "eventAct", id=event, action="join")
    told = await street["far-chief"].do(
        *("eventAct", "event { state stateDueAt openTasks }"), **{"id": event, **JOIN}
    )
    assert told == {"state": "joint", "stateDueAt": said(23, 17, 30, 10), "openTasks": 3}
    (step,) = await street["chief"].rows(
        'eventSteps(filter: { action: { eq: "join" } })', "actorName actedForName"
    )
    assert step == {"actorName": street.name("far-chief"), "actedForName": street.name("chief")}
    (operation,) = await street["far-chief"].rows(
        "jointOperations",
        "title plannedAt certificateKind state lead { name } leadDepartment { code }",
    )
    assert operation == {
        "title": street.orders["text"],
        "plannedAt": said(21, 9),
        "state": "PLANNED",
        "certificateKind": "enforcement",
        "lead": {"name": street.name("chief")},
        "leadDepartment": {"code": "enforcement"},
    }


async def _accepted_with_certificates(street: Street) -> None:
    """联合执法成员单位要指派具有行政执法资格的人员参加: nobody accepts without a certificate."""
    for login, code in (
        ("enforcer", "enforcement"),
        ("commerce", "commerce"),
        ("food", "food-drug"),
    ):
        (task,) = await street[login].rows("myTasks", TASK)
        street.rows[f"task-{login}"] = task.pop("id")
        assert task == {
            "title": street.orders["text"],
            "state": "OPEN",
            "dueAt": said(24, 17, 30),
            "certificateKind": "enforcement",
            "asksEvidence": True,
            "availableActions": ["accept", "hand-over", "return", "ask-time"],
            "department": {"code": code},
        }
    await _by_nobody_else(street)
    for login in ("enforcer", "commerce", "food"):
        task = street.rows[f"task-{login}"]
        told = await street[login].do(
            "eventTaskAccept", "eventTask { state assignee { id } }", id=task
        )
        assert told == {"state": "ACCEPTED", "assignee": {"id": street[login].id}}
        await street.refused(login, "TASK_STATE", "eventTaskAccept", id=task)


async def _by_nobody_else(street: Street) -> None:
    await street.none_may(
        """
        trainee TASK_CERTIFICATE
        desk TASK_CERTIFICATE
        commerce TASK_NOT_YOURS
        grid TASK_NOT_YOURS
        far-chief TASK_NOT_YOURS
        leader PERMISSION_DENIED
        visiting PERMISSION_DENIED
        far-grid ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventTaskAccept",),
        id=street.rows["task-enforcer"],
    )
    early = {"id": street.rows["task-enforcer"], "result": "已拆除"}
    await street.refused("enforcer", "TASK_STATE", "eventTaskComplete", **early)


async def _the_ladder_finds_the_substitute(street: Street) -> None:
    """What the platform took on Friday is due at the end of Sunday, a work day; who hears of it is
    the substitute, and not the one on leave."""
    field = 'notifications(filter: { code: { eq: "EVENT_ESCALATED" } })'
    (told,) = await street["far-chief"].rows(field, "about { id } text")
    assert told == {
        "about": {"id": street.rows["stall-15"]},
        "text": "事件 20260917-000002 已升级到您处",
    }
    assert await street["chief"].rows(field, "id") == []
    await _reported_to_the_substitute(street)


async def _reported_to_the_substitute(street: Street) -> None:
    """A double report meanwhile goes to the substitute; the one on leave cannot take it."""
    second = street["second-grid"]
    made = await second.do(
        *("eventReport", "event { id }"),
        kind="market.premises.advertising",
        title="违规店招",
        source="GRID_WORKER",
        placeId=street.places[SECOND_GRID],
    )
    act = {"id": made["id"], "action": "report_up", "reason": "超出职责"}
    await second.do("eventAct", "event { state }", **act)
    assert await street["chief"].rows("reportsWaiting", "id") == []
    (report,) = await street["far-chief"].rows("reportsWaiting", "id account { id }")
    assert report["account"] == {"id": street["far-chief"].id}
    await street.refused("chief", "EVENT_REPORT_NOT_YOURS", "eventAcknowledge", id=report["id"])
    street.rows["late-report"] = report["id"]
