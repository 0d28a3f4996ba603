"""Reading off, counting, choosing: one's own and nobody else's; what is refused changes nothing."""

from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.notifications.questions import unread
from jingwei_sdk.errors import JingweiError
from tests.core.notifications.told import Told


async def count(city: Told, login: str) -> int:
    async with city.context(login) as ctx:
        return (await unread(ctx)).count


async def kept(city: Told) -> list[Any]:
    tables = ("notification", "notification_setting", "account")
    return [await city.fetch(f"SELECT t::text FROM core.{table} t ORDER BY 1") for table in tables]


async def test_one_is_read_off_once(city: Told) -> None:
    event = await city.report()
    for login in ("mender", "mender", "chief"):
        await city.tell(login, "EVENT_ASSIGNED", event)
    assert [await count(city, login) for login in ("mender", "chief")] == [2, 1]
    first = (await city.inbox("mender"))[0]["id"]
    await city.run("mender", "notification.read", first)
    at = (await city.inbox("mender"))[0]["read_at"]
    assert at == city.clock.now()
    city.clock.forward(minutes=5)
    await city.run("mender", "notification.read", first)
    assert (await city.inbox("mender"))[0]["read_at"] == at
    assert [await count(city, login) for login in ("mender", "chief")] == [1, 1]


async def test_all_are_read_off_up_to_an_instant(city: Told) -> None:
    event = await city.report()
    for login in ("mender", "chief"):
        await city.tell(login, "EVENT_ASSIGNED", event)
    until = city.clock.now()
    city.clock.forward(minutes=1)
    await city.tell("mender", "EVENT_CLOSED", event)
    answer = await city.run("mender", "notification.read-all", until=until)
    assert answer.values == {"count": 1}
    assert [await count(city, login) for login in ("mender", "chief")] == [1, 1]
    await city.run("mender", "notification.read-all")
    assert [await count(city, login) for login in ("mender", "chief")] == [0, 1]


async def test_anothers_notification_is_not_there(city: Told, neighbour: Told) -> None:
    """Of a colleague, of a tenant next door, and of an account that is suspended."""
    event = await city.report()
    await city.tell("chief", "EVENT_ASSIGNED", event)
    row = (await city.inbox("chief"))[0]["id"]
    before = await kept(city)
    refusals = []
    for where, login in ((city, "mender"), (neighbour, "chief")):
        with pytest.raises(JingweiError) as refused:
            await where.run(login, "notification.read", row)
        refusals.append(refused.value.code)
    assert refusals == ["ROW_NOT_FOUND", "ROW_NOT_FOUND"]
    assert await kept(city) == before
    assert await count(neighbour, "chief") == 0


@pytest.mark.parametrize(
    ("choice", "code", "field"),
    [
        ({"usual_channels": ["fax"]}, "NOTIFICATION_CHANNEL", "usual_channels"),
        ({"quiet_from": "21:00"}, "NOTIFICATION_QUIET", "quiet_to"),
        ({"quiet_from": "21:00", "quiet_to": "7:00"}, "NOTIFICATION_TIME", "quiet_to"),
        ({"digest_at": ["25:00"]}, "NOTIFICATION_TIME", "digest_at"),
    ],
)
async def test_a_choice_that_cannot_be_is_refused(
    city: Told, choice: dict[str, Any], code: str, field: str
) -> None:
    await city.run("mender", "notification.choose", usual_channels=["pigeon"])
    before = await kept(city)
    with pytest.raises(JingweiError) as refused:
        await city.run("mender", "notification.choose", **choice)
    assert (refused.value.code, refused.value.field) == (code, field)
    assert await kept(city) == before


@pytest.mark.parametrize("email", ["", "mender", "a@b", "a b@c.example", "a@-c.example", "****"])
async def test_an_address_that_is_none_is_refused(city: Told, email: str) -> None:
    await city.fetch("UPDATE core.role SET permissions = '{*}' WHERE code = 'superior'")
    before = await kept(city)
    with pytest.raises(JingweiError) as refused:
        await city.run("superior", "account.set-email", city.people["mender"], email=email)
    assert refused.value.code in ("EMAIL_INVALID", "MASKED_VALUE_WRITTEN")
    assert await kept(city) == before


async def test_an_address_is_set_and_told_for_a_purpose(city: Told) -> None:
    await city.fetch("UPDATE core.role SET permissions = '{*}' WHERE code = 'superior'")
    mender = city.people["mender"]
    await city.run("superior", "account.set-email", mender, email=" Mender@City.Example ")
    assert await city.value("SELECT email FROM core.account WHERE id = $1", mender) == (
        "Mender@city.example"
    )
    await city.run("superior", "account.reveal-email", mender, purpose="核对地址")
    told = await city.value("SELECT string_agg(a::text, ' ') FROM core.audit_entry a")
    assert "核对地址" in told


async def test_what_was_read_long_ago_is_removed(city: Told) -> None:
    await city.rules(kept={"read_days": 30, "unread_days": 60})
    event = await city.report()
    for code in ("EVENT_ASSIGNED", "EVENT_CLOSED"):
        await city.tell("mender", code, event)
    await city.run("mender", "notification.read", (await city.inbox("mender"))[0]["id"])

    async def clean() -> list[str]:
        job = next(one for one in JOBS if one.name == "core.notification-cleanup")
        async with city.context(None) as ctx:
            await job.run(ctx, {})
        return [row["code"] for row in await city.inbox("mender")]

    city.clock.instant += timedelta(days=30)
    assert await clean() == ["EVENT_ASSIGNED", "EVENT_CLOSED"]
    city.clock.instant += timedelta(seconds=1)
    assert await clean() == ["EVENT_CLOSED"]
    city.clock.instant += timedelta(days=30)
    assert await clean() == []
