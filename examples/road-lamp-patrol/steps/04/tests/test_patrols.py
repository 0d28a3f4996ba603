"""A dark lamp opens an event, which closes when a patrol has seen the lamp lit."""

import uuid

import pytest
from jingwei_sdk.errors import Conflict
from jingwei_sdk.testing.contract import GRID, CapturedHooks, CapturedJobs, City, EvidenceBox

TO_THE_END = ("file", "verify", "dispatch", "handle", "check")


async def a_lamp(city: City) -> uuid.UUID:
    place = str(await city.place(GRID))
    return (await city.run("road-lamp.register", code="L-01", place_id=place)).id


async def event_of(city: City, lamp: uuid.UUID) -> uuid.UUID | None:
    (row,) = await city.fetch("SELECT event FROM road_lamp_patrol.lamp WHERE id = $1", lamp)
    found: uuid.UUID | None = row["event"]
    return found


async def test_a_second_look_at_a_dark_lamp_opens_no_second_event(jingwei_city: City) -> None:
    lamp = await a_lamp(jingwei_city)
    await jingwei_city.run("road-lamp.patrol", lamp, condition="dark", note="灯罩破损")
    await jingwei_city.run("road-lamp.patrol", lamp, condition="dark")
    events = await jingwei_city.fetch("SELECT id, title FROM core.event")
    assert [event["title"] for event in events] == ["路灯不亮：L-01"]
    assert events[0]["id"] == await event_of(jingwei_city, lamp)


async def test_closing_waits_for_light(
    jingwei_city: City, captured_hooks: CapturedHooks, captured_jobs: CapturedJobs
) -> None:
    lamp = await a_lamp(jingwei_city)
    await jingwei_city.run("road-lamp.patrol", lamp, condition="dark")
    event = await event_of(jingwei_city, lamp)
    assert event is not None
    await jingwei_city.take(event, *TO_THE_END)
    with pytest.raises(Conflict, match="ROAD_LAMP_STILL_DARK"):
        await jingwei_city.take(event, "close")
    await jingwei_city.run("road-lamp.patrol", lamp, condition="lit")
    await jingwei_city.take(event, "close")
    await captured_jobs.run_all()
    assert await event_of(jingwei_city, lamp) is None
    asked = captured_hooks.of("before_event_transition")
    assert [call.given.action for call in asked][-2:] == ["close", "close"]
    assert [call.answer is None for call in asked][-2:] == [False, True]


async def test_the_repair_is_shown_by_a_photo(
    jingwei_city: City, jingwei_evidence: EvidenceBox
) -> None:
    lamp = await a_lamp(jingwei_city)
    await jingwei_city.run("road-lamp.patrol", lamp, condition="dark")
    event = await event_of(jingwei_city, lamp)
    assert event is not None
    await jingwei_city.take(event, "file", "verify", "dispatch")
    mender = await jingwei_city.as_role("handler", department="lamps")
    photo = {"id": str(await jingwei_evidence.photo(mender)), "phase": "after"}
    await mender.run("event.act", event, action="handle", note="已换灯", evidence=[photo])
    (row,) = await jingwei_city.fetch("SELECT state FROM core.event WHERE id = $1", event)
    assert row["state"] == "handled"
