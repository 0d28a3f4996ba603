"""Patrols and visits: what is due, what was found becomes an event, and every refusal."""

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import Context
from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest

from jingwei_core.commands.bus import Call, run
from jingwei_core.database.unit import Unit
from jingwei_core.patrols.cadence import next_due, period_begin, period_end
from jingwei_core.patrols.patrol_commands import log_patrol
from jingwei_core.patrols.questions import DueQuestion, due_today
from jingwei_core.patrols.records import PATROL, VISIT
from jingwei_core.patrols.rules import read_rules
from jingwei_core.patrols.states import Per, VisitPer
from jingwei_core.patrols.tables import Patrol, Visit
from jingwei_core.patrols.visit_commands import log_visit
from jingwei_sdk.commands import declaration
from jingwei_sdk.errors import Invalid, JingweiError
from jingwei_sdk.tables import columns_of
from tests.core.events.city import GRID, POTHOLE, ROOT, SIBLING
from tests.core.events.frozen_clock import MONDAY
from tests.core.patrols.quarter import Quarter

HOLE = {"kind": POTHOLE, "title": "路面坑洞"}
PHOTO_RULE = {"asks_evidence": True, "evidence_rule": "安全生产法第四十一条"}
SWITCH = (
    "INSERT INTO core.practice_switch (code, is_enabled, rule)"
    " VALUES ('forced_photos', true, '安全生产法第四十一条')"
)


AWAITED = """SELECT EXISTS (SELECT 1 FROM pg_locks
 WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid)))"""


async def refused(quarter: Quarter, code: str, call: Callable[[], Awaitable[Any]]) -> None:
    before = await quarter.kept()
    with pytest.raises(JingweiError) as error:
        await call()
    assert error.value.code == code
    assert await quarter.kept() == before, code


async def due(quarter: Quarter, who: str, **given: Any) -> list[str]:
    async with quarter.context(who) as ctx:
        found = await due_today(ctx, DueQuestion(**given))
    return [each.place_name for each in found]


async def test_what_is_due_falls_away_when_it_was_walked_by_whomever(quarter: Quarter) -> None:
    plan = await quarter.plan()
    assert await due(quarter, "west") == [GRID]
    assert await due(quarter, "planner") == []
    assert await due(quarter, "planner", of_all=True) == [ROOT, GRID, SIBLING]
    walk = {"plan_id": plan, "place_id": quarter.places[GRID], "note": "平安"}
    seen = [await quarter.point("gate")]
    patrol = await quarter.made("west", "patrol.log", **walk, seen=seen)
    (row,) = await quarter.fetch("SELECT * FROM core.patrol WHERE id = $1", patrol)
    local = MONDAY.astimezone(quarter.tenant.timezone).date()
    assert (row["day"], row["seen"], row["event"]) == (local, seen, None)
    assert await due(quarter, "west") == []
    assert await due(quarter, "east") == [SIBLING]
    quarter.pass_days(1)
    assert await due(quarter, "west") == [GRID]


async def test_twice_a_week_is_due_on_two_days_of_it(quarter: Quarter) -> None:
    plan = await quarter.plan(times=2, per="week")
    for days, expected in ((0, [GRID]), (1, [GRID]), (1, []), (5, [GRID])):
        quarter.pass_days(days)
        assert await due(quarter, "west") == expected
        if expected:
            place = quarter.places[GRID]
            for _ in range(2):
                await quarter.run("west", "patrol.log", plan_id=plan, place_id=place)
                assert await due(quarter, "west") == []


async def test_twice_a_day_is_due_until_it_was_walked_twice(quarter: Quarter) -> None:
    walk = {"plan_id": await quarter.plan(times=2), "place_id": quarter.places[GRID]}
    for expected in ([GRID], []):
        await quarter.run("west", "patrol.log", **walk)
        assert await due(quarter, "west") == expected


async def test_classes_of_places_are_due_where_there_is_one(quarter: Quarter) -> None:
    school, factory, other = [
        await quarter.value(
            "INSERT INTO core.organisation (name, kind, place_id) VALUES ($1, $1, $2) RETURNING id",
            kind,
            quarter.places[path],
        )
        for kind, path in (("school", GRID), ("factory", GRID), ("school", ROOT))
    ]
    plan = await quarter.plan(classes=["school", "school"], check_points=[])
    assert await due(quarter, "planner", of_all=True) == [ROOT, GRID]
    walk = {"plan_id": plan, "place_id": quarter.places[GRID]}
    for wrong in (factory, other, plan):
        walks = partial(quarter.run, "west", "patrol.log", **walk, sites=[school, wrong])
        await refused(quarter, "PATROL_SITE_UNKNOWN", walks)
    patrol = await quarter.made("west", "patrol.log", **walk, sites=[school, school])
    stored = "SELECT sites FROM core.patrol WHERE id = $1"
    assert await quarter.value(stored, patrol) == [school]
    assert await due(quarter, "planner", of_all=True) == [ROOT]


async def test_what_was_found_is_an_event_of_the_same_transaction(quarter: Quarter) -> None:
    plan = await quarter.plan()
    where = {"plan_id": plan, "place_id": quarter.places[GRID]}
    patrol = await quarter.made("west", "patrol.log", **where, found=HOLE)
    (event,) = await quarter.fetch(
        "SELECT e.* FROM core.patrol t JOIN core.event e ON e.id = t.event WHERE t.id = $1", patrol
    )
    assert event["found_by"] == event["reporter"] == quarter.people["west"]
    assert event["place_id"] == quarter.places[GRID]
    visit = await quarter.made("west", "visit.log", place_id=quarter.places[GRID], found=HOLE)
    assert await quarter.value("SELECT event FROM core.visit WHERE id = $1", visit) is not None
    wrong = {**HOLE, "kind": "city.none"}
    await refused(
        quarter,
        "EVENT_KIND_UNKNOWN",
        lambda: quarter.run("west", "patrol.log", **where, found=wrong),
    )
    await refused(
        quarter,
        "EVENT_KIND_UNKNOWN",
        lambda: quarter.run("west", "visit.log", place_id=where["place_id"], found=wrong),
    )


async def test_patrols_that_are_refused(quarter: Quarter) -> None:
    plan = await quarter.plan()
    good = {"plan_id": plan, "place_id": quarter.places[GRID]}

    async def logged(code: str, who: str = "west", **given: Any) -> None:
        await refused(quarter, code, lambda: quarter.run(who, "patrol.log", **{**good, **given}))

    await logged("PLACE_NOT_FOUND", "east")
    await logged("PERMISSION_DENIED", "clerk")
    await logged("PATROL_WALKER", "planner")
    await logged("PATROL_PLAN_UNKNOWN", plan_id=quarter.people["west"])
    await logged("PATROL_POINT_UNKNOWN", seen=[await quarter.point("east-gate")])
    photo = {"id": await quarter.photo("west")}
    await logged("PATROL_EVIDENCE_UNASKED", evidence=[photo])
    only = await quarter.plan(code="only", level="", check_points=[])
    await logged("PATROL_PLACE_NOT_COVERED", plan_id=only)
    later = await quarter.plan(
        code="later", check_points=[], valid_from=MONDAY.date() + timedelta(days=5)
    )
    await logged("PATROL_PLAN_NOT_VALID", plan_id=later)
    await quarter.run("planner", "patrol.plan.end", plan)
    await logged("PATROL_PLAN_NOT_VALID")


async def test_a_plan_asks_for_photos_only_by_a_rule_that_is_switched_on(quarter: Quarter) -> None:
    asks = quarter.plan_of(**PHOTO_RULE)

    async def saved(code: str, **given: Any) -> None:
        await refused(
            quarter, code, lambda: quarter.run("planner", "patrol.plan.save", **{**asks, **given})
        )

    await saved("PATROL_EVIDENCE_RULE", evidence_rule=" ")
    await saved("PATROL_EVIDENCE_SWITCH_OFF")
    await quarter.fetch(SWITCH)
    plan = await quarter.plan(**PHOTO_RULE)
    where = {"plan_id": plan, "place_id": quarter.places[GRID]}
    await refused(
        quarter, "PATROL_EVIDENCE_MISSING", lambda: quarter.run("west", "patrol.log", **where)
    )
    photo = {"id": await quarter.photo("west")}
    await quarter.run("west", "patrol.log", **where, evidence=[photo])
    await refused(
        quarter,
        "EVENT_EVIDENCE_USED",
        lambda: quarter.run("west", "patrol.log", **where, evidence=[photo]),
    )
    await quarter.fetch("UPDATE core.practice_switch SET is_enabled = false")
    await quarter.run("west", "patrol.log", **where)


async def test_plans_that_are_refused(quarter: Quarter) -> None:
    async def saved(code: str, who: str = "planner", **given: Any) -> None:
        plan = quarter.plan_of(**given)
        await refused(quarter, code, lambda: quarter.run(who, "patrol.plan.save", **plan))

    await saved("PERMISSION_DENIED", "west")
    await saved("PLACE_NOT_FOUND", "west-planner")
    await saved("PATROL_ROLE_UNKNOWN", role="nobody")
    await saved("PATROL_LEVEL_UNKNOWN", level="yard")
    await saved("VALID_DAYS", valid_from="2026-05-02", valid_to="2026-05-02")
    twice = [{"code": "a", "name": "甲"}, {"code": "a", "name": "乙"}]
    await saved("PATROL_POINT_TWICE", check_points=twice)
    east = [{"code": "a", "name": "甲", "place_id": quarter.places[SIBLING]}]
    grid = {"place_id": quarter.places[GRID]}
    await saved("PATROL_POINT_ELSEWHERE", **grid, check_points=east)
    await saved("PATROL_POINT_ELSEWHERE", **grid, level="", check_points=east)
    # Where grids are walked, nobody would find what lies at the city.
    await quarter.fetch("UPDATE core.place SET level = 'city' WHERE path = $1", ROOT)
    await saved("PATROL_POINT_ELSEWHERE", check_points=twice[:1])
    nowhere = [{**east[0], "place_id": quarter.people["west"]}]
    await saved("PATROL_POINT_ELSEWHERE", check_points=nowhere)
    plan = await quarter.plan()
    await saved("ROW_EXISTS")
    mine = {"place_id": quarter.places[GRID], "check_points": [], "plan_id": plan}
    await saved("PERMISSION_DENIED", "west-planner", **mine)

    async def ended(code: str, who: str = "planner", **given: Any) -> None:
        await refused(quarter, code, lambda: quarter.run(who, "patrol.plan.end", plan, **given))

    await ended("PERMISSION_DENIED", "west-planner")
    await ended("PATROL_PLAN_END_PAST", on="2020-01-01")
    await quarter.run("planner", "patrol.plan.save", **quarter.plan_of(plan_id=plan, times=3))
    await quarter.fetch("UPDATE core.patrol_plan SET source = 'package'")
    await ended("PATROL_PLAN_OF_PACKAGE")
    await saved("PATROL_PLAN_OF_PACKAGE", plan_id=plan)
    await quarter.fetch("UPDATE core.patrol_plan SET source = 'entered'")
    await quarter.run("planner", "patrol.plan.end", plan)
    await ended("PATROL_PLAN_ENDED")


async def test_visits_fall_due_by_need_and_a_refusal_is_a_result(quarter: Quarter) -> None:
    place = quarter.places[GRID]
    today = MONDAY.astimezone(quarter.tenant.timezone).date()
    await quarter.run("planner", "visit.need.save", place_id=place, level="high")

    async def next_day() -> date:
        found: date = await quarter.value("SELECT next_due_on FROM core.visit_need")
        return found

    assert await next_day() == today + timedelta(days=1)
    await quarter.run("west", "visit.log", place_id=place, outcome="absent")
    assert await next_day() == today + timedelta(days=1)
    await quarter.run("west", "visit.log", place_id=place, outcome="refused")
    assert await next_day() == today + timedelta(days=7)
    quarter.pass_days(1)
    noted = {"topics": ["water"], "note": "水压低"}
    await quarter.run("west", "visit.log", place_id=place, **noted)
    assert await next_day() == today + timedelta(days=8)


async def test_visits_and_needs_that_are_refused(quarter: Quarter) -> None:
    place = quarter.places[GRID]
    need = await quarter.made("planner", "visit.need.save", place_id=place, level="high")
    await quarter.run("planner", "visit.need.save", place_id=place, level="key")
    assert await quarter.value("SELECT rule FROM core.visit_need") == "第五条"

    async def visited(code: str, who: str = "west", **given: Any) -> None:
        await refused(quarter, code, lambda: quarter.run(who, "visit.log", place_id=place, **given))

    await visited("PLACE_NOT_FOUND", "east")
    await visited("VISIT_TOPIC_UNKNOWN", topics=["gossip"])
    await visited("VISIT_REFUSED_NOTED", outcome="refused", note="x")
    await visited("VISIT_REFUSED_NOTED", outcome="refused", topics=["water"])

    async def needed(code: str, level: str, who: str = "planner") -> None:
        await refused(
            quarter,
            code,
            lambda: quarter.run(who, "visit.need.save", place_id=place, level=level),
        )

    await needed("VISIT_LEVEL_UNKNOWN", "score-5")
    await needed("VISIT_NEED_THERE", "key")
    await needed("PERMISSION_DENIED", "high", "west")
    await quarter.run("planner", "visit.need.end", need, reason="本人不愿再被走访")
    await refused(
        quarter,
        "VISIT_NEED_ENDED",
        lambda: quarter.run("planner", "visit.need.end", need, reason="再次"),
    )


async def test_only_a_person_walks_and_visits(quarter: Quarter) -> None:
    place = {"place_id": quarter.places[GRID]}
    walk = {**place, "plan_id": await quarter.plan()}

    async def by_the_platform(command: Any, given: dict[str, Any]) -> None:
        async with quarter.context(None) as ctx:
            await run(ctx, Call(declaration(command), given))

    await refused(quarter, "PATROL_WALKER", lambda: by_the_platform(log_patrol, walk))
    await refused(quarter, "VISIT_NOBODY", lambda: by_the_platform(log_visit, place))


def test_rules_that_cannot_be_read_are_told_with_their_field() -> None:
    with pytest.raises(Invalid) as error:
        read_rules({"levels": [{"code": "a", "name_zh": "a", "name_en": "a", "per": "hour"}]})
    assert error.value.code == "PATROL_RULES_INVALID"
    assert error.value.field == "levels[1].per"


def test_periods_and_due_days_at_their_edges() -> None:
    assert period_begin(date(2026, 11, 22), Per.WEEK) == date(2026, 11, 16)
    assert period_begin(date(2026, 11, 23), Per.WEEK) == date(2026, 11, 23)
    assert period_begin(date(2026, 11, 30), Per.MONTH) == date(2026, 11, 1)
    assert period_end(date(2026, 11, 22), Per.WEEK) == date(2026, 11, 22)
    assert period_end(date(2026, 2, 3), Per.MONTH) == date(2026, 2, 28)
    assert next_due(date(2026, 1, 31), 1, VisitPer.MONTH) == date(2026, 2, 28)
    assert next_due(date(2026, 11, 30), 1, VisitPer.QUARTER) == date(2027, 2, 28)
    assert next_due(date(2024, 2, 29), 1, VisitPer.YEAR) == date(2025, 2, 28)
    assert next_due(date(2026, 11, 23), 2, VisitPer.WEEK) == date(2026, 11, 26)
    assert next_due(date(2026, 11, 23), 50, VisitPer.WEEK) == date(2026, 11, 24)


def test_there_is_no_tally_of_a_worker_and_no_track() -> None:
    for record in (PATROL, VISIT):
        assert "account" not in {*record.filters, *record.sort, *record.dimensions}
        assert not record.dimensions
        assert not record.measures
        assert not record.rollups
    named = {column._meta.name for table in (Patrol, Visit) for column in columns_of(table)}
    assert not [name for name in named if name[:4] in ("lon_", "lat_", "crs_")]


async def test_a_need_that_ends_meanwhile_is_left_and_another_begins(quarter: Quarter) -> None:
    place = quarter.places[GRID]
    need = await quarter.made("planner", "visit.need.save", place_id=place, level="high")
    async with quarter.platform.database.unit(quarter.tenant.id) as unit:
        await unit.execute("UPDATE core.visit_need SET ended_on = '2026-11-23', version = 2")
        another = quarter.made("planner", "visit.need.save", place_id=place, level="key")
        # With nothing of this context: a unit of its own and no savepoint of this one.
        saving = asyncio.create_task(another, context=Context())
        await awaited(unit, saving)
    assert await saving != need
    rows = await quarter.fetch("SELECT id, level, ended_on FROM core.visit_need ORDER BY id")
    assert [(row["level"], row["ended_on"] is None) for row in rows] == [
        ("high", False),
        ("key", True),
    ]


async def awaited(unit: Unit, task: asyncio.Task[Any]) -> None:
    """Until the task waits for a lock of this unit."""
    while not await unit.fetchval(AWAITED):
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
