"""Lists of routing as a reader is shown them."""

import base64
import uuid
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from jingwei_core.reading.narrowing import criteria, shape_of
from jingwei_core.reading.selection import EdgeNode, Edges, Id, Page, Wanted
from jingwei_core.routing.questions import (
    LackingQuestion,
    events_amber,
    events_lacking_actors,
    reports_waiting,
)
from jingwei_core.session import CoreContext
from jingwei_sdk.narrowing import Narrowed
from tests.core.events.city import GRID, IN_SIBLING, ROOT, SIBLING, City
from tests.core.events.frozen_clock import FrozenClock
from tests.core.events.rulebook import Rooms, action, state, workflow
from tests.core.events.test_guards import working
from tests.core.reading.desk import answer
from tests.core.routing.duties import routed
from tests.core.routing.test_reports_up import UPWARD, alarm


async def listed(
    city: City, login: str, record: str, narrow: Callable[..., Narrowed], *given: Any
) -> set[uuid.UUID]:
    """The rows that answer a question, in sight of an account."""
    async with city.context(login) as ctx:
        where = narrow(await _asker(ctx), *given).where
        extra = criteria(shape_of(where), lambda asked: where)
        edges = Edges("edges", (EdgeNode("node", (Id("id"),)),))
        page = Page("rows", ctx.registry.records[record], Wanted(extra, size=100), (edges,))
        found = await answer(ctx, page)
    ids = [base64.b64decode(edge["node"]["id"]).decode() for edge in found["rows"]["edges"]]
    return {uuid.UUID(one.partition(":")[2]) for one in ids}


async def _asker(ctx: CoreContext) -> Any:
    rules = await ctx.configuration.get()
    return SimpleNamespace(
        rules=rules, actor=ctx.actor, permissions=ctx.permissions, now=ctx.now(), tenant=ctx.tenant
    )


def complete() -> dict[str, Any]:
    """A loop in which everybody leaves a mark, and a short way out that leaves none."""
    definition = workflow(
        action("own", ["work"], "work", assigns="assignee", marks=["owned"]),
        action("solve", ["work"], "checking", marks=["solved"]),
        action("check", ["checking"], "done", marks=["checked"]),
        action("drop", ["work"], "dropped", requires=["reason"]),
    )
    definition["states"] += [state("checking"), state("dropped", "final")]
    return definition


async def test_closed_events_that_lack_one_of_the_five_are_listed(city: City) -> None:
    ruling = await routed(city, complete())
    async with ruling.context(None) as ctx:
        assert (await _asker(ctx)).rules.definitions

    async def through(event: uuid.UUID) -> uuid.UUID:
        mender = str(ruling.people["mender"])
        await ruling.act("centre", event, "own", assignee=mender)
        await ruling.act("mender", event, "solve")
        await ruling.act("chief", event, "check")
        return event

    await through(await working(ruling))
    found_by_nobody = await through(await working(ruling, source="hotline"))
    await through(await working(ruling, source="hotline", found_by=str(ruling.people["clerk"])))
    unowned = await working(ruling)
    await ruling.act("chief", unowned, "finish")
    dropped, still_open = await working(ruling), await working(ruling)
    await ruling.act("chief", dropped, "drop", reason="误报")
    far = await ruling.report("other-worker", position=IN_SIBLING)
    await ruling.act("centre", far, "start")
    await ruling.act("chief", far, "finish")
    assert still_open

    def asked(place: str | None = None) -> tuple[Any, ...]:
        place_id = None if place is None else ruling.places[place]
        return "Event", events_lacking_actors, LackingQuestion(place_id)

    assert await listed(ruling, "chief", *asked()) == {found_by_nobody, unowned, far}
    assert await listed(ruling, "chief", *asked(ROOT)) == {found_by_nobody, unowned, far}
    assert await listed(ruling, "chief", *asked(GRID)) == {found_by_nobody, unowned}
    assert await listed(ruling, "chief", *asked(SIBLING)) == {far}
    assert await listed(ruling, "worker", *asked()) == {found_by_nobody, unowned}


async def test_amber_events_are_listed_until_they_are_due(city: City) -> None:
    clock = city.platform.clock
    assert isinstance(clock, FrozenClock)
    ruling = await routed(city, workflow())
    event = await working(ruling)
    found = []
    for hours in (0, 5.5, 2):  # warned of at 14:12, due at 15:00
        clock.forward(hours=hours)
        found.append(await listed(ruling, "chief", "Event", events_amber))
    assert found == [set(), {event}, set()]


async def test_reports_wait_for_their_recipients_and_for_who_supervises(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    rooms.meant = {UPWARD[1]: (ruling.people["checker"],)}
    event = await working(ruling)
    await ruling.act("worker", event, "alarm")
    rows = await ruling.fetch("SELECT id, account FROM core.event_report_up")
    mine = {row["id"] for row in rows if row["account"] is not None}
    nobodys = {row["id"] for row in rows if row["account"] is None}
    assert (len(mine), len(nobodys)) == (1, 3)
    assert await listed(ruling, "checker", "EventReportUp", reports_waiting) == mine
    assert await listed(ruling, "superior", "EventReportUp", reports_waiting) == nobodys
    assert await listed(ruling, "chief", "EventReportUp", reports_waiting) == set()
    await ruling.run("checker", "event.acknowledge", *mine)
    assert await listed(ruling, "checker", "EventReportUp", reports_waiting) == set()
