"""What waits for a substitute, over the API: one operation, kept, before, in and after a leave."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from jingwei_api.app import create_app
from jingwei_api.settings import ApiSettings
from jingwei_core.contribution import core_contribution
from jingwei_core.database import open_database
from jingwei_core.evidence.opening import open_store
from jingwei_core.platform import Platform
from jingwei_core.plugins.host import PluginHost
from jingwei_core.settings import Settings
from tests.core.events.frozen_clock import FrozenClock
from tests.core.workforce.street import Street, at, build_street

QUEUE = """query Mine {
  myQueue(first: 5) { totalCount edges { node { title assignedToMe } } }
  events(first: 5) { totalCount }
  me { id }
}"""


@pytest.fixture
async def street(api_settings: Settings) -> AsyncIterator[Street]:
    """A street on a platform of its own, whose clock stands still."""
    async with open_database(api_settings) as database:
        platform = Platform(database, PluginHost(core_contribution(), []), open_store(api_settings))
        platform.clock = FrozenClock()
        yield await build_street(platform)


async def counts(street: Street, http: httpx.AsyncClient, login: str) -> tuple[int, int]:
    """How many events wait for somebody, and how many are in sight."""
    platform, identity = street.platform, street.identity(login)
    token = platform.tokens.issue(street.tenant.id, identity, street.clock.now())
    headers = {"authorization": f"Bearer {token}", "x-jingwei-tenant": street.tenant.slug}
    heard = await http.post("/graphql", json={"query": QUEUE}, headers=headers)
    body: dict[str, Any] = heard.json()
    assert "errors" not in body, body
    return body["data"]["myQueue"]["totalCount"], body["data"]["events"]["totalCount"]


async def test_a_kept_operation_answers_for_the_leave_and_not_longer(street: Street):
    event = await street.report("worker")
    await street.fetch(
        "UPDATE core.event SET state = 'dispatched', assigned_account = $2 WHERE id = $1",
        event,
        street.people["roads-officer"],
    )
    await street.post("east", "officer", "/1/22/")
    await street.approved("roads-officer", "east", 1, 3)
    app = create_app(street.platform, ApiSettings())
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        for days, wanted in ((0, (0, 0)), (1, (1, 1)), (2, (1, 1)), (3, (0, 0)), (4, (0, 0))):
            street.clock.instant = at(days)
            assert await counts(street, http, "east") == wanted
            assert await counts(street, http, "roads-officer") == (1, 1)
