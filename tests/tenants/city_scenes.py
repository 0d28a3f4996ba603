"""What is special in each shipped package: a scene each, with the numbers of its document."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

import pytest

from jingwei_core.ledgers.questions import LedgerAsked, ledger_page
from jingwei_core.meetings.planning import plan_next
from jingwei_sdk.errors import Invalid, NotFound
from tests.tenants.living_city import LivingCity, Walked

Scene = Callable[[LivingCity], Awaitable[None]]


async def four_ways_of_handling(living: LivingCity) -> None:
    """四种处理机制: who acts in each, in which order, as the report of a district says it."""
    package = living.package
    grids = [place for place in package.places if place.level == "grid"]
    assert len({grid.parent for grid in grids}) == 4
    assert (len(grids), sum(grid.households or 0 for grid in grids)) == (16, 5829)
    sizes = {level.code: (level.households_min, level.households_max) for level in package.levels}
    assert [sizes[code] for code in ("grid", "compound", "building")] == [
        *((300, 500), (80, 100), (20, 40)),
    ]
    general = await living.walk("daily.service.simple")
    assert _roles(living, general) == ["grid_manager", "grid_manager", "community_worker"]
    coordinated = await living.walk("dispute.civil.neighbours")
    assert _roles(living, coordinated) == [
        *("grid_manager", "grid_manager", "community_worker", "section_officer", "grid_manager"),
    ]
    sudden = await living.walk("safety.sudden.fire")
    assert sudden.states[0] == "dispatched", "reported upward with the report itself"
    assert _roles(living, sudden)[2:] == ["department_handler", "grid_manager"]
    approved = await living.walk("approval.relief.minimum_living")
    assert _roles(living, approved) == [
        *("grid_manager", "community_worker", "section_officer", "section_officer"),
        *("department_handler", "section_officer"),
    ]
    tasks = await living.city.fetch(
        "SELECT t.title, t.state, t.time_limit, r.code AS role FROM core.event_task t"
        " JOIN core.post p ON p.account = t.assignee JOIN core.role r ON r.id = p.role"
        " WHERE t.event = $1 ORDER BY t.title",
        approved.id,
    )
    assert {(row["title"], row["role"], row["state"]) for row in tasks} == {
        ("区级公示", "department_handler", "done"),
        ("街道公示", "grid_leader", "done"),
        ("社区公示", "community_worker", "done"),
    }
    for walked, whom in ((coordinated, {"section_officer"}), (sudden, _ALARMED)):
        rows = await living.city.fetch(_REPORTED, walked.id)
        assert {row["role"] for row in rows} == whom
        assert all(row["acknowledged_at"] is not None for row in rows)


_ALARMED = {"section_officer", "grid_police"}
_REPORTED = """
SELECT u.acknowledged_at, r.code AS role FROM core.event_report_up u
  JOIN core.post p ON p.account = u.account JOIN core.role r ON r.id = p.role WHERE u.event = $1
"""


async def straight_to_the_department(living: LivingCity) -> None:
    """扁平化: from the front desk straight to the subdistrict's, the district's or the city's
    department; the first receiver gives the answer."""
    chief = "chief-tujietou"
    for kind, department, level in (
        ("dispute.neighbour.noise", "governance-centre-420502001", "street"),
        ("dispute.property.fee", "housing-420502", "district"),
        ("dispute.land.boundary", "natural-resources", "city"),
    ):
        told = await living.walk(kind, "resident", "registered")
        await living.city.run(chief, "event.act", told.id, action="divert", note="社区不能解决")
        steps = await living.city.fetch(
            "SELECT s.from_state, s.to_state, d.code, l.level FROM core.event_step s"
            " JOIN core.department d ON d.id = s.department JOIN core.place l ON l.id = d.place"
            " WHERE s.event = $1 ORDER BY s.sequence",
            told.id,
        )
        assert [tuple(step.values()) for step in steps] == [
            ("registered", "dispatched", department, level)
        ]
        (handler,) = [
            row.login for row in living.package.demo.accounts if row.department == department
        ]
        await living.city.run(handler, "event.act", told.id, action="handle", note="已办理")
        row = await living.event(told)
        assert row["assigned_account"] == row["first_receiver"] == told.seen[0]["reporter"]
        receiver = told.actors[0]
        await living.city.run(receiver, "event.act", told.id, action="close", note="已回复")
        assert (await living.event(told))["state"] == "closed"


async def four_mechanisms_and_four_ledgers(living: LivingCity) -> None:
    """四种处理机制, 四本台帐, 例会制度."""
    spot = await living.walk("info.household.needs_card")
    assert _roles(living, spot)[:2] == ["grid_worker", "grid_worker"]
    brought = await living.walk("dispute.neighbour.noise")
    assert _roles(living, brought)[:3] == ["grid_worker", "grid_worker", "community_chief"]
    sudden = await living.walk("emergency.accident.traffic_accident")
    assert sudden.states[0] == "escalated", "the community works on it at once"
    assert _roles(living, sudden)[2] == "community_chief"
    asked = await living.walk("civil.assistance.minimum_living", state="filed")
    passed = {"action": "pass_up", "reason": "须由街道审定"}
    await living.city.run("chief-heping", "event.act", asked.id, **passed)
    await living.city.run(
        asked.actors[0], "event.act", asked.id, action="track_verified", note="问"
    )
    decided = {"action": "decide_street", "note": "符合条件"}
    await living.city.run("centre-dongjie", "event.act", asked.id, **decided)
    assert (await living.event(asked))["state"] == "handled"
    titles = [ledger.title_zh for ledger in living.package.ledgers.ledgers]
    assert len(titles) == 4
    for part in ("协理员", "居民", "驻区单位", "重点群体"):
        assert any(part in title for title in titles), part
    await _visits_are_a_ledger(living)
    async with living.as_system() as ctx:
        await plan_next(ctx, {})
    meetings = await living.city.fetch(
        "SELECT p.level, count(*) AS n FROM core.meeting m JOIN core.place p ON p.id = m.place_id"
        " GROUP BY 1"
    )
    assert [tuple(row.values()) for row in meetings] == [("district", 12)]


async def _visits_are_a_ledger(living: LivingCity) -> None:
    """联系走访台帐: what came of visits, for who may read visits, in their own area only."""
    place = living.guide.place(living.stage)
    spoken = {"topics": ["opinion"], "note": "希望增设座椅"}
    await living.city.run("grid-dongjie-01", "visit.log", place_id=place, **spoken)
    await living.city.run("grid-dongjie-01", "visit.log", place_id=place, outcome="refused")
    asked = LedgerAsked("households", place)
    async with living.as_("chief-heping") as ctx:
        page = await ledger_page(ctx, asked)
        english = await ledger_page(replace(ctx, locale="en"), asked)
    assert english.cells[2:4] == ("Visited", "No")
    rows = [page.cells[at : at + 4] for at in range(0, len(page.cells), 4)]
    name = next(row.name_zh for row in living.package.places if row.code == living.stage)
    assert [row[0] for row in rows] == [name, name]
    assert [(row[2], row[3]) for row in rows] == [("已走访", "否"), ("谢绝走访", "否")]
    assert "希望增设座椅" not in page.cells
    async with living.as_("chief-guangchangxi") as ctx:
        with pytest.raises(NotFound) as refused:
            await ledger_page(ctx, asked)
    assert refused.value.code == "PLACE_NOT_FOUND"
    async with living.as_("centre-dongjie") as ctx:
        assert (await ledger_page(ctx, asked)).cells == (), "without visit.read"


async def three_tiers(living: LivingCity) -> None:
    """办事处一级、社区二级、基础网格三级: what a community cannot settle goes up to the office."""
    grids = [place for place in living.package.places if place.level == "grid"]
    managers = {row.place for row in living.package.demo.accounts if row.role == "grid_manager"}
    assert (len(grids), sum(grid.households or 0 for grid in grids)) == (12, 4101)
    assert managers == {grid.code for grid in grids}
    told = await living.walk("dispute.civil.property", state="filed")
    passed = {"action": "pass_up", "reason": "社区无法解决"}
    await living.city.run("chief-youhao", "event.act", told.id, **passed)
    await living.city.run("office-governance", "event.act", told.id, action="handle", note="已协调")
    await living.city.run(told.actors[0], "event.act", told.id, action="close", note="已反馈")
    tiers = await living.city.fetch(
        "SELECT s.to_state, l.level FROM core.event_step s JOIN core.post p ON p.account = s.actor"
        " JOIN core.place l ON l.id = p.place_id WHERE s.event = $1 ORDER BY s.sequence",
        told.id,
    )
    assert [tuple(row.values()) for row in tiers] == [
        *(("registered", "grid"), ("filed", "grid"), ("dispatched", "community")),
        *(("handled", "street"), ("closed", "grid")),
    ]
    events = "SELECT count(*) AS n FROM core.event"
    before = await living.city.fetch(events)
    with pytest.raises(Invalid) as refused:
        await living.report("dispute.civil.property", "resident", handling="approval")
    assert refused.value.code == "EVENT_HANDLING_UNKNOWN"
    assert await living.city.fetch(events) == before


async def double_report(living: LivingCity) -> None:
    """双报告: the platform and the second-level chief hear of it, and the seconded officer is told.

    A whole week of this rulebook is told by ``tests/rulebook``."""
    told = await living.walk("market.premises.street_trading", state="reported_up")
    rows = await living.city.fetch(_REPORTED, told.id)
    assert sorted(str(row["role"]) for row in rows) == [
        *("community_chief", "platform_operator", "seconded_officer"),
    ]
    assert {row["acknowledged_at"] for row in rows} == {None}


SCENES: Mapping[str, Scene] = {
    "anyang": four_ways_of_handling,
    "yichang": straight_to_the_department,
    "changzhi": four_mechanisms_and_four_ledgers,
    "youhao": three_tiers,
    "zhengzhou": double_report,
}


def _roles(living: LivingCity, walked: Walked) -> list[str]:
    """The roles of who took the steps."""
    roles = {row.login: row.role for row in living.package.demo.accounts}
    return [roles[login] for login in walked.actors]
