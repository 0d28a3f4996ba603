"""Commands that meet a moving place, and steps that meet a change of their event."""

import asyncio
from contextvars import Context

import pytest

from jingwei_core.commands.data import UnitData
from jingwei_core.commands.steps import Changing
from jingwei_core.events.tables import Event
from jingwei_core.events.timeline import Entry, entry_of, next_entry
from jingwei_sdk.errors import Conflict, Unauthenticated
from tests.core.events.city import GRID, City
from tests.core.events.test_round_trips import REPORT, at_grid, keyed, reported

MOVE = "UPDATE core.place SET path = '/1/3/' WHERE path = $1"


async def test_a_report_that_meets_a_moving_place_waits_and_goes_along(neighbour: City) -> None:
    await reported(neighbour)
    async with neighbour.platform.database.unit(neighbour.tenant.id) as unit:
        await unit.execute(MOVE, GRID)
        report = asyncio.create_task(reported(neighbour), context=Context())
        await asyncio.sleep(0.3)
        assert not report.done()
    event = await neighbour.event(await report)
    assert event["place_path"] == "/1/3/"


async def test_a_move_waits_for_the_reports_that_came_before(neighbour: City) -> None:
    await reported(neighbour)
    async with neighbour.platform.database.unit(neighbour.tenant.id) as unit:
        await unit.execute(
            "INSERT INTO core.organisation (name, kind, place_id) VALUES ('甲', 'other', $1)",
            neighbour.places[GRID],
        )
        move = asyncio.create_task(neighbour.fetch(MOVE, GRID), context=Context())
        await asyncio.sleep(0.3)
        assert not move.done()
    await move
    assert await neighbour.value("SELECT place_path FROM core.organisation") == "/1/3/"


async def test_a_step_whose_event_changed_meanwhile_is_told_so(neighbour: City) -> None:
    event_id = await reported(neighbour)
    async with neighbour.context(None) as ctx:
        event = await ctx.data.get(Event, event_id)
        await ctx.data.update(event, title="别的")
        assert isinstance(ctx.data, UnitData)
        entry = next_entry(entry_of(ctx, event, Entry("file", event.state)))
        with pytest.raises(Conflict) as refused:
            await ctx.data.together(Changing(event, {"title": "坑"}), entry)
    assert refused.value.code == "ROW_CHANGED"


async def test_whoever_waited_for_a_key_is_looked_at_afterwards(neighbour: City) -> None:
    await reported(neighbour)
    before = await neighbour.state()
    given, worker = at_grid(neighbour), neighbour.people["worker"]
    async with neighbour.platform.database.unit(neighbour.tenant.id) as unit:
        assert await unit.fetchval("SELECT core.command_claims($1, 'one')", worker)
        waiting = asyncio.create_task(
            keyed(neighbour, "worker", REPORT, key="one", **given), context=Context()
        )
        await asyncio.sleep(0.3)
        assert not waiting.done()
        suspend = "UPDATE core.account SET status = 'suspended' WHERE id = $1"
        await asyncio.create_task(neighbour.fetch(suspend, worker), context=Context())
    with pytest.raises(Unauthenticated):
        await waiting
    assert await neighbour.state() == before
