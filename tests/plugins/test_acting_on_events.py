"""What a plugin's command does to an event is done by its actor: seen, held and guarded as by
hand."""

import uuid

import pytest

from jingwei_core.commands.plugin_context import given_to
from jingwei_sdk.errors import Conflict, Denied, JingweiError, NotFound
from tests.plugins.world import City

STEPS = "SELECT action, actor, note FROM core.event_step WHERE event = $1 ORDER BY sequence"


async def test_a_plugin_takes_steps_as_its_actor(yichang: City) -> None:
    event = await yichang.reported()
    before = await yichang.state()
    refused: list[tuple[str, str, type[JingweiError], str]] = [
        # Without event.read at the place it is as if there were no event.
        ("keeper", "file", NotFound, "ROW_NOT_FOUND"),
        ("onlooker", "file", Denied, "PERMISSION_DENIED"),
        ("desk", "close", Conflict, "EVENT_ACTION_NOT_ALLOWED"),
    ]
    for login, action, kind_of, code in refused:
        with pytest.raises(kind_of) as refusal:
            await _takes(yichang, login, event, action)
        assert refusal.value.code == code
        assert await yichang.state() == before
    await _takes(yichang, "desk", event, "file")
    last = (await yichang.fetch(STEPS, event))[-1]
    assert tuple(last) == ("file", yichang.people["desk"], "立案")


async def _takes(city: City, login: str, event: uuid.UUID, action: str) -> None:
    async with city.account(login) as ctx:
        given = given_to("strangers", ctx)
        await given.events.act(given, event, action, note=" 立案 ")
