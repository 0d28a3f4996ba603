"""Steps that pause, report upward and tell people; supervision, more time, merging."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

from jingwei_core.platform import Platform
from tests.core.events.city import City, build_city
from tests.core.events.rulebook import action, ruled, state, workflow
from tests.core.events.test_guards import working
from tests.core.routing.duties import GRANTS
from tests.core.routing.test_duties import allow_extensions
from tests.faults.site import Act, Caller

SOME_TIME = {"amount": 2, "unit": "work_hour", "reason": "等待材料"}
UPWARD = {"effect": "report_up", "whom": ["role:superior@city", "role:checker@city"]}
TELLING = {"effect": "notify", "whom": ["reporter", "assigned"], "message": "EVENT_CHANGED"}


def _definition() -> dict[str, Any]:
    definition = workflow(
        action("alarm", ["work"], "work", effects=[UPWARD]),
        action("hold", ["work"], "work", effects=[{"effect": "clock", "does": "pause"}]),
        action("merge", ["begin", "work"], "merged", permission="event.merge"),
    )
    definition["states"].append(state("merged", "final"))
    return definition


async def routing_acts(platform: Platform, workers: Any) -> list[Act]:
    """One act for each command of routing, and steps with each effect."""
    city = await _city(platform)

    def who(login: str) -> Caller:
        at = platform.clock.now()
        return Caller(city.tenant.id, city.people[login], at, workers, every_point=True)

    supervised, asking, asked = [await _assigned(city) for _ in range(3)]
    later = platform.clock.now() + timedelta(days=2)
    why = {"reason": "群众反复反映", "due_at": later}
    watched = (await city.run("superior", "event.supervise", supervised, **why)).row_id
    extension = (await city.run("mender", "event.ask-extension", asked, **SOME_TIME)).row_id
    told = await working(city)
    await city.act("chief", told, "alarm")
    report = await city.value(
        "SELECT id FROM core.event_report_up WHERE event = $1 AND account = $2",
        told,
        city.people["superior"],
    )
    waiting = await working(city)
    await city.act("chief", waiting, "wait", reason="待确认")
    superior, mender, chief = who("superior"), who("mender"), who("chief")
    return [
        mender.act("event.answer", watched, answer="明日完工"),
        superior.act("event.supervise", await _assigned(city), "of somebody", **why),
        mender.act("event.ask-extension", asking, **SOME_TIME),
        superior.act("event.decide-extension", extension, is_granted=True),
        superior.act("event.acknowledge", report),
        superior.act("event.merge", await working(city), into=await working(city)),
        chief.act("event.act", await working(city), "reports upward", action="alarm"),
        chief.act("event.act", await working(city), "pauses the clock", action="hold"),
        chief.act("event.act", await working(city), "suspends", action="wait", reason="待确认"),
        chief.act("event.act", waiting, "goes on", action="resume"),
    ]


async def _city(platform: Platform) -> City:
    plain = await build_city(platform)
    city = replace(await ruled(plain, _definition()), platform=platform)
    for role, permissions in GRANTS.items():
        await city.fetch(
            "UPDATE core.role SET permissions = permissions || $1::text[] WHERE code = $2",
            permissions,
            role,
        )
    await allow_extensions(city)
    platform.forget()
    return city


async def _assigned(city: City) -> uuid.UUID:
    event = await city.report()
    await city.act("centre", event, "start", assignee=str(city.people["mender"]))
    return event
