"""Mail, by a real server on loopback that says what it is told to say."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Mail
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP

from jingwei_core.notifications.mail_settings import read_mail_settings
from jingwei_sdk.errors import Unavailable
from tests.core.notifications.told import Told


@dataclass
class Server:
    """What a mail server received; ``answer`` is its reply to a message."""

    port: int = 0
    answer: str = "250 OK"
    received: list[tuple[list[str], Mail]] = field(default_factory=list)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            mail = message_from_bytes(envelope.content, policy=default)
            self.received.append((envelope.rcpt_tos, mail))
        return self.answer


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Server]:
    found = Server()
    listening = await asyncio.get_running_loop().create_server(
        lambda: SMTP(found, hostname="mail.example", enable_SMTPUTF8=True), "127.0.0.1", 0
    )
    async with listening:
        found.port = listening.sockets[0].getsockname()[1]
        values = {"HOST": "127.0.0.1", "PORT": str(found.port), "SECURITY": "none"}
        for name, value in {**values, "SENDER": "jingwei@city.example"}.items():
            monkeypatch.setenv(f"JINGWEI_SMTP_{name}", value)
        yield found


async def mailed(city: Told, login: str = "mender", email: str = "mender@city.example") -> None:
    """An account with an address is told of an event, by mail."""
    await city.rules(channels={"usual": ["email"]})
    await city.fetch("UPDATE core.account SET email = $2 WHERE id = $1", city.people[login], email)
    event = await city.report()
    await city.tell(login, "EVENT_ASSIGNED", event)
    await city.settle()


async def outcome(city: Told) -> tuple[str, str]:
    (row,) = await city.fetch("SELECT status, last_error FROM core.outbox_message")
    return row["status"], row["last_error"]


async def test_mail_reaches_the_address_of_the_account(city: Told, server: Server) -> None:
    await mailed(city)
    ((to, mail),) = server.received
    assert to == ["mender@city.example"]
    assert "已派给您或您的部门办理" in str(mail["Subject"])
    assert "已派给您或您的部门办理" in mail.get_content()  # type: ignore[attr-defined]
    message = await city.value("SELECT id FROM core.outbox_message")
    assert mail["Message-ID"] == f"<{message}@city.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert await outcome(city) == ("delivered", "")


async def test_a_server_that_is_busy_gets_the_same_mail_again(city: Told, server: Server) -> None:
    server.answer = "451 mailbox of mender@city.example is busy"
    await mailed(city)
    assert await outcome(city) == ("waiting", "MAIL_REFUSED 451")
    server.answer = "250 OK"
    await city.settle(later=True)
    assert await outcome(city) == ("delivered", "")
    assert len(server.received) == 1


async def test_what_a_server_refuses_for_good_is_given_up(city: Told, server: Server) -> None:
    server.answer = "550 no such mailbox mender@city.example"
    await mailed(city)
    assert await outcome(city) == ("failed", "MAIL_REFUSED 550")
    assert len(await city.inbox("mender")) == 1


async def test_a_server_that_is_away_is_waited_for(
    city: Told, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JINGWEI_SMTP_PORT", "1")
    await mailed(city)
    status, error = await outcome(city)
    assert (status, error.split()[0]) == ("waiting", "MAIL_UNREACHABLE")


async def test_mail_that_fails_does_not_hold_another_channel(city: Told, server: Server) -> None:
    server.answer = "451 later"
    await city.rules(channels={"usual": ["email", "pigeon"]})
    await city.fetch(
        "UPDATE core.account SET email = 'm@city.example' WHERE id = $1", city.people["mender"]
    )
    await city.tell("mender", "EVENT_ASSIGNED", await city.report())
    await city.settle()
    rows = await city.fetch("SELECT channel, status FROM core.outbox_message ORDER BY channel")
    assert [tuple(row) for row in rows] == [("email", "waiting"), ("pigeon", "delivered")]


async def test_nobody_without_an_address_is_written_to(city: Told, server: Server) -> None:
    await city.rules(channels={"usual": ["email"]})
    await city.tell("mender", "EVENT_ASSIGNED", await city.report())
    await city.settle()
    assert await city.left("mender") == ["kept"]
    assert await city.fetch("SELECT 1 FROM core.outbox_message") == []


async def test_a_subject_cannot_bring_headers(city: Told, server: Server) -> None:
    async with city.context(None) as ctx:
        letter = {"text": "x", "subject": "a\r\nBcc: b@c.example", "address": "m@city.example"}
        await ctx.signals.send("email", letter)
    await city.settle()
    ((to, mail),) = server.received
    assert to == ["m@city.example"]
    assert mail["Bcc"] is None


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"HOST": ""}, "MAIL_NOT_SET_UP"),
        ({"SENDER": ""}, "MAIL_NOT_SET_UP"),
        ({"HOST": "mail.example", "SECURITY": "none"}, "MAIL_IN_CLEAR"),
        ({"PORT": "mail"}, "MAIL_SETTINGS"),
    ],
)
def test_settings_that_do_not_fit_are_named(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, str], code: str
) -> None:
    fitting = {"HOST": "127.0.0.1", "SENDER": "a@b.example", "SECURITY": "none"}
    for name, value in {**fitting, **values}.items():
        monkeypatch.setenv(f"JINGWEI_SMTP_{name}", value)
    with pytest.raises(Unavailable) as refused:
        read_mail_settings()
    assert refused.value.code == code
