"""The outbox: with what caused it or not at all, delivered at least once, signed, and seen."""

import asyncio
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import structlog

from jingwei_core.jobs.backoff import Backoff
from jingwei_core.outbox import delivery
from jingwei_core.outbox.administration import MessageLine, list_messages
from jingwei_core.outbox.delivery import deliver_again
from jingwei_core.session import system_context
from jingwei_sdk.errors import Invalid, NotFound
from tests.core.jobs.cities import CHANGZHI, YICHANG, Cities, working
from tests.core.outbox.conftest import SECRET, Receiver

CONTENT = {"event": "YC-2026-000017", "title": "护栏损坏"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "BACKOFF", Backoff(0.05, 2.0, 0.2, attempts=3))


async def send(
    cities: Cities, channel: str = "webhook", tenant: UUID = YICHANG, content: Any = None
) -> UUID:
    state = await cities.tenant_by_id(tenant)
    async with system_context(cities, state.tenant, "test") as ctx:
        return await ctx.signals.send(channel, CONTENT if content is None else content)


async def messages(cities: Cities, tenant: UUID = YICHANG) -> list[MessageLine]:
    async with cities.database.unit(tenant) as unit:
        return await list_messages(unit)


async def settle(cities: Cities) -> None:
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)


async def test_a_message_is_gone_with_its_transaction(cities: Cities):
    async def fail_after_sending() -> None:
        state = await cities.tenant_by_id(YICHANG)
        async with system_context(cities, state.tenant, "test") as ctx:
            await ctx.signals.send("webhook", CONTENT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail_after_sending()
    assert await messages(cities) == []
    assert await cities.queue_rows() == []


async def test_the_queue_holds_the_id_and_nothing_of_the_message(cities: Cities):
    message = await send(cities)
    payload = (await cities.queue_rows())[0]["payload"]
    assert json.loads(payload) == {"message": str(message)}


async def test_a_webhook_is_signed_and_names_the_message(
    cities: Cities, receiver: Receiver, webhook: Path
):
    message = await send(cities)
    await settle(cities)
    assert receiver.messages == [CONTENT]
    headers = receiver.headers[0]
    sent_at, digest = (part.partition("=")[2] for part in headers["jingwei-signature"].split(","))
    signed = f"{sent_at}.".encode() + receiver.bodies[0]
    assert digest == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert abs(int(sent_at) - time.time()) < 30
    assert headers["idempotency-key"] == str(message)
    assert headers["jingwei-tenant"] == "yichang"
    assert headers["content-type"] == "application/json"
    assert headers["host"] == f"127.0.0.1:{receiver.port}"
    line = (await messages(cities))[0]
    assert (line.message, line.status, line.attempts, line.last_error) == (
        *(message, "delivered", 1, ""),
    )
    assert line.delivered_at is not None


async def test_a_receiver_that_fails_gets_the_same_message_again(
    cities: Cities, receiver: Receiver, webhook: Path
):
    receiver.answers = [500, 429]
    message = await send(cities)
    await settle(cities)
    assert receiver.messages == [CONTENT] * 3
    assert {headers["idempotency-key"] for headers in receiver.headers} == {str(message)}
    line = (await messages(cities))[0]
    assert (line.status, line.attempts, line.last_error) == ("delivered", 3, "")


async def test_after_the_last_attempt_it_is_kept_as_failed_and_can_be_sent_again(
    cities: Cities, receiver: Receiver, webhook: Path
):
    receiver.answers = [503, 503, 503]
    message = await send(cities)
    await settle(cities)
    line = (await messages(cities))[0]
    assert (line.status, line.attempts, line.last_error) == (
        *("failed", 3, "WEBHOOK_NOT_NOW status=503"),
    )
    assert len(receiver.bodies) == 3
    async with cities.database.unit(YICHANG) as unit:
        assert await deliver_again(unit, cities.queue, YICHANG, message) == 1
    await settle(cities)
    assert (await messages(cities))[0].status == "delivered"
    assert len(receiver.bodies) == 4


@pytest.mark.parametrize("status", [400, 404, 410])
async def test_a_refusal_is_final(cities: Cities, receiver: Receiver, webhook: Path, status: int):
    receiver.answers = [status]
    await send(cities)
    await settle(cities)
    line = (await messages(cities))[0]
    assert (line.status, line.last_error) == ("failed", f"WEBHOOK_REFUSED status={status}")
    assert len(receiver.bodies) == 1


async def test_a_redirect_is_not_followed(cities: Cities, receiver: Receiver, webhook: Path):
    receiver.answers, receiver.location = [307] * 3, f"http://127.0.0.1:{receiver.port}/other"
    await send(cities)
    await settle(cities)
    assert (await messages(cities))[0].last_error == "WEBHOOK_NOT_NOW status=307"
    assert len(receiver.bodies) == 3


async def test_a_receiver_that_is_away_is_waited_for(
    cities: Cities, receiver: Receiver, webhook: Path
):
    await asyncio.to_thread(
        webhook.write_text, f'[yichang]\nurl = "http://127.0.0.1:1/"\nsecret = "{SECRET}"\n'
    )
    await send(cities)
    async with working(cities):
        await cities.wait_until("SELECT count(*) FROM jobs.pgqueuer", 0)
    line = (await messages(cities))[0]
    assert (line.status, line.last_error) == (
        *("failed", "WEBHOOK_UNREACHABLE cause='ConnectError'"),
    )
    assert receiver.bodies == []


async def test_a_tenant_without_a_webhook_sends_nothing(
    cities: Cities, receiver: Receiver, webhook: Path
):
    await send(cities, tenant=CHANGZHI)
    await settle(cities)
    line = (await messages(cities, CHANGZHI))[0]
    assert line.status == "failed"
    assert line.last_error.startswith("OUTBOX_CHANNEL_NOT_SET_UP")
    assert await messages(cities) == []
    assert receiver.bodies == []


async def test_an_address_the_operator_does_not_allow_is_never_spoken_to(
    cities: Cities, receiver: Receiver, webhook: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("JINGWEI_OUTBOX_ALLOWED_NETWORKS")
    await send(cities)
    await settle(cities)
    line = (await messages(cities))[0]
    assert (line.status, line.attempts) == ("failed", 1)
    assert line.last_error.startswith("OUTBOX_TARGET_REFUSED")
    assert receiver.bodies == []


async def test_the_log_channel_names_fields_and_no_values(cities: Cities):
    with structlog.testing.capture_logs() as logs:
        message = await send(cities, "log")
        await settle(cities)
    assert [entry for entry in logs if entry["event"] == "outbox_message"] == [
        {
            "event": "outbox_message",
            "log_level": "info",
            "message": str(message),
            "tenant": "yichang",
            "fields": ["event", "title"],
        }
    ]
    assert (await messages(cities))[0].status == "delivered"


@pytest.mark.parametrize(
    ("channel", "content", "code"),
    [
        ("sms", CONTENT, "OUTBOX_CHANNEL_UNKNOWN"),
        ("webhook", {"x": object()}, "OUTBOX_PAYLOAD_UNFIT"),
        ("webhook", {"x": "界" * 90000}, "OUTBOX_PAYLOAD_TOO_LARGE"),
    ],
)
async def test_what_cannot_be_sent_is_refused(
    cities: Cities, channel: str, content: dict[str, object], code: str
):
    with pytest.raises(Invalid) as refusal:
        await send(cities, channel, content=content)
    assert refusal.value.code == code
    assert await messages(cities) == []
    assert await cities.queue_rows() == []


async def test_only_a_failed_message_of_the_tenant_is_sent_again(cities: Cities):
    message = await send(cities, "log", CHANGZHI)
    before = await cities.queue_rows()
    for tenant in (CHANGZHI, YICHANG):
        with pytest.raises(NotFound):
            async with cities.database.unit(tenant) as unit:
                await deliver_again(unit, cities.queue, tenant, message)
    assert await cities.queue_rows() == before


async def test_no_job_delivers_what_is_delivered_already(
    cities: Cities, receiver: Receiver, webhook: Path
):
    message = await send(cities)
    await settle(cities)
    await cities.enqueue(YICHANG, "core.outbox-deliver", payload={"message": str(message)})
    await settle(cities)
    assert len(receiver.bodies) == 1
