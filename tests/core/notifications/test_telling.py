"""Who tells: a step of a workflow, in its transaction; a reminder, once; and one job at a time."""

import asyncio
import json
from datetime import timedelta

import pytest

from jingwei_core.notifications.sending import send
from jingwei_core.reminders.telling import tell as remind
from jingwei_sdk.context import Context
from jingwei_sdk.errors import JingweiError
from jingwei_sdk.reminders import Due, Reminder
from tests.core.events.city import IN_GRID
from tests.core.notifications.told import FLOWN, Told


async def telling(city: Told, action: str, **effect: str) -> None:
    """The city's workflow tells somebody when the action is taken."""
    found = await city.value("SELECT definition::text FROM core.workflow WHERE code = 'standard'")
    definition = json.loads(found)
    for each in definition["actions"]:
        if each["code"] == action:
            each["effects"] = [{"effect": "notify", **effect}]
    await city.fetch("UPDATE core.workflow SET definition = $1", json.dumps(definition))


async def test_a_step_tells_in_its_transaction(city: Told) -> None:
    await telling(city, "file", whom="reporter", message="EVENT_FILED")
    event = await city.report()
    with pytest.raises(JingweiError):
        await city.act("mender", event, "file")
    assert await city.inbox("worker") == []
    await city.act("chief", event, "file")
    number = (await city.event(event))["number"]
    assert await city.read("worker") == [f"事件 {number} 已立案"]
    (row,) = await city.inbox("worker")
    assert (row["subject_type"], row["subject_id"]) == ("Event", event)
    assert row["params"] in ({}, "{}")


async def test_who_stands_in_is_told_for_as_long_as_the_leave_lasts(city: Told) -> None:
    now = city.clock.now()
    await city.fetch(
        "INSERT INTO core.leave (account, kind, place_id, begins_at, ends_at, asked_until,"
        " substitute, state) VALUES ($1, 'sick', $2, $3, $4, $4, $5, 'approved')",
        city.people["worker"],
        city.places["/1/2/"],
        now - timedelta(hours=1),
        now + timedelta(hours=1),
        city.people["superior"],
    )
    await telling(city, "file", whom="reporter", message="EVENT_FILED")
    first = await city.report()
    await city.act("chief", first, "file")
    assert len(await city.inbox("superior")) == 1
    assert await city.inbox("worker") == []
    city.clock.forward(hours=1)
    second = await city.report(title="另一处坑洞", position=IN_GRID | {"lat": 30.6991})
    await city.act("chief", second, "file")
    assert len(await city.inbox("superior")) == 1
    assert len(await city.inbox("worker")) == 1


async def test_a_reminder_is_in_the_inbox_once(city: Told) -> None:
    event = await city.report()

    async def due(ctx: Context) -> list[Due]:
        return [Due(city.people["mender"], ("Event", event))]

    declared = Reminder("soon", "0 8 * * *", due, "EVENT_DUE_SOON")
    for _ in range(2):
        async with city.context(None) as ctx:
            await remind(ctx, "pigeons.soon", declared)
    (text,) = await city.read("mender")
    assert "即将到期" in text
    reminders = "SELECT 1 FROM core.reminder WHERE account = $1"
    assert len(await city.fetch(reminders, city.people["mender"])) == 1


async def test_two_jobs_at_once_send_a_notification_once(city: Told) -> None:
    FLOWN.clear()
    await city.tell("mender", "EVENT_ASSIGNED", await city.report())
    payload = {"accounts": [str(city.people["mender"])]}

    async def job() -> None:
        async with city.context(None) as ctx:
            await send(ctx, payload)

    await asyncio.gather(job(), job(), job())
    assert len(await city.fetch("SELECT 1 FROM core.outbox_message")) == 1
    await city.settle()
    assert len(city.flown("mender")) == 1
