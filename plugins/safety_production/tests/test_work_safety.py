"""Work safety on a platform of its own: ledger, inspections, hazards until they are verified."""

import uuid
from datetime import date
from typing import Any

import pytest

from jingwei_safety_production.checklists import item_codes
from jingwei_safety_production.tables import SafetyChecklist
from jingwei_sdk.errors import Conflict, Denied, Invalid
from jingwei_sdk.testing.contract import (
    GRID,
    CapturedHooks,
    CapturedJobs,
    City,
    GraphQLClient,
    WorkingClock,
)
from jingwei_sdk.testing.queries import QueryCounts

READ = (
    *("organisation.read", "place.read", "event.read", "safety.enterprise.read"),
    *("safety.checklist.read", "safety.inspection.read", "safety.hazard.read"),
)
HAZARDS = "SELECT * FROM safety_production.hazard ORDER BY created_at, id"
CLOSING = ("file", "verify", "dispatch", "handle", "check")
# One list of each record, with what it refers to: each is one statement.
LISTS = {
    "SafetyEnterprise": "enterprises { edges { node { riskLevel organisation { name } } } }",
    "SafetyChecklist": "checklists { edges { node { code number } } }",
    "SafetyInspection": "inspections { edges { node { failedItems enterprise { industry } } } }",
    "SafetyInspectionItem": "inspectionItems { edges { node { code verdict } } }",
    "SafetyHazard": "hazards { edges { node { level status event { number } } } }",
}


async def enterprise(city: City, name: str = "示范餐馆01") -> uuid.UUID:
    place = str(await city.place(GRID))
    organisation = await city.run("organisation.register", place_id=place, name=name)
    entered = await city.run("safety.enterprise.register", organisation.id, industry="餐饮业")
    return entered.id


async def inspected(city: City, target: uuid.UUID, *failed: int, **given: object) -> uuid.UUID:
    """An inspection with the standard checklist; a hazard for each failed item."""
    await city.run("safety.checklist.load-standard")
    async with city.system() as ctx:
        (checklist,) = await ctx.data.find(SafetyChecklist, code="small-shop", is_current=True)
    codes = item_codes(checklist)
    items = [
        {"code": code, "verdict": "fail" if at in failed else "pass"}
        for at, code in enumerate(codes)
    ]
    hazards = [{"item": codes[at], "description": "通道堵塞", **given} for at in failed]
    told = {"checklist": str(checklist.id), "items": items, "hazards": hazards}
    return (await city.run("safety.inspection.record", target, **told)).id


async def hazard(city: City) -> Any:
    await inspected(city, await enterprise(city), 0)
    (found,) = await city.fetch(HAZARDS)
    return found


async def test_an_organisation_is_entered_once_and_changed(jingwei_city: City) -> None:
    entry = await enterprise(jingwei_city)
    await jingwei_city.run("safety.enterprise.change", entry, risk_level="red", employee_count=12)
    (stored,) = await jingwei_city.fetch("SELECT * FROM safety_production.enterprise")
    assert (stored["risk_level"], stored["employee_count"]) == ("red", 12)
    with pytest.raises(Conflict, match="SAFETY_ENTERPRISE_REGISTERED"):
        await jingwei_city.run("safety.enterprise.register", stored["organisation"])
    assert len(await jingwei_city.fetch("SELECT id FROM safety_production.enterprise")) == 1


async def test_a_tenant_keeps_checklists_of_its_own(jingwei_city: City) -> None:
    item = {"code": "exit", "zh": "出口畅通", "en": "The exit is free", "law": "消防法第二十八条"}
    for name in ("商铺", "商铺（2026）"):
        await jingwei_city.run("safety.checklist.save", code="shop", name=name, items=[item])
    rows = await jingwei_city.fetch(
        "SELECT number, is_current FROM safety_production.checklist ORDER BY number"
    )
    assert [(row["number"], row["is_current"]) for row in rows] == [(1, False), (2, True)]


async def test_an_inspection_opens_an_event_for_each_hazard(jingwei_city: City) -> None:
    await inspected(jingwei_city, await enterprise(jingwei_city), 0, 1)
    found = await jingwei_city.fetch(HAZARDS)
    assert [row["status"] for row in found] == ["open", "open"]
    events = await jingwei_city.fetch("SELECT title FROM core.event")
    assert len(events) == 2
    with pytest.raises(Invalid, match="SAFETY_DATE_FUTURE"):
        await jingwei_city.run(
            "safety.inspection.record",
            found[0]["enterprise"],
            checklist=str(uuid.uuid4()),
            items=[],
            inspected_on="2030-01-01",
        )
    assert len(await jingwei_city.fetch("SELECT id FROM safety_production.inspection")) == 1


async def test_whoever_may_only_read_reports_nothing(jingwei_city: City) -> None:
    entry = await enterprise(jingwei_city)
    reader = await jingwei_city.holding(*READ)
    with pytest.raises(Denied):
        await reader.run("safety.hazard.report", entry, description="灭火器过期")
    assert await jingwei_city.fetch(HAZARDS) == []
    await jingwei_city.run("safety.hazard.report", entry, description="灭火器过期", level="major")
    (found,) = await jingwei_city.fetch(HAZARDS)
    assert (found["level"], found["inspection"]) == ("major", None)


async def test_a_hazard_is_verified_after_measures_are_stated(
    jingwei_city: City, captured_hooks: CapturedHooks, captured_jobs: CapturedJobs
) -> None:
    found = await hazard(jingwei_city)
    await jingwei_city.take(found["event"], *CLOSING)
    with pytest.raises(Conflict, match="SAFETY_HAZARD_NOT_RECTIFIED"):
        await jingwei_city.take(found["event"], "close")
    await jingwei_city.run("safety.hazard.rectify", found["id"], measures="已清理")
    await jingwei_city.take(found["event"], "close")
    await captured_jobs.run_all()
    (stored,) = await jingwei_city.fetch(HAZARDS)
    assert stored["status"] == "verified"
    answers = [call.answer for call in captured_hooks.of("before_event_transition")]
    assert [answer is None for answer in answers[-2:]] == [False, True]
    assert captured_hooks.of("on_event_transitioned")
    with pytest.raises(Conflict, match="SAFETY_HAZARD_SETTLED"):
        await jingwei_city.run("safety.hazard.rectify", found["id"], measures="再次清理")


async def test_what_was_missed_while_switched_off_is_caught_up(
    jingwei_city: City, captured_jobs: CapturedJobs
) -> None:
    found = await hazard(jingwei_city)
    await jingwei_city.run("safety.hazard.rectify", found["id"], measures="已清理")
    await jingwei_city.disable("safety-production")
    await jingwei_city.take(found["event"], *CLOSING, "close")
    await jingwei_city.enable("safety-production")
    await captured_jobs.run(jingwei_city, "safety-production.catch-up")
    (stored,) = await jingwei_city.fetch(HAZARDS)
    assert stored["status"] == "verified"


@pytest.mark.jingwei(settings={"rectify_days_general": 3})
async def test_a_hazard_is_overdue_after_the_tenants_days(
    jingwei_city: City, jingwei_clock: WorkingClock, captured_jobs: CapturedJobs
) -> None:
    found = await hazard(jingwei_city)
    assert found["rectify_by"] == date(2026, 6, 6)
    for days, overdue in ((3, None), (1, date(2026, 6, 7))):
        jingwei_clock.advance(days=days)
        await captured_jobs.run(jingwei_city, "safety-production.mark-overdue")
        (stored,) = await jingwei_city.fetch(HAZARDS)
        assert stored["overdue_since"] == overdue


async def test_open_hazards_are_counted_on_the_organisation(
    jingwei_city: City, jingwei_client: GraphQLClient
) -> None:
    await inspected(jingwei_city, await enterprise(jingwei_city), 0, 1)
    query = "{ organisations { edges { node { safetyOpenHazards } } } }"
    told = await jingwei_client.data(await jingwei_city.holding(*READ), query)
    assert [edge["node"] for edge in told["organisations"]["edges"]] == [{"safetyOpenHazards": 2}]
    other = await jingwei_city.holding("organisation.read", "place.read")
    told = await jingwei_client.data(other, query)
    nothing = [{"safetyOpenHazards": None}]
    assert [edge["node"] for edge in told["organisations"]["edges"]] == nothing


@pytest.mark.parametrize("record", LISTS)
async def test_a_list_takes_as_many_statements_for_more_rows(
    record: str, jingwei_city: City, jingwei_client: GraphQLClient, query_counts: QueryCounts
) -> None:
    reader, names = await jingwei_city.holding(*READ), iter(range(10))

    async def ask() -> None:
        await jingwei_client.data(reader, f"{{ safetyProduction {{ {LISTS[record]} }} }}")

    async def more() -> None:
        await inspected(jingwei_city, await enterprise(jingwei_city, f"示范{next(names)}"), 0)

    await more()
    await query_counts.same_when_doubled(ask, more=more)
    async with query_counts(record):
        await ask()
