"""Whom a rule means, over five levels with gaps, and who stands in for whom."""

from datetime import date, timedelta

import pytest

from jingwei_core.database.unit import Unit
from tests.core.recipients.tree import DEEPEST, UNDER_FOURTH, Tree, at

INSTANT = timedelta(microseconds=1)


async def test_a_role_at_a_level_and_at_the_nearest_place_upward(tree: Tree):
    assert await tree.meant("role:chief@street") == ["second", "street"]
    assert await tree.meant("role:chief@community") == ["community"]
    assert await tree.meant("role:chief@city") == ["mayor"]
    # No community lies above this grid, and the look-alike street is nobody's ancestor here.
    assert await tree.meant("role:chief@community", UNDER_FOURTH) == []
    assert await tree.meant("role:chief@street", UNDER_FOURTH) == []
    assert await tree.meant("role:chief@street", "/1/2/31/6/") == ["alike"]
    assert await tree.meant("role:chief@grid") == []
    assert await tree.meant("role:chief") == ["community"]
    assert await tree.meant("role:chief", UNDER_FOURTH) == ["district"]
    assert await tree.meant("role:chief", "/1/2/3/") == ["second", "street"]
    assert await tree.meant("role:worker", "/1/2/3/") == []
    assert await tree.meant("role:nobody") == []
    assert await tree.meant("supervisor") == ["watch"]
    await tree.post("idle", "admin", "/1/2/3/5/7/")
    assert await tree.meant("supervisor") == ["watch"]
    assert await tree.meant("supervisor", "/1/") == []


async def test_who_is_suspended_or_whose_post_is_over_is_passed_by(tree: Tree):
    await tree.execute(
        "UPDATE core.account SET status = 'suspended' WHERE id = $1", tree.people["community"]
    )
    assert await tree.meant("role:chief") == ["second", "street"]
    await tree.execute(
        "UPDATE core.post SET valid_to = $2 WHERE account = $1", tree.people["second"], at(1)
    )
    tree.move_clock(1)
    assert await tree.meant("role:chief") == ["street"]
    assert await tree.meant("role:chief@street") == ["street"]
    await tree.post("idle", "chief", "/1/2/3/5/7/", valid_from=at(2))
    assert await tree.meant("role:chief") == ["street"]
    tree.move_clock(2)
    assert await tree.meant("role:chief") == ["idle"]


async def test_who_has_to_do_with_it(tree: Tree):
    people, departments = tree.people, tree.departments
    matter = {
        "reporter": people["worker"],
        "department": departments["roads"],
        "first_receiver": people["idle"],
    }
    assert await tree.meant("reporter", **matter) == ["worker"]
    assert await tree.meant("first_receiver", **matter) == ["idle"]
    assert await tree.meant("assigned", **matter) == ["mender"]
    assert await tree.meant("department", **matter) == ["mender"]
    assert await tree.meant("assigned", account=people["plumber"], **matter) == ["plumber"]
    assert await tree.meant("department:water", **matter) == ["plumber"]
    assert await tree.meant("department:none", **matter) == []
    for nobody in ("reporter", "first_receiver", "assigned", "department", "seconded"):
        assert await tree.meant(nobody) == []


async def test_who_supervises_an_event_comes_before_who_could(tree: Tree):
    workflow = {"code": "short", "digest": "", "definition": "{}"}
    event = await tree.insert(
        "event",
        number="1",
        kind=await tree.insert("event_kind", code="leak", name="leak"),
        workflow=await tree.insert("workflow", **workflow),
        state="registered",
        title="leak",
        place_id=tree.places[DEEPEST],
        state_since=at(0),
    )
    assert await tree.meant("supervisor", event=event) == ["watch"]
    by = {"event": event, "reason": "overdue", "asked_at": at(0)}
    await tree.insert("supervision", supervisor=tree.people["street"], **by)
    assert await tree.meant("supervisor", event=event) == ["street"]
    await tree.leave("street", "idle", 0, 1)
    assert await tree.meant("supervisor", event=event) == ["idle"]
    assert await tree.meant("supervisor") == ["watch"]


async def test_the_seconded_of_the_assigned_and_of_the_kinds_department(tree: Tree):
    roads, water = tree.departments["roads"], tree.departments["water"]
    kind = await tree.insert("event_kind", code="leak", name="leak", department=water)
    day = date(2026, 11, 23)
    hosts = {
        "mender": (roads, "/1/2/3/", day - timedelta(days=1), None),
        "idle": (roads, "/1/2/31/", day - timedelta(days=1), None),
        "plumber": (water, "/1/2/", day - timedelta(days=9), day + timedelta(days=1)),
    }
    for login, (department, path, begin, end) in hosts.items():
        await tree.insert(
            "secondment",
            account=tree.people[login],
            department=department,
            place_id=tree.places[path],
            weekdays=[1, 2, 3, 4],
            valid_from=begin,
            valid_to=end,
        )
    assert await tree.meant("seconded", department=roads) == ["mender"]
    assert await tree.meant("seconded", "/1/2/31/6/", department=roads) == ["idle"]
    assert await tree.meant("seconded", UNDER_FOURTH, department=roads) == []
    assert await tree.meant("seconded", kind=kind) == ["plumber"]
    assert await tree.meant("seconded", department=roads, kind=kind) == ["mender", "plumber"]
    tree.move_clock(1)
    assert await tree.meant("seconded", department=roads, kind=kind) == ["mender"]


async def test_a_substitute_is_meant_for_the_leave_and_not_an_instant_longer(tree: Tree):
    leave = await tree.leave("community", "idle", 1, 2)
    await tree.post("idle", "chief", "/1/2/3/5/", valid_from=at(1), valid_to=at(2), covers=leave)
    for days, wanted in ((0, "community"), (1, "idle"), (2, "community")):
        tree.move_clock(days)
        assert await tree.meant("role:chief") == [wanted]
        assert await tree.meant("reporter", reporter=tree.people["community"]) == [wanted]
        assert await tree.meant("role:chief@community") == [wanted]
    clock = tree.platform.clock
    clock.instant = at(2) - INSTANT  # type: ignore[attr-defined]
    assert await tree.meant("role:chief") == ["idle"]
    clock.instant = at(1) - INSTANT  # type: ignore[attr-defined]
    assert await tree.meant("role:chief") == ["community"]


async def test_only_an_approved_leave_with_an_active_substitute_replaces_anybody(tree: Tree):
    for state in ("requested", "refused", "cancelled"):
        await tree.leave("community", "idle", 0, 2, state)
    assert await tree.meant("role:chief") == ["community"]
    await tree.leave("community", "idle", 0, 2)
    assert await tree.meant("role:chief") == ["idle"]
    suspend = "UPDATE core.account SET status = 'suspended' WHERE id = $1"
    await tree.execute(suspend, tree.people["idle"])
    assert await tree.meant("role:chief") == ["community"]
    # Both are out: the next place upward is asked.
    await tree.execute(suspend, tree.people["community"])
    assert await tree.meant("role:chief") == ["second", "street"]
    # Somebody holds the role and stands in for another one who does: told once.
    await tree.leave("second", "street", 0, 2)
    assert await tree.meant("role:chief@street") == ["street"]


async def test_one_statement_answers(tree: Tree, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    fetch = Unit.fetch

    async def counted(self: Unit, sql: str, *args: object):
        asked.append(sql)
        return await fetch(self, sql, *args)

    monkeypatch.setattr(Unit, "fetch", counted)
    for whom in ("role:chief", "role:chief@street", "seconded", "supervisor", "department:roads"):
        asked.clear()
        await tree.meant(whom, DEEPEST)
        assert len(asked) == 1, whom
