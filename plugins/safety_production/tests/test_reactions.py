"""What work safety does of itself: reactions, reminders, what the public sees and tells, demo rows,
rights."""

import uuid
from random import Random
from typing import Any

import pytest

from jingwei_safety_production.checklists import standard_checklists
from jingwei_safety_production.data_rights import erase_inspector, export_inspector
from jingwei_safety_production.demo import fill
from jingwei_safety_production.following import due_hazards, major_hazards
from jingwei_safety_production.reactions import inspections_of_an_account
from jingwei_safety_production.tips import (
    EVENT_KIND,
    PUBLIC_FORMS,
    HazardTip,
    OwnTip,
    StillThere,
    take_tip,
    take_up_again,
    tell_state,
)
from jingwei_sdk.channels import Delivered
from jingwei_sdk.errors import NotFound
from jingwei_sdk.hook_specs import extend_subject_export
from jingwei_sdk.payloads import SubjectExport
from jingwei_sdk.testing.contract import (
    GRID,
    CapturedChannels,
    CapturedHooks,
    CapturedJobs,
    City,
    WorkingClock,
)

INSPECT = (
    *("organisation.read", "place.read", "event.read", "safety.enterprise.read"),
    *("safety.inspection.read", "safety.inspection.write", "safety.hazard.write"),
)
INSPECTORS = "SELECT inspector FROM safety_production.inspection"
KIND_OF_EVENTS = "SELECT k.code FROM core.event e JOIN core.event_kind k ON k.id = e.kind"


async def enterprise(city: City) -> uuid.UUID:
    place = str(await city.place(GRID))
    organisation = await city.run("organisation.register", place_id=place, name="示范餐馆01")
    return (await city.run("safety.enterprise.register", organisation.id)).id


async def inspected(city: City, level: str = "general") -> Any:
    """An inspection by an account of its own that found a hazard; the account."""
    target = await enterprise(city)
    await city.run("safety.checklist.load-standard")
    (checklist,) = await city.fetch(
        "SELECT id FROM safety_production.checklist WHERE code = 'small-shop'"
    )
    standard = next(each for each in standard_checklists() if each.code == "small-shop")
    codes = [item.code for item in standard.items]
    items = [{"code": code, "verdict": "pass" if at else "fail"} for at, code in enumerate(codes)]
    hazard = {"item": codes[0], "description": "通道堵塞", "level": level}
    inspector = await city.holding(*INSPECT)
    told = {"checklist": str(checklist["id"]), "items": items, "hazards": [hazard]}
    await inspector.run("safety.inspection.record", target, **told)
    return inspector


async def test_whoever_switches_it_on_has_checklists(
    jingwei_city: City, captured_hooks: CapturedHooks, captured_jobs: CapturedJobs
) -> None:
    await captured_jobs.run_all()
    assert captured_hooks.of("on_plugin_enabled")
    codes = await jingwei_city.fetch("SELECT code FROM safety_production.checklist ORDER BY code")
    assert [row["code"] for row in codes] == ["industrial", "small-shop"]


@pytest.mark.jingwei(settings={"department_major": "lamps"})
async def test_a_major_hazard_has_its_department(
    jingwei_city: City, captured_hooks: CapturedHooks
) -> None:
    await inspected(jingwei_city, "major")
    (event,) = await jingwei_city.fetch("SELECT id FROM core.event")
    await jingwei_city.take(event["id"], "file", "verify")
    await jingwei_city.run("event.act", event["id"], action="dispatch")
    (call,) = captured_hooks.of("decide_event_department")
    assert call.answer.code == "lamps"
    kinds = await jingwei_city.fetch(KIND_OF_EVENTS)
    assert [row["code"] for row in kinds] == ["safety.hazard.inspection"]


async def test_a_persons_copy_holds_their_inspections_until_they_are_taken_out(
    jingwei_city: City,
) -> None:
    inspector = await inspected(jingwei_city)
    asked = SubjectExport("Account", inspector.account_id, {})
    async with jingwei_city.system() as ctx:
        told = await inspections_of_an_account(ctx, asked)
        assert len(told.topics["safety-production.inspections"]) == 1
        assert extend_subject_export.name == "extend_subject_export"
        held = await export_inspector(ctx, inspector.account_id)
        assert len(held["inspected_on"]) == 1
        assert await erase_inspector(ctx, inspector.account_id) == 1
        assert await erase_inspector(ctx, inspector.account_id) == 0
    assert [row["inspector"] for row in await jingwei_city.fetch(INSPECTORS)] == [None]


async def test_the_inspector_is_reminded_before_the_last_day(
    jingwei_city: City, jingwei_clock: WorkingClock
) -> None:
    inspector = await inspected(jingwei_city)
    async with jingwei_city.system() as ctx:
        assert await due_hazards(ctx) == []
    jingwei_clock.advance(days=13)
    async with jingwei_city.system() as ctx:
        (due,) = await due_hazards(ctx)
    assert (due.account, due.about[0]) == (inspector.account_id, "SafetyHazard")


async def test_the_public_page_tells_numbers_only(jingwei_city: City) -> None:
    await inspected(jingwei_city, "major")
    async with jingwei_city.system() as ctx:
        told = await major_hazards(ctx, {})
    assert dict(told) == {"open": 1, "settled": 0, "day": "2026-06-03"}


async def test_a_tip_of_the_public_is_an_event_at_its_place(jingwei_city: City) -> None:
    public = await jingwei_city.holding(*PUBLIC_FORMS[0].acts_with)
    async with public.context() as ctx:
        with pytest.raises(NotFound) as refusal:
            await take_tip(ctx, HazardTip("nowhere", "安全出口被杂物堵塞", (), "1a"))
        assert refusal.value.code == "SAFETY_PLACE_UNKNOWN"
        long = "安全出口被杂物堵塞\n" + "很久了" * 20
        told = await take_tip(ctx, HazardTip(GRID, long, (), "1a"))
        state = await tell_state(ctx, OwnTip("1a"))
        assert await tell_state(ctx, OwnTip("1b")) is None
    assert dict(told) == {"received": "2026-06-03"}
    assert state is not None
    assert (state["isFinished"], len(state["steps"]), state["photos"]) == (False, 1, [])
    kinds = [row["code"] for row in await jingwei_city.fetch(KIND_OF_EVENTS)]
    assert kinds == [EVENT_KIND]


@pytest.mark.jingwei(settings={"tip_again_action": "cancel"})
async def test_what_is_said_of_a_tip_again_is_a_step_of_its_event(jingwei_city: City) -> None:
    held = (*PUBLIC_FORMS[0].acts_with, "event.read", "event.cancel")
    public = await jingwei_city.holding(*held)
    async with public.context() as ctx:
        await take_tip(ctx, HazardTip(GRID, "安全出口被杂物堵塞", (), "1a"))
        assert await take_up_again(ctx, StillThere("1b", "还是堵着")) is None
        told = await take_up_again(ctx, StillThere("1a", "还是堵着"))
    assert told == {"received": "2026-06-03"}
    (last,) = await jingwei_city.fetch(
        "SELECT action, reason FROM core.event_step ORDER BY sequence DESC LIMIT 1"
    )
    assert tuple(last.values()) == ("cancel", "还是堵着")


async def test_demo_rows_are_added_once(jingwei_city: City) -> None:
    place = str(await jingwei_city.place(GRID))
    for number in range(3):
        await jingwei_city.run("organisation.register", place_id=place, name=f"示范店{number}")
    async with jingwei_city.system() as ctx:
        assert await fill(ctx, Random(1)) >= 6
        assert await fill(ctx, Random(1)) == 0
    assert len(await jingwei_city.fetch("SELECT id FROM safety_production.enterprise")) == 3


async def test_what_the_city_sends_outward_stays_in_the_test(
    jingwei_city: City, captured_jobs: CapturedJobs, captured_channels: CapturedChannels
) -> None:
    async with jingwei_city.system() as ctx:
        message = await ctx.signals.send("webhook", {"hazard": "通道堵塞"})
    await captured_jobs.run_all()
    (call,) = captured_channels.of("webhook")
    assert (call.message.id, call.message.data) == (message, {"hazard": "通道堵塞"})
    assert (call.city, call.outcome) == (jingwei_city.tenant.slug, Delivered())
    assert captured_channels.of("log") == []
