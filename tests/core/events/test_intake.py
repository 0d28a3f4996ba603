"""What the platform does with a report at once: by source, in the reporter's name, or nothing."""

import pytest

from jingwei_sdk.errors import Invalid
from tests.core.events.city import City
from tests.core.events.listening_plugin import ListeningHooks
from tests.core.events.rulebook import action, ruled, workflow

RULE = {"sources": ["grid_worker"], "take": ["start", "look"]}
LOOK = action("look", ["work"], "work", permission="event.judge", marks=["found"])


async def test_a_collectors_report_is_filed_at_once_and_the_publics_is_not(
    city: City, hooks: ListeningHooks
) -> None:
    ruling = await ruled(city, workflow(LOOK, intake=[RULE], handling="general"))
    ours, theirs = await ruling.report(), await ruling.report(source="resident")
    row, who = await ruling.event(ours), ruling.people
    assert (row["state"], row["assigned_department"]) == ("work", ruling.departments["roads"])
    assert (row["found_by"], row["handling"]) == (who["worker"], "general")
    # The reporter may neither start nor look: the tenant's rule does, and the timeline says when.
    told = [
        (step["sequence"], step["action"], step["from_state"], step["to_state"], step["actor"])
        for step in await ruling.steps(ours)
    ]
    assert told == [
        (1, "report", None, "begin", who["worker"]),
        (2, "start", "begin", "work", who["worker"]),
        (3, "look", "work", "work", who["worker"]),
    ]
    assert row["state_due_at"] == (await ruling.steps(ours))[1]["due_at"]
    assert (await ruling.event(theirs))["state"] == "begin"
    assert len(await ruling.steps(theirs)) == 1


async def test_a_chain_that_cannot_be_taken_registers_nothing(city: City) -> None:
    ruling = await ruled(city, workflow(LOOK, intake=[RULE]))
    await ruling.fetch("UPDATE core.event_kind SET department = NULL")
    before = await ruling.state()
    with pytest.raises(Invalid) as refusal:
        await ruling.report()
    assert (refusal.value.code, refusal.value.field) == (
        "EVENT_DEPARTMENT_REQUIRED",
        "department",
    )
    assert await ruling.state() == before


async def test_what_is_taken_at_once_is_one_command(neighbour: City) -> None:
    ruling = await ruled(neighbour, workflow(LOOK, intake=[RULE]))
    await ruling.report()
    (entry,) = await ruling.fetch("SELECT command FROM core.audit_entry")
    assert entry["command"] == "event.report"
