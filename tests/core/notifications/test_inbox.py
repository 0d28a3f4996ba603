"""The inbox: what is told, to whom, and what a reader may learn from it."""

import pytest

from jingwei_sdk.errors import Refused
from tests.core.notifications.told import Told


async def test_who_is_told_reads_it_in_their_language(city: Told) -> None:
    event = await city.report()
    number = (await city.event(event))["number"]
    await city.tell("mender", "EVENT_ASSIGNED", event)
    assert await city.read("mender") == [f"事件 {number} 已派给您或您的部门办理"]
    assert await city.inbox("plumber") == []


async def test_what_left_the_readers_sight_is_not_told(city: Told) -> None:
    """A post ended: neither the text nor what is stored says anything of the event."""
    event = await city.report()
    await city.tell("other-worker", "EVENT_ASSIGNED", event)
    assert await city.read("other-worker") == ["一项已不在您查看范围内的事项"]
    await city.tell("chief", "EVENT_ASSIGNED", event)
    assert "已派给您" in (await city.read("chief"))[0]
    await city.fetch(
        "UPDATE core.post SET place_id = $2 WHERE account = $1",
        city.people["chief"],
        city.places["/1/22/"],
    )
    assert await city.read("chief") == ["一项已不在您查看范围内的事项"]
    number = (await city.event(event))["number"]
    stored = await city.value("SELECT string_agg(n::text, ' ') FROM core.notification n")
    assert number not in stored
    assert "路面" not in stored


async def test_a_suspended_account_is_told_nothing(city: Told) -> None:
    event = await city.report()
    await city.fetch(
        "UPDATE core.account SET status = 'suspended' WHERE id = $1", city.people["mender"]
    )
    await city.tell("mender", "EVENT_ASSIGNED", event)
    assert await city.inbox("mender") == []


async def test_an_unknown_notice_is_refused(city: Told) -> None:
    event = await city.report()
    with pytest.raises(Refused) as refused:
        await city.tell("mender", "EVENT_NOT_FOUND", event)
    assert refused.value.code == "NOTICE_UNKNOWN"
    assert await city.inbox("mender") == []
