"""Tuesday: what an officer of a department finds, and what a resident rings up about."""

from tests.rulebook.people import GRID
from tests.rulebook.street import Street

STATE = "event { state }"


async def reports(street: Street) -> None:
    """Both go their whole way."""
    await _found_by_an_officer(street)
    await _rung_up_by_a_resident(street)


async def _found_by_an_officer(street: Street) -> None:
    """三：发现问题后，要第一时间通报三级网格长: nothing goes on before the chief has heard."""
    officer, grid = street["commerce"], street["grid"]
    made = await officer.do(
        *("eventReport", "event { id source }"),
        kind="market.premises.street_trading",
        title="店外经营",
        source="DEPARTMENT",
        placeId=street.places[GRID],
        foundBy=officer.id,
    )
    assert made["source"] == "department"
    event = made["id"]
    settle = {
        "id": event,
        "action": "settle",
        "note": "已劝离",
        "evidence": await officer.evidence(),
    }
    await street.refused("commerce", "EVENT_GUARD_ACKNOWLEDGED", "eventAct", **settle)
    up = {"id": event, "action": "report_up", "reason": "无权处理"}
    await street.refused("commerce", "EVENT_GUARD_ACKNOWLEDGED", "eventAct", **up)
    (report,) = await grid.rows("reportsWaiting", "id whom event { id }")
    assert (report["whom"], report["event"]) == ("role:grid_chief@grid", {"id": event})
    await street.refused("commerce", "EVENT_REPORT_NOT_YOURS", "eventAcknowledge", id=report["id"])
    await grid.do("eventAcknowledge", "eventReportUp { id }", id=report["id"])
    await street.none_may(
        """
        leader PERMISSION_DENIED
        desk EVENT_GUARD_ROLE
        far-grid ROW_NOT_FOUND
        """,
        *("eventAct",),
        **settle,
    )
    assert await officer.do("eventAct", STATE, **settle) == {"state": "handled"}
    await _to_its_end(street, event)


async def _rung_up_by_a_resident(street: Street) -> None:
    """The public's is checked on site first; who took the call stays its first receiver (首问)."""
    made = await street["platform"].do(
        *("eventReport", "event { id firstReceiver { id } }"),
        kind="base.facility.lamp",
        title="楼道灯不亮",
        source="HOTLINE",
        form={"damage": "not_working", "is_dangerous": False},
        placeId=street.places[GRID],
    )
    event = made["id"]
    assert made["firstReceiver"] == {"id": street["platform"].id}
    grid = street["grid"]
    up = {"id": event, "action": "report_up", "reason": "超出职责"}
    await street.refused("grid", "EVENT_GUARD_SOURCE", "eventAct", **up)
    check = {"id": event, "action": "verify", "note": "属实"}
    await street.none_may(
        """
        leader PERMISSION_DENIED
        commerce PERMISSION_DENIED
        far-grid ROW_NOT_FOUND
        stranger ROW_NOT_FOUND
        """,
        *("eventAct",),
        **check,
    )
    assert await grid.do("eventAct", STATE, **check) == {"state": "verified"}
    settle = {"id": event, "action": "settle", "note": "已换灯管"}
    await street.refused("grid", "EVENT_PHOTO_REQUIRED", "eventAct", **settle)
    done = {**settle, "evidence": await grid.evidence()}
    assert await grid.do("eventAct", STATE, **done) == {"state": "handled"}
    await _to_its_end(street, event)


async def _to_its_end(street: Street, event: str) -> None:
    """Checked by another, struck off."""
    check = {"id": event, "action": "check", "note": "属实"}
    assert await street["leader"].do("eventAct", STATE, **check) == {"state": "checked"}
    close = {"id": event, "action": "close"}
    assert await street["street"].do("eventAct", STATE, **close) == {"state": "closed"}
