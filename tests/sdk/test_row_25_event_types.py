"""Row 25: event types are a struct with a version and a published JSON schema; messages go through
the outbox, and consumers are idempotent."""

import asyncio
import json
import uuid
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from jingwei_core.access.tables import Department
from jingwei_core.database import Database
from jingwei_core.jobs.core_jobs import EVENT_CONSUMER, OUTBOX_DELIVER
from jingwei_core.jobs.worker import Worker
from jingwei_core.outbox.delivery import deliver
from jingwei_core.plugins.breaker import BreakerRules
from jingwei_core.plugins.discovery import discover
from jingwei_core.plugins.event_types import event_type_lines
from jingwei_core.plugins.outcomes import Outcomes
from jingwei_core.plugins.publishing import run_consumer
from jingwei_sdk.context import Context
from jingwei_sdk.errors import JingweiError, Refused
from jingwei_sdk.events import Consumer, EventType
from jingwei_sdk.plugin import Plugin
from tests.core.jobs.cities import FAST
from tests.core.plugins.hooks.hearing_world import HearingPlatform, hearing
from tests.core.plugins.packages import Package
from tests.fixtures.command_line import CommandLine


class LampRepaired(msgspec.Struct, frozen=True):
    """A lamp burns again."""

    lamp: uuid.UUID
    on: date
    watts: Annotated[int, msgspec.Meta(ge=1)]


class Repaired(msgspec.Struct, frozen=True):
    """What a consumer reads of it: the fields that it knows."""

    lamp: uuid.UUID


REPAIRED = EventType("lamps.lamp_repaired.v1", LampRepaired, "路灯已修复")
REPAIRED_ANEW = EventType("lamps.lamp_repaired.v2", LampRepaired)
STRANGE = EventType("strange.lamp_repaired.v1", LampRepaired)
MESSAGE = LampRepaired(uuid.UUID(int=1), date(2026, 11, 22), 60)


class Ledger:
    """Consumers that write a row for each message, and fail as long as a test wants."""

    def __init__(self) -> None:
        self.failures = 0

    def consumer(self, name: str, event_type: str = REPAIRED.name) -> Consumer[Any]:
        async def run(ctx: Context, given: Repaired) -> None:
            code = f"{name}-{given.lamp.int}-{uuid.uuid4().hex}"
            await ctx.data.insert(Department(code=code, name=name))
            if self.failures:
                self.failures -= 1
                raise ValueError("not yet")

        return Consumer(event_type, name, Repaired, run)


def plugins(ledger: Ledger) -> tuple[Plugin, ...]:
    """One that tells, two that listen to it, one that waits for the next version."""
    return (
        Plugin(id="lamps", package="x", event_types=(REPAIRED, REPAIRED_ANEW)),
        Plugin(id="one", package="x", consumers=(ledger.consumer("first"),)),
        Plugin(id="two", package="x", consumers=(ledger.consumer("second"),)),
        Plugin(id="later", package="x", consumers=(ledger.consumer("v2", REPAIRED_ANEW.name),)),
    )


async def publish(platform: HearingPlatform) -> uuid.UUID:
    async with await platform.context() as ctx:
        return await ctx.signals.publish(REPAIRED, MESSAGE)


async def jobs(platform: HearingPlatform, name: str) -> list[dict[str, Any]]:
    async with await platform.context() as ctx:
        rows = await ctx.data.fetch(
            "SELECT convert_from(payload, 'UTF8') AS payload FROM jobs.pgqueuer"
            " WHERE entrypoint = $1 ORDER BY id",
            name,
        )
    return [json.loads(row["payload"]) for row in rows]


async def effects(platform: HearingPlatform, slug: str = "here") -> list[str]:
    """The names of the consumers, once for each time that one had an effect."""
    async with await platform.context(slug) as ctx:
        rows = await ctx.data.fetch("SELECT name FROM core.department ORDER BY name")
    return [row["name"] for row in rows]


async def test_a_message_is_stored_with_what_caused_it_or_not_at_all(database: Database) -> None:
    platform = await hearing(database, *plugins(Ledger()))

    async def failing() -> None:
        async with await platform.context() as ctx:
            await ctx.signals.publish(REPAIRED, MESSAGE)
            raise ValueError("rolled back")

    with pytest.raises(ValueError, match="rolled back"):
        await failing()
    assert await jobs(platform, OUTBOX_DELIVER) == []

    message_id = await publish(platform)
    assert await jobs(platform, OUTBOX_DELIVER) == [{"message": str(message_id)}]
    async with await platform.context() as ctx:
        (row,) = await ctx.data.fetch("SELECT id, payload::text FROM core.outbox_message")
    told = json.loads(row["payload"])
    assert told.pop("at")
    data = {"lamp": str(MESSAGE.lamp), "on": "2026-11-22", "watts": 60}
    expected = {"id": str(message_id), "type": REPAIRED.name, "source": "lamps", "data": data}
    assert (row["id"], told) == (message_id, expected)
    async with await platform.context("there") as ctx:
        assert await ctx.data.fetch("SELECT 1 FROM core.outbox_message") == []


async def test_each_consumer_has_the_effect_of_a_message_once(database: Database) -> None:
    platform = await hearing(database, *plugins(Ledger()))
    message_id = await publish(platform)
    for _ in range(2):
        async with await platform.context() as ctx:
            await deliver(ctx, {"message": str(message_id)})
    waiting = await jobs(platform, EVENT_CONSUMER)
    assert [job["consumer"] for job in waiting] == ["one:first", "two:second"]

    for job in [*waiting, *reversed(waiting)]:
        async with await platform.context() as ctx:
            await run_consumer(ctx, job)
    assert await effects(platform) == ["first", "second"]
    assert await effects(platform, "there") == []
    async with await platform.context() as ctx:
        audited = await ctx.data.fetch("SELECT command FROM core.audit_entry ORDER BY sequence")
    assert [row["command"] for row in audited] == ["one:first", "two:second"]


@pytest.mark.commit
async def test_a_consumer_that_failed_has_its_effect_once_however_many_workers_there_are(
    database: Database,
) -> None:
    ledger = Ledger()
    ledger.failures = 2
    platform = await hearing(database, *plugins(ledger))
    message_id = await publish(platform)
    async with await platform.context() as ctx:
        # The same told twice, as after a delivery whose worker died.
        for _ in range(2):
            job = {"event": str(message_id), "consumer": "one:first"}
            await ctx.signals.enqueue(EVENT_CONSUMER, job)
    workers = [Worker(platform, FAST), Worker(platform, FAST)]
    running = [asyncio.create_task(worker.run()) for worker in workers]
    left = "SELECT count(*) FROM jobs.pgqueuer WHERE status IN ('queued', 'picked')"
    try:
        async with asyncio.timeout(30), database.owner() as unit:
            while await unit.fetchval(left):  # noqa: ASYNC110 - workers say nothing
                await asyncio.sleep(0.05)
    finally:
        for worker in workers:
            worker.stop()
        await asyncio.gather(*running)
    assert ledger.failures == 0
    assert await effects(platform) == ["first", "second"]


async def test_only_a_declared_type_with_its_own_payload_is_published(database: Database) -> None:
    platform = await hearing(database, *plugins(Ledger()))
    for event_type, payload, code in (
        (STRANGE, MESSAGE, "EVENT_TYPE_UNDECLARED"),
        (REPAIRED, Repaired(MESSAGE.lamp), "EVENT_PAYLOAD"),
    ):
        async with await platform.context() as ctx:
            with pytest.raises(Refused) as refusal:
                await ctx.signals.publish(event_type, payload)  # type: ignore[misc]
        assert refusal.value.code == code
    assert await jobs(platform, OUTBOX_DELIVER) == []
    with pytest.raises(Refused) as refusal:
        EventType("lamps.repaired", LampRepaired)
    assert refusal.value.code == "EVENT_TYPE_NAME"


async def test_a_message_waits_while_the_breaker_of_its_consumer_is_open(
    database: Database,
) -> None:
    ledger = Ledger()
    ledger.failures = 3
    outcomes = Outcomes(BreakerRules(failures=3))
    platform = await hearing(database, *plugins(ledger), outcomes=outcomes)
    job = {"event": str(await publish(platform)), "consumer": "one:first"}

    async def consume() -> None:
        async with await platform.context() as ctx:
            await run_consumer(ctx, job)

    for _ in range(3):
        with pytest.raises(ValueError, match="not yet"):
            await consume()
    await consume()
    assert await effects(platform) == []
    assert await jobs(platform, EVENT_CONSUMER) == [job], "it comes again"


async def test_a_consumer_is_told_nothing_but_messages_that_there_are(database: Database) -> None:
    platform = await hearing(database, *plugins(Ledger()))
    message_id = await publish(platform)
    told: tuple[tuple[uuid.UUID, str, str], ...] = (
        (uuid.uuid4(), "one:first", "EVENT_MESSAGE_GONE"),
        (message_id, "gone:first", "PLUGIN_OFF"),
    )
    for event, consumer, code in told:
        async with await platform.context() as ctx:
            with pytest.raises(JingweiError) as refusal:
                await run_consumer(ctx, {"event": str(event), "consumer": consumer})
        assert refusal.value.code == code
    async with await platform.context("there") as ctx:
        with pytest.raises(JingweiError) as refusal:
            await run_consumer(ctx, {"event": str(message_id), "consumer": "one:first"})
    assert refusal.value.code == "EVENT_MESSAGE_GONE", "another tenant's message is not there"
    assert await effects(platform) == await effects(platform, "there") == []


@pytest.mark.parametrize(
    ("declared", "problem"),
    [
        ('event_types=(EventType("other.permit_issued.v1", Issued),)', "does not begin with"),
        ('event_types=(EventType("permits.permit_issued.v1", Odd),)', "has no JSON Schema"),
        ('consumers=(Consumer("permits.issued", "all", Issued, run),)', "names no event type"),
    ],
)
def test_a_plugin_whose_event_types_do_not_fit_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, declared: str, problem: str
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    code = f"""
from jingwei_sdk.events import Consumer, EventType
class Issued(msgspec.Struct):
    code: str
class Odd(msgspec.Struct):
    code: Record
async def run(ctx, given): ...
plugin = Plugin(id="permits", package="x", {declared})
"""
    (found,) = discover([Package(extra=code).write(tmp_path)])
    assert (found.state, problem in found.reason) == ("failed", True), found.reason


async def test_the_schema_is_published_and_is_that_of_the_messages(
    database: Database, jingwei: CommandLine
) -> None:
    platform = await hearing(database, *plugins(Ledger()))
    await publish(platform)
    async with await platform.context() as ctx:
        stored = await ctx.data.fetchval("SELECT payload::text FROM core.outbox_message")
    first, second = event_type_lines(plugins(Ledger()))
    assert (first["event_type"], second["event_type"]) == (REPAIRED.name, REPAIRED_ANEW.name)
    assert first["consumers"] == ["one:first", "two:second"]
    Draft202012Validator.check_schema(first["schema"])
    Draft202012Validator(first["schema"]).validate(json.loads(stored)["data"])

    told = await jingwei(database.settings, "plugin", "event-types", "safety-production", "--json")
    (shipped,) = json.loads(told.out)
    assert shipped["event_type"] == "safety-production.hazard_settled.v1"
    assert "hazard" in shipped["schema"]["$defs"]["HazardSettled"]["properties"]
