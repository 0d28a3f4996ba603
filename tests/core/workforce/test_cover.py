"""A substitute has the posts, the desk and the sight of the one who is away, for the leave only."""

from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.events.computed_fields import acted_for_names
from jingwei_core.privacy.account_rights import erase_account
from jingwei_sdk.errors import NotFound
from tests.core.events.city import GRID, SIBLING
from tests.core.events.test_reading import my_queue, read
from tests.core.workforce.street import Street, at

INSTANT = timedelta(microseconds=1)
MIDNIGHT = 15 / 24
"""From 09:00 in the city to the end of the day, in days."""


async def scope(street: Street, login: str) -> tuple[Any, ...]:
    async with street.context(login) as ctx:
        return ctx.permissions.paths("event.file"), ctx.actor.covers, ctx.actor.department_ids


async def test_posts_desk_and_departments_begin_and_end_with_the_leave(street: Street):
    leave = await street.leave("roads-officer", "east", 1, 3)
    west = await street.approved("west", "deputy", 1, 3)
    officer, roads = street.people["roads-officer"], street.departments["roads"]
    street.clock.instant = at(1)
    assert await scope(street, "east") == ((SIBLING,), frozenset(), frozenset())
    assert (await scope(street, "deputy"))[:2] == ((GRID, SIBLING), {street.people["west"]})
    await street.run("street-chief", "leave.approve", leave)
    before, begin, last, end = at(1) - INSTANT, at(1), at(3) - INSTANT, at(3)
    for instant, is_covering in ((before, 0), (begin, 1), (last, 1), (end, 0), (before, 0)):
        street.clock.instant = instant
        wanted = ({officer}, {roads}) if is_covering else (set(), set())
        assert (await scope(street, "east"))[1:] == wanted
        paths = (GRID, SIBLING) if is_covering else (SIBLING,)
        assert (await scope(street, "deputy"))[0] == paths
        assert (await scope(street, "west"))[0] == (GRID,)
    rows = await street.fetch("SELECT * FROM core.post WHERE covers = $1", west)
    assert [(r["account"], r["valid_from"], r["valid_to"]) for r in rows] == [
        (street.people["deputy"], begin, end)
    ]


async def test_a_cover_ends_at_midnight_of_the_city(street: Street):
    event = await street.report("worker")
    await street.fetch(
        "UPDATE core.event SET assigned_account = $2 WHERE id = $1", event, street.people["west"]
    )
    await street.approved("west", "east", MIDNIGHT, 1 + MIDNIGHT)
    midnight = at(1 + MIDNIGHT)
    assert midnight.astimezone(street.tenant.timezone).time().isoformat() == "00:00:00"
    cases = ((at(MIDNIGHT) - INSTANT, []), (at(MIDNIGHT), [event]))
    for instant, seen in (*cases, (midnight - INSTANT, [event]), (midnight, [])):
        street.clock.instant = instant
        assert await read(street, "east") == seen
        assert await read(street, "west") == [event]


async def test_an_early_return_ends_it_at_once(street: Street):
    leave = await street.approved("west", "deputy", 1, 3)
    street.clock.instant = at(2)
    await street.run("west", "leave.end", leave)
    assert (await scope(street, "deputy"))[:2] == ((SIBLING,), frozenset())
    street.clock.instant = at(2) - INSTANT
    street.platform.access_cache.drop(street.tenant.id, street.people["deputy"])
    assert (await scope(street, "deputy"))[:2] == ((GRID, SIBLING), {street.people["west"]})
    stored = await street.fetch("SELECT ends_at, asked_until FROM core.leave WHERE id = $1", leave)
    assert tuple(stored[0]) == (at(2), at(3))


async def test_nobody_stands_in_for_who_was_erased(street: Street):
    await street.approved("west", "deputy", 1, 3)
    async with street.context(None) as ctx:
        await erase_account(ctx, street.people["west"])
    street.clock.instant = at(2)
    assert (await scope(street, "deputy"))[:2] == ((SIBLING,), frozenset())


async def test_the_queue_and_the_step_of_who_is_covered_and_for_whom(street: Street):
    event = await street.report("worker")
    await street.fetch(
        "UPDATE core.event SET state = 'dispatched', assigned_department = $2,"
        " assigned_account = $3 WHERE id = $1",
        event,
        street.departments["roads"],
        street.people["roads-officer"],
    )
    await street.approved("roads-officer", "east", 1, 3)
    for instant, wanted in ((at(1) - INSTANT, []), (at(3) - INSTANT, [event]), (at(3), [])):
        street.clock.instant = instant
        assert await read(street, "east", my_queue) == wanted
        assert await read(street, "east") == wanted
        assert await read(street, "roads-officer", my_queue) == [event]
    street.clock.instant = at(1) - INSTANT
    with pytest.raises(NotFound):
        await street.act("east", event, "handle", note="路面已修复")
    street.clock.instant = at(1)
    photo = await street.photo("east")
    after = [{"id": str(photo), "phase": "after"}]
    await street.act("east", event, "handle", note="路面已修复", evidence=after)
    step = (await street.steps(event))[-1]
    assert step["actor"] == street.people["east"]
    assert step["acted_for"] == street.people["roads-officer"]
    async with street.context("east") as ctx:
        assert await acted_for_names(ctx, [step]) == ["roads-officer"]
    audited = await street.value(
        "SELECT changes::text FROM core.audit_entry ORDER BY sequence DESC LIMIT 1"
    )
    assert f'"covered_by": "{street.people["east"]}"' in audited
