"""Leaves, covers, secondments, certificates and shifts of the leak tests.

``covering`` stands in for the worker of near now; ``relieved`` stood in for somebody with every
permission in the city until a moment ago, ``standby`` will from tomorrow on.
"""

from datetime import date, datetime
from typing import Any

from jingwei_core.access.tables import Post
from jingwei_core.database.unit import Unit
from jingwei_core.workforce.tables import (
    Certificate,
    DutyShift,
    Leave,
    Secondment,
    WorkforceRules,
)
from tests.leak.world import LONG_AGO, NOW, PLACES, TOMORROW, YESTERDAY, City

FAR_OFF = datetime(2998, 1, 1, tzinfo=NOW.tzinfo)
# login of the substitute: (who is away, with which role, where, from, to)
COVERS = {
    "covering": ("near_worker", "worker", "near", YESTERDAY, FAR_OFF),
    "relieved": ("suspended", "all", "city", LONG_AGO, NOW),
    "standby": ("suspended", "all", "city", TOMORROW, FAR_OFF),
}
# zone: (who is away, the substitute, the state, from, to)
LEAVES = {
    "near": ("leaving", "near_all", "requested", TOMORROW, FAR_OFF),
    "far": ("far_worker", "chief", "closed", LONG_AGO, YESTERDAY),
}
WORKERS = {"near": "near_worker", "far": "far_worker"}


async def plant_workforce(city: City, unit: Unit) -> None:
    """All rows of the workforce, once accounts, roles and places are there."""
    await _rules(city, unit)
    for zone, (away, substitute, state, begins, ends) in LEAVES.items():
        asked = {"account": city.accounts[away], "substitute": city.accounts[substitute]}
        reason = {"reason": city.canary(f"{zone}decider", "leave.reason")}
        await _leave(city, unit, zone, begins, ends, **asked, **reason, state=state)
    for substitute, (away, role, place, begins, ends) in COVERS.items():
        pair = {"account": city.accounts[away], "substitute": city.accounts[substitute]}
        leave = await _leave(city, unit, place, begins, ends, **pair, state="approved")
        given = {"account": city.accounts[substitute], "covers": leave}
        given["role"] = next(
            row.id for row in city.rows if row.record == "Role" and row.values["code"] == role
        )
        span = {"valid_from": begins, "valid_to": ends}
        place_id = {"place_id": city.places[place]}
        await city.plant(unit, Post, PLACES[place][3], **given, **place_id, **span)
    for zone, worker in WORKERS.items():
        await _worker(city, unit, zone, worker)


async def _rules(city: City, unit: Unit) -> None:
    told = city.canary("wide", "workforce")
    kind = {"code": "canary", "name_zh": told, "name_en": told}
    leave = {
        "kinds": [kind],
        "approvals": [{"roles": ["*"], "approver": "role:all@city"}],
        "must_close_first": False,
    }
    rules = {"source": told, "leave": leave, "certificates": [kind], "duties": [kind]}
    await city.plant(unit, WorkforceRules, "wide", definition=rules)


async def _leave(
    city: City, unit: Unit, zone: str, begins: datetime, ends: datetime, **values: Any
) -> Any:
    told = city.canary(zone, "leave")
    span = {"begins_at": begins, "ends_at": ends, "asked_until": ends}
    where = {"place_id": city.places[zone], "kind": told, "decision_note": told}
    return await city.plant(unit, Leave, zone, **where, **span, **values)


async def _worker(city: City, unit: Unit, zone: str, worker: str) -> None:
    account = {"account": city.accounts[worker]}
    where = {"place_id": city.places[zone]}
    department = next(row.id for row in city.rows if row.record == "Department")
    days = {"valid_from": date(2026, 1, 1), "valid_to": date(2998, 1, 1)}
    await city.plant(unit, Secondment, zone, **account, **where, **days, department=department)
    told, hidden = city.canary("wide", "certificate"), city.canary("hidden", "certificate")
    number = {"number": f"{hidden}.{zone}", "kind": told, "issuer": told}
    because = {"withdrawn_because": told}
    await city.plant(unit, Certificate, "wide", **account, **number, **because, **days)
    shift = {"duty": city.canary(zone, "duty"), "begins_at": TOMORROW, "ends_at": FAR_OFF}
    await city.plant(unit, DutyShift, zone, **account, **where, **shift)
