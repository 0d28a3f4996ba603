"""Whoever is given an event is told (DIGIT #904), though no workflow says so."""

import uuid

import pytest

from jingwei_core.notifications.rules import DEFAULTS, read_rules
from jingwei_sdk.errors import Invalid
from tests.core.notifications.told import Told


async def dispatched(city: Told) -> uuid.UUID:
    event = await city.report()
    await city.act("chief", event, "file")
    await city.act("chief", event, "verify", note="属实")
    await city.act("centre", event, "dispatch", department=city.departments["roads"])
    await city.settle()
    return event


async def codes(city: Told, login: str) -> list[str]:
    return [row["code"] for row in await city.inbox(login)]


async def test_the_members_of_the_department_are_told_and_nobody_else(city: Told) -> None:
    event = await dispatched(city)
    for login in ("mender", "second-mender"):
        assert await codes(city, login) == ["EVENT_ASSIGNED"]
    for login in ("plumber", "centre", "worker"):
        assert await codes(city, login) == []
    # The job is there at least once; nobody is told twice.
    city.done.clear()
    await city.settle()
    assert await codes(city, "mender") == ["EVENT_ASSIGNED"]
    assert (await city.inbox("mender"))[0]["subject_id"] == event


async def test_the_person_is_told_and_not_who_assigned(city: Told) -> None:
    event = await dispatched(city)
    await city.act("chief", event, "assign", assignee=city.people["mender"])
    await city.settle()
    assert await codes(city, "mender") == ["EVENT_ASSIGNED", "EVENT_ASSIGNED"]
    assert await codes(city, "second-mender") == ["EVENT_ASSIGNED"]
    assert await codes(city, "chief") == []


async def test_a_tenant_may_switch_it_off(city: Told) -> None:
    await city.rules(assigned_is_told=False)
    await dispatched(city)
    assert await codes(city, "mender") == []


async def test_rules_that_do_not_fit_are_refused() -> None:
    with pytest.raises(Invalid) as refused:
        read_rules({"quiet": {"begins": "25:00", "ends": "07:00"}})
    assert (refused.value.code, refused.value.field) == (
        "NOTIFICATION_RULES_INVALID",
        "quiet.begins",
    )
    assert read_rules(DEFAULTS.document()) == DEFAULTS
