"""The street of the week in a database of its own, and a server for it over real HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import structlog
from argon2 import PasswordHasher

from jingwei_api.app import create_app
from jingwei_api.schema import global_id
from jingwei_api.settings import ApiSettings
from jingwei_core.access import passwords
from jingwei_core.database import open_database
from jingwei_core.outbox import attempts
from jingwei_core.outbox.channels import Owned
from jingwei_core.platform import assemble
from jingwei_core.session import CoreContext
from jingwei_sdk.channels import Delivered, Message, Outcome
from tests.api.conftest import serving
from tests.core.events.frozen_clock import FrozenClock
from tests.fixtures.command_line import CommandLine
from tests.rulebook.clockwork import at
from tests.rulebook.street import Posted, Street, apply_packages, build_street
from tests.servers.databases import NewDatabase

for _day in (
    "thursday",
    "friday",
    "weekend",
    "monday",
    "wednesday",
    "meeting",
    "next_meeting",
    "reports",
):
    pytest.register_assert_rewrite(f"tests.rulebook.{_day}")

BEGINS = at(17, 8)
"""A Thursday: the Sunday after it is worked on for National Day, the Friday of the next week is the
Mid-Autumn Festival (2026)."""


@pytest.fixture
async def street(
    new_database: NewDatabase,
    jingwei: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Street]:
    """See the top of this file."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_HASHER", cheap)
    monkeypatch.setenv("JINGWEI_SMTP_HOST", "127.0.0.1")
    monkeypatch.setenv("JINGWEI_SMTP_SENDER", "platform@example.org")
    configured = structlog.get_config()
    async with new_database() as settings, open_database(settings) as database:
        await apply_packages(settings, jingwei, tmp_path / "other")
        structlog.configure(**configured)
        platform = assemble(database)
        platform.clock = FrozenClock()
        platform.clock.instant = BEGINS
        app = create_app(platform, ApiSettings(auth_calls_per_minute=10_000))
        async with serving(app) as url:
            built = await build_street(platform, url)
            monkeypatch.setattr(attempts, "attempt", _postman(built))
            yield built
            for terminal in built.people.values():
                await terminal.http.aclose()


def _postman(street: Street) -> Callable[..., Awaitable[Outcome]]:
    """Stands where mail leaves, and keeps what would have left."""

    async def carried(ctx: CoreContext, found: Owned, message: Message) -> Outcome:
        assert found.channel.code == "email"
        assert message.letter is not None
        account = global_id.encode("Account", message.letter.account)
        (login,) = [one.login for one in street.people.values() if one.id == account]
        letter = Posted(login, ctx.now(), message.letter.subject, message.letter.text)
        street.letters.append(letter)
        return Delivered()

    return carried
