"""What users of eGov DIGIT had to report, as tests that pass here (its issues by their numbers).

Most are held by tests of the rooms that they concern; :data:`HELD_BY` names them, and they are
looked up, so that none can go unnoticed. What no other test asks in these words is asked below.
"""

import ast
from pathlib import Path

import pytest

from tests.core.events.city import City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.test_acting import dispatched

TESTS = Path(__file__).resolve().parents[2]
HELD_BY = {
    "Digit-Core #71: requests are not routed by jurisdiction": (
        "core/routing/test_routes.py::test_a_route_decides_by_kind_then_by_place"
    ),
    "#1100: people see what others reported": (
        "leak/test_reading.py::test_nothing_out_of_sight_is_told"
    ),
    "#1092: a masked value is written back over the real one": (
        "api/test_privacy.py::test_a_phone_reads_masked_and_is_revealed_on_record"
    ),
    "#1058: counts stop at the size of a page": (
        "api/test_aggregates.py::test_groups_count_what_is_in_sight"
    ),
    "#925: the window to reopen is fixed at an hour": (
        "core/events/test_guards.py::test_a_window_closes_with_its_last_instant"
    ),
    "#1144, #1212: the arithmetic of limits": (
        "core/events/test_work_clock_reference.py::test_it_counts_as_the_reference_does"
    ),
    "#904: workers are not told of what is assigned to them": (
        "core/notifications/test_assigned.py::test_the_person_is_told_and_not_who_assigned"
    ),
    "#901, #902: another tenant's data where one's own is missing": (
        "core/access/test_sign_in.py::test_the_neighbours_account_cannot_sign_in_here"
    ),
    "#1023: code and migrations of different age": (
        "sdk/test_row_11_old_code_new_schema.py::test_the_last_release_works_on_todays_database"
    ),
}


@pytest.mark.parametrize("fault", HELD_BY)
def test_a_fault_is_held_by_a_test(fault: str) -> None:
    path, _, name = HELD_BY[fault].partition("::")
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    functions = {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    assert name in functions


async def test_an_update_leaves_the_department_alone(city: City) -> None:
    """#1077: the department was overwritten with each update."""
    event = await dispatched(city)
    roads = city.departments["roads"]
    await city.run("centre", "event.comment", event, note="请尽快")
    await city.run("chief", "event.assign", event, assignee=str(city.people["mender"]))
    assert (await city.event(event))["assigned_department"] == roads
    photo = {"id": str(await city.photo("mender")), "phase": "after"}
    await city.act("mender", event, "handle", note="已修补", evidence=[photo])
    assert (await city.event(event))["assigned_department"] == roads
    await city.act("checker", event, "return_to_handler", reason="不平整")
    assert (await city.event(event))["assigned_department"] == roads


async def test_today_is_the_calendar_day_of_the_tenant(city: City) -> None:
    """#1462: "today" meant the last 24 hours."""
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    evening = await city.report()
    clock.forward(hours=14, minutes=59)  # 23:59
    last = await city.report()
    clock.forward(minutes=1)
    first = await city.report()
    numbers = [(await city.event(event))["number"] for event in (evening, last, first)]
    assert numbers == ["20261123-000001", "20261123-000002", "20261124-000001"]
    async with city.context("chief") as ctx:
        assert ctx.today().isoformat() == "2026-11-24"
        counted = await ctx.data.fetchval(
            "SELECT count(*) FROM core.event WHERE (created_at AT TIME ZONE $1)::date = $2",
            ctx.tenant.timezone.key,
            ctx.today(),
        )
    assert counted == 1
