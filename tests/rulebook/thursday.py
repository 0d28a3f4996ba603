"""Thursday: the daily patrol finds an illegal extension, too much for a grid: double report."""

from typing import Any

from tests.rulebook.clockwork import at, said
from tests.rulebook.people import GRID, HUAIHE, SECOND_GRID
from tests.rulebook.street import Street

KIND = "social.building.illegal_extension"
FORM = {"address": "淮河路12号院北侧", "area_m2": 38.5, "stage": "under_way"}
FOUND = {
    "kind": KIND,
    "title": "临街商铺违法加建",
    "description": "后院加建二层，内设餐馆",
    "form": FORM,
}
STANDING = "number state source handling stateDueAt warnAt dueAt isOverdue openTasks returns"
LIMITS = "state stateDueAt warnAt dueAt"


async def thursday(street: Street) -> None:
    """The day."""
    await street.time.turn(at(17, 9, 10))
    await _nobody_else_reports_it(street)
    await _found(street)
    await street.time.turn(at(17, 9, 30))
    await _reported_twice(street)
    await _heard(street)
    await _taken(street)
    await _stalls_at_night(street)


async def _nobody_else_reports_it(street: Street) -> None:
    """日巡查: the plan says what is still to walk, and by whom."""
    (due,) = await street["grid"].find("{ dueToday { planId placeId planName per times done } }")
    street.rows["plan"] = due.pop("planId")
    assert due == {
        "placeId": street.places[GRID],
        "planName": "网格日巡查",
        "per": "day",
        "times": 1,
        "done": 0,
    }
    brought = await street["grid"].evidence("BEFORE")
    street.rows["photo"] = brought[0]["id"]
    walk = {"planId": street.rows["plan"], "placeId": street.places[GRID], "found": FOUND}
    await street.none_may(
        """
        second-grid PLACE_NOT_FOUND
        far-chief PLACE_NOT_FOUND
        other-platform PERMISSION_DENIED
        stranger PERMISSION_DENIED
        office PERMISSION_DENIED
        desk PERMISSION_DENIED
        auditor PERMISSION_DENIED
        chief PATROL_WALKER
        enforcer PATROL_WALKER
        grid EVENT_PHOTO_REQUIRED
        """,
        *("patrolLog",),
        **walk,
    )
    await _nor_anything_else(street, walk, brought)


async def _nor_anything_else(
    street: Street, walk: dict[str, Any], brought: list[dict[str, str]]
) -> None:
    wrong: list[tuple[str, dict[str, Any]]] = [
        ("PLACE_NOT_FOUND", {"placeId": street.places[HUAIHE]}),
        ("PATROL_EVIDENCE_UNASKED", {"evidence": brought}),
        ("EVENT_FORM_INVALID", {"found": {**FOUND, "form": {**FORM, "stage": "planned"}}}),
        ("EVENT_KIND_NOT_LEAF", {"found": {**FOUND, "kind": "social.building"}}),
    ]
    for code, change in wrong:
        found = {**FOUND, "evidence": brought, **change.get("found", {})}
        await street.refused("grid", code, "patrolLog", **{**walk, **change, "found": found})
    reported = {**FOUND, "placeId": street.places[GRID], "evidence": brought}
    await street.none_may(
        """
        chief EVENT_EVIDENCE_UNKNOWN
        second-grid PLACE_NOT_FOUND
        office PERMISSION_DENIED
        """,
        *("eventReport",),
        **reported,
    )


async def find_on_patrol(street: Street) -> str:
    """What the grid chief finds becomes an event in the step that logs the patrol; its id."""
    brought = [{"id": street.rows["photo"], "phase": "BEFORE"}]
    walk = {"planId": street.rows["plan"], "placeId": street.places[GRID], "note": "后院有动静"}
    pick = "patrol { day note event { id } plan { name } }"
    told = await street["grid"].do("patrolLog", pick, **walk, found={**FOUND, "evidence": brought})
    found: str = told.pop("event")["id"]
    assert told == {
        "day": "2026-09-17",
        "note": "后院有动静",
        "plan": {"name": "网格日巡查"},
    }
    assert await street["grid"].find("{ dueToday { planId } }") == []
    return found


async def _found(street: Street) -> None:
    event = await find_on_patrol(street)
    street.rows["event"] = event
    (row,) = await street["grid"].rows("events", f"id {STANDING}")
    assert row == {
        "id": event,
        "number": "20260917-000001",
        "state": "registered",
        "source": "grid_worker",
        "handling": "",
        "stateDueAt": said(17, 15, 10),
        "warnAt": said(17, 14, 22),
        "dueAt": said(21, 17, 30, 10),
        "isOverdue": False,
        "openTasks": 0,
        "returns": 0,
    }
    for login in ("chief", "street", "platform", "leader", "office", "desk", "city-platform"):
        assert [one["id"] for one in await street[login].rows("events", "id")] == [event], login
    for login in ("second-grid", "far-grid", "far-chief", "other-platform", "visiting"):
        assert await street[login].rows("events", "id") == [], login


async def _reported_twice(street: Street) -> None:
    event, act = street.rows["event"], {"action": "report_up", "reason": "超出网格职责，需部门处理"}
    await street.none_may(
        """
        second-grid ROW_NOT_FOUND
        far-chief ROW_NOT_FOUND
        visiting ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        desk PERMISSION_DENIED
        auditor PERMISSION_DENIED
        """,
        *("eventAct",),
        **{"id": event, **act},
    )
    grid = street["grid"]
    await street.refused("grid", "EVENT_REASON_REQUIRED", "eventAct", id=event, action="report_up")
    await street.refused("grid", "ROW_CHANGED", "eventAct", id=event, expectedVersion=9, **act)
    late = {"id": event, "action": "file"}
    await street.refused("platform", "EVENT_ACTION_NOT_ALLOWED", "eventAct", **late)
    told = await grid.do("eventAct", f"event {{ {LIMITS} }}", id=event, **act)
    assert told == {
        "state": "reported_up",
        "stateDueAt": said(17, 15, 30),
        "warnAt": said(17, 14, 42),
        "dueAt": said(21, 17, 30, 10),
    }
    await street.refused("grid", "EVENT_ACTION_NOT_ALLOWED", "eventAct", id=event, **act)
    rows = await grid.rows("eventReportsUp", "whom accountName acknowledgedByName")
    assert {row["acknowledgedByName"] for row in rows} == {None}
    assert sorted((row["accountName"], row["whom"]) for row in rows) == sorted(
        [
            (street.name("platform"), "role:platform_operator@street"),
            (street.name("chief"), "role:community_chief@community"),
            (street.name("enforcer"), "seconded"),
            (street.name("visiting"), "seconded"),
        ]
    )
    await street.time.settle()


async def _heard(street: Street) -> None:
    """Each who was told acknowledges; nothing goes on before all have."""
    event = street.rows["event"]
    for login in ("street", "grid", "trainee", "far-chief"):
        assert await street[login].rows("reportsWaiting", "id") == [], login
    for login in ("platform", "chief", "enforcer", "visiting"):
        await street.refused(
            "platform", "EVENT_GUARD_ACKNOWLEDGED", "eventAct", id=event, action="file"
        )
        (row,) = await street[login].rows(
            "reportsWaiting", "id eventNumber eventTitle eventPlaceName eventClosedAt event { id }"
        )
        report = row.pop("id")
        assert row == {
            "eventNumber": "20260917-000001",
            "eventTitle": FOUND["title"],
            "eventPlaceName": "淮河社区第01网格",
            "eventClosedAt": None,
            "event": None if login == "visiting" else {"id": event},
        }
        for other in {"grid", "street", "platform", "trainee"} - {login}:
            await street.refused(other, "EVENT_REPORT_NOT_YOURS", "eventAcknowledge", id=report)
        for other in ("second-grid", "far-chief", "stranger"):
            await street.refused(other, "ROW_NOT_FOUND", "eventAcknowledge", id=report)
        await street[login].do("eventAcknowledge", "eventReportUp { id }", id=report, note="收到")
        await street.refused(login, "EVENT_REPORT_ACKNOWLEDGED", "eventAcknowledge", id=report)
        assert await street[login].rows("reportsWaiting", "id") == []


async def _taken(street: Street) -> None:
    """The platform takes it; the rules of routing say whose it is (分流)."""
    await street.time.turn(at(17, 10, 40))
    event = street.rows["event"]
    await street.none_may(
        """
        grid PERMISSION_DENIED
        enforcer PERMISSION_DENIED
        office PERMISSION_DENIED
        second-grid ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventAct",),
        id=event,
        action="file",
    )
    pick = f"event {{ {LIMITS} assignedDepartment {{ code }} availableActions }}"
    told = await street["platform"].do("eventAct", pick, id=event, action="file")
    assert told == {
        "state": "filed",
        "stateDueAt": said(18, 17, 30),
        "warnAt": said(18, 15, 8),
        "dueAt": said(21, 17, 30, 10),
        "assignedDepartment": {"code": "enforcement"},
        "availableActions": ["dispatch", "escalate"],
    }


async def _stalls_at_night(street: Street) -> None:
    """Four reports of the same stalls after eight in the evening."""
    second = street["second-grid"]
    for minute in (15, 22, 31, 40):
        await street.time.turn(at(17, 20, minute))
        made = await second.do(
            *("eventReport", "event { id }"),
            kind="market.premises.street_trading",
            title=f"夜市占道{minute}",
            placeId=street.places[SECOND_GRID],
            source="GRID_WORKER",
        )
        street.rows[f"stall-{minute}"] = made["id"]
        reason = {"action": "report_up", "reason": "多次劝导无效"}
        await second.do("eventAct", "event { state }", id=made["id"], **reason)
