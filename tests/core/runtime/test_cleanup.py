"""What the nightly jobs remove, and what they leave."""

import json
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from jingwei_core.session import system_context
from tests.core.runtime.city import City

NOW = datetime.now(UTC)

PLANT = {
    "core.key-cleanup": (
        "INSERT INTO core.command_key (account, key, command, digest, created_at)"
        " VALUES ($1, $2, 'test', '', $3)",
        "SELECT array_agg(key ORDER BY key) FROM core.command_key",
        timedelta(days=30),
    ),
    "core.token-cleanup": (
        "INSERT INTO core.refresh_token (account, family_id, digest, expires_at)"
        " VALUES ($1, core.uuid7(), $2, $3)",
        "SELECT array_agg(digest ORDER BY digest) FROM core.refresh_token",
        timedelta(days=7),
    ),
}


@pytest.mark.parametrize("job", PLANT)
async def test_only_what_is_old_goes_and_only_the_citys_own(
    city: City, other_city: City, job: str
) -> None:
    plant, left, kept_for = PLANT[job]
    for where in (city, other_city):
        async with where.platform.database.unit(where.tenant.id) as unit:
            for name, at in (
                ("new", NOW - kept_for + timedelta(hours=1)),
                ("old", NOW - kept_for - timedelta(hours=1)),
            ):
                await unit.execute(plant, where.accounts["root"], name, at)

    registry = await city.platform.registry(city.tenant.id)
    async with system_context(city.platform, city.tenant, f"job:{job}") as ctx:
        await registry.jobs[job].run(ctx, {})

    assert await city.scalar(left) == ["new"]
    assert await other_city.scalar(left) == ["new", "old"]


DAY = timedelta(days=1)
MESSAGE = (
    "INSERT INTO core.outbox_message (id, channel, payload, status, delivered_at, updated_at)"
    " VALUES ($1, $2, $3, $4, CASE WHEN $4 = 'delivered' THEN $5::timestamptz END, $5)"
)
CONSUMED = "INSERT INTO core.consumed (consumer, event_id, created_at) VALUES ('some:one', $1, $2)"
FAILED = (
    "UPDATE jobs.pgqueuer SET status = 'failed'"
    " WHERE convert_from(payload, 'UTF8')::jsonb ->> 'event' = $1::text"
)
# name -> channel, source, status, age in days
MESSAGES = {
    "delivered lately": ("webhook", "", "delivered", 29),
    "delivered long ago": ("webhook", "", "delivered", 31),
    "told by a plugin that is gone": ("plugin-events", "gone", "delivered", 31),
    "told, and a consumer's job waits": ("plugin-events", "gone", "delivered", 31),
    "told, and a consumer's job failed": ("plugin-events", "gone", "delivered", 31),
    "of a channel that is gone": ("gone", "", "delivered", 31),
    "failed": ("webhook", "", "failed", 179),
    "failed long ago": ("gone", "", "failed", 181),
    "waits": ("gone", "", "waiting", 400),
}
AWAITED = ("told, and a consumer's job waits", "told, and a consumer's job failed")
GONE = {
    *("delivered long ago", "told by a plugin that is gone"),
    *("of a channel that is gone", "failed long ago"),
}


async def plant_messages(where: City) -> dict[uuid.UUID, str]:
    """Messages of all kinds, each noted as had by somebody, and jobs that need some; by id."""
    ids = {name: uuid.uuid4() for name in MESSAGES}
    async with where.platform.database.unit(where.tenant.id) as unit:
        for name, (channel, source, status, days) in MESSAGES.items():
            at = NOW - days * DAY
            payload = json.dumps({"source": source})
            await unit.execute(MESSAGE, ids[name], channel, payload, status, at)
            await unit.execute(CONSUMED, ids[name], at)
        queue, tenant = where.platform.queue, where.tenant.id
        for name in AWAITED:
            told = {"event": str(ids[name]), "consumer": "other:one"}
            await queue.enqueue(unit, tenant, "core.event-consumer", told)
        await queue.enqueue(unit, tenant, "core.key-cleanup", {})
        await unit.execute(FAILED, str(ids[AWAITED[1]]))
    return {message: name for name, message in ids.items()}


async def test_messages_go_when_they_are_long_delivered_whoever_sent_them(
    city: City, other_city: City
) -> None:
    planted = {where.tenant.slug: await plant_messages(where) for where in (city, other_city)}
    registry = await city.platform.registry(city.tenant.id)
    for _ in range(2):
        async with system_context(city.platform, city.tenant, "job:core.outbox-cleanup") as ctx:
            await registry.jobs["core.outbox-cleanup"].run(ctx, {})

    for where, kept in ((city, MESSAGES.keys() - GONE), (other_city, MESSAGES.keys())):
        names = planted[where.tenant.slug]
        for table, column in (("outbox_message", "id"), ("consumed", "event_id")):
            left = await where.scalar(f"SELECT array_agg({column}) FROM core.{table}")
            assert isinstance(left, list)
            assert {names[each] for each in left} == kept, table
