"""Handling types, who found it, and the first receiver, at registration."""

import uuid

import pytest

from jingwei_sdk.errors import Invalid, JingweiError
from tests.core.events.city import POTHOLE, City
from tests.core.events.rulebook import action, put, workflow
from tests.core.routing.duties import everything, routed


async def rule(city: City, handling: str, kind: str, code: str) -> None:
    await city.fetch(
        "INSERT INTO core.handling_rule (handling, kind, workflow) VALUES ($1, $2, $3)",
        *(handling, kind, code),
    )


async def workflow_of(city: City, event: uuid.UUID) -> tuple[str, str]:
    row = await city.fetch(
        "SELECT w.code, e.handling FROM core.event e JOIN core.workflow w ON w.id = e.workflow"
        " WHERE e.id = $1",
        event,
    )
    return row[0]["code"], row[0]["handling"]


async def test_the_handling_type_chooses_the_workflow(city: City) -> None:
    ruling = await routed(city, workflow(handling="general"))
    for code in ("quick", "slow"):
        await put(ruling, workflow(code=code))
    assert await workflow_of(ruling, await ruling.report()) == ("guarded", "general")
    # The kind's own workflow is made for it.
    assert (await workflow_of(ruling, await ruling.report(handling="general")))[0] == "guarded"
    before = await everything(ruling)
    for handling in ("emergency", "whatever"):
        with pytest.raises(Invalid, match="EVENT_HANDLING_UNKNOWN"):
            await ruling.report(handling=handling)
    assert await everything(ruling) == before
    await rule(ruling, "emergency", "city", "slow")
    assert await workflow_of(ruling, await ruling.report(handling="emergency")) == (
        *("slow", "emergency"),
    )
    await rule(ruling, "emergency", POTHOLE, "quick")
    assert (await workflow_of(ruling, await ruling.report(handling="emergency")))[0] == "quick"
    assert (await workflow_of(ruling, await ruling.report()))[0] == "guarded"
    await rule(ruling, "approval", "", "gone")
    with pytest.raises(JingweiError, match="EVENT_WORKFLOW_MISSING"):
        await ruling.report(handling="approval")


async def test_who_found_it_is_an_active_account(city: City) -> None:
    ruling = await routed(city, workflow())
    event = await ruling.report(found_by=str(ruling.people["chief"]))
    row = await ruling.event(event)
    assert (row["found_by"], row["reporter"]) == (ruling.people["chief"], ruling.people["worker"])
    await ruling.fetch("UPDATE core.account SET status = 'suspended' WHERE login = 'clerk'")
    before = await everything(ruling)
    for account in (ruling.people["clerk"], uuid.uuid4()):
        with pytest.raises(Invalid, match="EVENT_FINDER_UNKNOWN"):
            await ruling.report(found_by=str(account))
    assert await everything(ruling) == before


async def test_the_first_receiver_stays_whoever_the_event_goes_to(city: City) -> None:
    ruling = await routed(city, workflow())
    event = await ruling.report()
    assert (await ruling.event(event))["first_receiver"] is None
    for source in ("resident", "hotline", "media"):
        public = await ruling.report(source=source)
        await ruling.act("centre", public, "start")
        assert (await ruling.event(public))["first_receiver"] == ruling.people["worker"]
    back = action("back", ["work"], "work", effects=[{"effect": "assign", "to": "first_receiver"}])
    await put(ruling, workflow(back))
    event = await ruling.report()
    await ruling.act("centre", event, "start")
    await ruling.act("chief", event, "wait", reason="待确认")
    await ruling.act("worker", event, "resume")
    assert (await ruling.event(event))["first_receiver"] == ruling.people["centre"]
    await ruling.act("chief", event, "back")
    row = await ruling.event(event)
    assert row["assigned_account"] == ruling.people["centre"]
