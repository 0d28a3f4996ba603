"""Channels of plugins: delivered, put off, given up, guarded, and there only where they are on."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from jingwei_core.contribution import core_contribution, core_manifest
from jingwei_core.jobs.backoff import Backoff
from jingwei_core.outbox import delivery
from jingwei_core.outbox.administration import MessageLine, list_messages
from jingwei_core.plugins.claims import claims_of
from jingwei_core.plugins.conformance import objections
from jingwei_core.plugins.description import contributions
from jingwei_core.plugins.health import plugin_health
from jingwei_core.plugins.removal_parts import PARTS
from jingwei_core.session import system_context
from jingwei_sdk.channels import (
    Channel,
    Delivered,
    Later,
    Letter,
    Limits,
    Message,
    Outcome,
    Rejected,
)
from jingwei_sdk.context import Context
from jingwei_sdk.errors import Invalid, Refused
from jingwei_sdk.manifest import read_manifest
from jingwei_sdk.plugin import Plugin
from jingwei_sdk.settings import SettingsOf
from tests.core.jobs.cities import CHANGZHI, EXTRA, YICHANG, Cities, working

LATE = "the number 13900000000 is not in service"
TO = Letter(text="您有一项整改任务到期", address="13900000000", subject="整改")


class GatewaySettings(msgspec.Struct, frozen=True):
    """What the gateway of these tests asks for."""

    account: str = ""


class Gateway:
    """Answers what a test says, then that it has the message; keeps what it took."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Message]] = []
        self.answers: list[Outcome | Exception] = []

    async def by_sms(self, ctx: Context, message: Message) -> Outcome:
        """Take one message."""
        self.taken.append((ctx.settings_of(GatewaySettings).account, message))
        answer = self.answers.pop(0) if self.answers else Delivered()
        if isinstance(answer, Exception):
            await ctx.signals.send("log", {"left": "behind"})
            raise answer
        return answer


def with_channel(gateway: Gateway, **options: Any) -> Plugin:
    """The plugin of the job tests with a channel."""
    made: dict[str, Any] = {"reaches": "person", "needs": ("account",)} | options
    channel = Channel("sms", "短信", "Short message", gateway.by_sms, **made)
    return replace(EXTRA, channels=(channel,), settings=SettingsOf(GatewaySettings))


@pytest.fixture
def gateway() -> Gateway:
    return Gateway()


@pytest.fixture
async def texting(cities: Cities, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Cities:
    """The two cities; Changzhi has the gateway, set up, and takes three messages a minute."""
    monkeypatch.setattr(delivery, "BACKOFF", Backoff(0.05, 2.0, 0.2, attempts=7))
    limits = Limits(longest_text=20, per_minute=3)
    found = Cities(cities.database, with_channel(gateway, limits=limits))
    await found.owner("DELETE FROM platform.plugin_outcome")
    await switch(found, CHANGZHI, account="city")
    return found


async def switch(cities: Cities, tenant: UUID, *, enabled: bool = True, account: str = "") -> None:
    """Switch the plugin of these tests, as its tables say it."""
    await cities.owner(
        "INSERT INTO platform.plugin_state (tenant_id, plugin_id, enabled, settings)"
        " VALUES ($1, 'proof-plugin', $2, $3::jsonb) ON CONFLICT (tenant_id, plugin_id)"
        " DO UPDATE SET enabled = $2, settings = $3::jsonb",
        *(tenant, enabled, json.dumps({"account": account} if account else {})),
    )
    cities.states.forget()


async def send(cities: Cities, letter: Any = TO, tenant: UUID = CHANGZHI) -> UUID:
    state = await cities.tenant_by_id(tenant)
    async with system_context(cities, state.tenant, "test") as ctx:
        return await ctx.signals.send("sms", letter)


async def lines(cities: Cities, tenant: UUID = CHANGZHI) -> list[MessageLine]:
    async with cities.database.unit(tenant) as unit:
        return await list_messages(unit)


async def settle(cities: Cities) -> None:
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)


async def test_a_message_reaches_a_person_by_the_channel_of_a_plugin(
    texting: Cities, gateway: Gateway
):
    gateway.answers = [Later("GATEWAY_BUSY"), ValueError(LATE), Delivered()]
    message = await send(texting)
    (queued,) = await texting.queue_rows()
    job = json.loads(queued["payload"])
    assert job == {"message": str(message), "plugin": "proof-plugin"}
    await settle(texting)
    assert [account for account, _ in gateway.taken] == ["city"] * 3
    assert {told.id for _, told in gateway.taken} == {message}
    assert [told.letter for _, told in gateway.taken] == [TO] * 3
    (line,) = await lines(texting)
    assert (line.channel, line.status, line.attempts) == ("sms", "delivered", 3)
    assert await lines(texting, YICHANG) == []


async def test_what_is_refused_for_good_is_given_up_and_what_fails_on_too(
    texting: Cities, gateway: Gateway
):
    gateway.answers = [Rejected("NUMBER_UNKNOWN" + "!" * 500)]
    await send(texting)
    await settle(texting)
    (line,) = await lines(texting)
    assert (line.status, line.attempts, line.last_error[:14]) == ("failed", 1, "NUMBER_UNKNOWN")
    assert len(line.last_error) == 200
    # The text of a stranger's error may quote a person; the fifth in a row opens the breaker.
    gateway.answers = [ValueError(LATE)] * 5
    await send(texting)
    await settle(texting)
    line = (await lines(texting))[0]
    assert (line.status, line.attempts, line.last_error) == ("failed", 7, "PLUGIN_PAUSED")
    assert len(gateway.taken) == 6
    await texting.hooks.outcomes.store(texting.database)
    async with texting.database.platform() as unit:
        (health,) = await plugin_health(unit, CHANGZHI, "proof-plugin")
    assert (health.point, health.succeeded, health.failed) == ("channel:sms", 1, 5)
    assert (health.state, health.last_error) == ("paused", "ValueError")


async def test_messages_wait_where_the_plugin_is_off_and_are_delivered_when_it_is_back(
    texting: Cities, gateway: Gateway
):
    message = await send(texting)
    await switch(texting, CHANGZHI, enabled=False)
    with pytest.raises(Invalid) as refusal:
        await send(texting)
    assert refusal.value.code == "OUTBOX_CHANNEL_UNKNOWN"
    async with working(texting):
        await texting.wait_until("SELECT status::text FROM jobs.pgqueuer", "failed")
        headers = json.loads((await texting.queue_rows())[0]["headers"])
        assert (headers["parked"], headers["waits_for"]) == ("PLUGIN_OFF", "proof-plugin")
        assert [line.status for line in await lines(texting)] == ["waiting"]
        assert gateway.taken == []
        await switch(texting, CHANGZHI, account="city")
        await texting.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    assert [told.id for _, told in gateway.taken] == [message]


async def test_a_channel_that_is_not_set_up_and_one_that_had_enough_wait(
    texting: Cities, gateway: Gateway
):
    await switch(texting, CHANGZHI)
    await send(texting)
    await settle(texting)
    (line,) = await lines(texting)
    assert (line.status, gateway.taken) == ("failed", [])
    assert line.last_error.startswith("OUTBOX_CHANNEL_NOT_SET_UP")
    assert "account" in line.last_error
    await switch(texting, CHANGZHI, account="city")
    for _ in range(3):
        await send(texting)
        await settle(texting)
    fourth = await send(texting)
    async with working(texting):
        soon = "SELECT execute_after > now() + interval '30 s' FROM jobs.pgqueuer"
        await texting.wait_until(soon, True)
    assert len(gateway.taken) == 3
    waiting = next(line for line in await lines(texting) if line.message == fourth)
    assert (waiting.status, waiting.attempts) == ("waiting", 0)
    texting.clock.at = waiting.created_at + timedelta(minutes=2)
    await texting.owner("UPDATE jobs.pgqueuer SET execute_after = now()")
    await settle(texting)
    assert gateway.taken[-1][1].id == fourth


@pytest.mark.parametrize(
    ("letter", "code"),
    [
        (Letter(text="未说明收件人"), "OUTBOX_LETTER"),
        (Letter(text="两个收件人", account=uuid4(), address="1390"), "OUTBOX_LETTER"),
        (Letter(text=" ", address="1390"), "OUTBOX_LETTER"),
        ({"text": "多余的字段", "address": "1390", "colour": "red"}, "OUTBOX_LETTER"),
        (Letter(text="长" * 21, address="1390"), "CHANNEL_TEXT_TOO_LONG"),
    ],
)
async def test_what_is_no_letter_is_refused(texting: Cities, letter: Any, code: str):
    with pytest.raises(Invalid) as refusal:
        await send(texting, letter)
    assert refusal.value.code == code
    assert await lines(texting) == []
    assert await texting.queue_rows() == []


async def sync_less(ctx: Context, message: Message) -> Outcome:
    return Delivered()


@pytest.mark.parametrize(
    "given",
    [
        ("SMS", "短信", "Short message", sync_less),
        ("plugin-events", "短信", "Short message", sync_less),
        ("sms", "短信", " ", sync_less),
        ("sms", "短信", "Short message", print),
        ("sms", "短信", "Short message", sync_less, "person", (), Limits(per_minute=-1)),
        ("sms", "短信", "Short message", sync_less, "person", (), Limits(), 600.0),
    ],
)
def test_what_is_no_channel_is_refused(given: Any):
    with pytest.raises(Refused) as refusal:
        Channel(*given)
    assert refusal.value.code == "CHANNEL_DECLARATION"


def test_the_core_declares_its_channels_as_a_plugin_does(gateway: Gateway):
    core = core_contribution()
    assert contributions(core)["channels"] == ["webhook", "log", "email"]
    assert {"channel:webhook", "channel:log"} <= set(claims_of(core, core_manifest()))
    manifest = read_manifest(
        Path(__file__).parents[3]
        / "plugins/safety_production/jingwei_safety_production/plugin.toml"
    )
    told = " ".join(objections(with_channel(gateway, needs=("key",)), manifest))
    assert "the channel sms needs ['key']" in told


async def test_what_waits_for_a_removed_plugin_is_given_up_and_no_other(
    texting: Cities, gateway: Gateway
):
    message = await send(texting)
    state = await texting.tenant_by_id(CHANGZHI)
    async with system_context(texting, state.tenant, "test") as ctx:
        other = await ctx.signals.send("log", {"title": "护栏损坏"})
    for part in PARTS:
        if part.name in ("unsent", "jobs"):
            (counted,) = await texting.owner(part.counting, "proof-plugin", [], [])
            assert (counted["slug"], counted["count"]) == ("changzhi", 1)
            await texting.owner(part.removing, "proof-plugin", [], [])
    await switch(texting, CHANGZHI, enabled=False)
    await settle(texting)
    told = {line.message: (line.status, line.last_error) for line in await lines(texting)}
    assert told == {message: ("failed", "PLUGIN_REMOVED"), other: ("delivered", "")}
    assert gateway.taken == []
