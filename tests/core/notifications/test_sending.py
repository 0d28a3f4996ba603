"""What leaves the platform: when, by what, to whom, how often."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from jingwei_core.jobs.core_jobs import JOBS
from jingwei_core.outbox import delivery
from tests.core.notifications.told import FLOWN, IS_STORMY, Told

BUNDLE = {"bundle": {"most": 3, "window_minutes": 30}}


@pytest.fixture(autouse=True)
def _sky() -> Iterator[None]:
    FLOWN.clear()
    IS_STORMY.clear()
    yield
    IS_STORMY.clear()


async def test_a_notification_leaves_once_and_its_repetition_is_known(city: Told) -> None:
    event = await city.report()
    number = (await city.event(event))["number"]
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.settle()
    (letter,) = city.flown("mender")
    assert letter.text == f"事件 {number} 已派给您或您的部门办理"
    assert letter.subject == letter.text
    assert await city.left("mender") == ["sent"]
    # The job is there at least once: run again it sends nothing.
    city.done.clear()
    await city.settle()
    assert len(city.flown("mender")) == 1


async def test_a_channel_that_fails_is_tried_again_with_the_same_id(city: Told) -> None:
    event = await city.report()
    IS_STORMY.append(True)
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.settle()
    assert city.flown("mender") == []
    (row,) = await city.fetch("SELECT id, status, attempts FROM core.outbox_message")
    assert (row["status"], row["attempts"]) == ("waiting", 1)
    IS_STORMY.clear()
    await city.settle(later=True)
    assert [one.id for one in FLOWN] == [row["id"]]


async def test_what_no_channel_takes_ends_as_a_dead_letter(
    city: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery.BACKOFF.__class__, "is_spent", lambda self, attempts: True)
    event = await city.report()
    IS_STORMY.append(True)
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.settle()
    (row,) = await city.fetch("SELECT status, last_error FROM core.outbox_message")
    assert (row["status"], row["last_error"]) == ("failed", "STORM")
    assert len(await city.inbox("mender")) == 1


async def test_quiet_hours_hold_back_what_is_not_urgent(city: Told) -> None:
    """21:00 to 07:00: told at 22:30, the usual leaves at seven and the alarm at once."""
    event = await city.report()
    city.clock.forward(hours=13.5)
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.tell("mender", "EVENT_ALARM", event, "now")
    await city.settle()
    assert [one.text[:4] for one in city.flown("mender")] == ["突发事件"]
    (held, _) = await city.inbox("mender")
    assert held["waits_until"] - city.clock.now() == timedelta(hours=8.5)
    # Looked at too early it goes on waiting; at seven it leaves.
    await city.settle(later=True)
    assert len(city.flown("mender")) == 1
    city.clock.forward(hours=8.5)
    city.done.clear()
    await city.settle(later=True)
    assert len(city.flown("mender")) == 2
    assert await city.left("mender") == ["sent", "sent"]


async def test_twenty_are_one_digest_and_none_is_lost(city: Told) -> None:
    await city.rules(**BUNDLE)
    event = await city.report()
    for _ in range(20):
        await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.settle()
    (letter,) = city.flown("mender")
    assert letter.subject == "您有 20 条工作通知"
    assert letter.text.count("已派给您") == 20
    assert set(await city.left("mender")) == {"bundled"}


async def test_one_after_the_other_they_are_few_letters(city: Told) -> None:
    await city.rules(**BUNDLE)
    event = await city.report()
    for _ in range(10):
        await city.tell("mender", "EVENT_ASSIGNED", event)
        await city.settle()
        city.clock.forward(minutes=1)
    assert len(city.flown("mender")) == 3
    city.clock.forward(minutes=25)
    await city.settle(later=True)
    assert len(city.flown("mender")) == 4
    assert city.flown("mender")[3].subject == "您有 7 条工作通知"
    assert await city.left("mender") == ["sent"] * 3 + ["bundled"] * 7


async def test_a_digest_leaves_at_its_hour_with_all_that_waits(city: Told) -> None:
    await city.rules(digest_at=["17:00"])
    event = await city.report()
    await city.tell("mender", "EVENT_CHECKED", event, "digest")
    await city.tell("mender", "EVENT_CLOSED", event, "digest")
    await city.settle()
    assert city.flown("mender") == []
    city.clock.forward(hours=8)
    await city.settle(later=True)
    (letter,) = city.flown("mender")
    assert letter.subject == "您有 2 条工作通知"


async def test_who_may_not_see_it_any_more_gets_nothing(city: Told) -> None:
    event = await city.report()
    for login in ("mender", "chief", "checker"):
        await city.tell(login, "EVENT_ASSIGNED", event)
    await city.end_post("mender")
    await city.fetch(
        "UPDATE core.account SET status = 'suspended' WHERE id = $1", city.people["chief"]
    )
    await city.fetch(
        "UPDATE core.post SET place_id = $2 WHERE account = $1",
        city.people["checker"],
        city.places["/1/22/"],
    )
    await city.settle()
    assert FLOWN == []
    for login in ("mender", "chief", "checker"):
        assert await city.left(login) == ["kept"]
    assert await city.fetch("SELECT 1 FROM core.outbox_message") == []


async def test_who_is_suspended_while_a_letter_waits_does_not_get_it(city: Told) -> None:
    event = await city.report()
    IS_STORMY.append(True)
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.settle()
    IS_STORMY.clear()
    await city.run_suspend("mender")
    await city.settle(later=True)
    assert FLOWN == []
    (row,) = await city.fetch("SELECT status, last_error FROM core.outbox_message")
    assert (row["status"], row["last_error"]) == ("failed", "ACCOUNT_NOT_ACTIVE")


async def test_what_was_read_in_the_inbox_does_not_leave(city: Told) -> None:
    await city.rules(digest_at=["17:00"])
    event = await city.report()
    for code in ("EVENT_CHECKED", "EVENT_CLOSED"):
        await city.tell("mender", code, event, "digest")
    await city.settle()
    await city.run("mender", "notification.read", (await city.inbox("mender"))[0]["id"])
    city.clock.forward(hours=8)
    await city.settle(later=True)
    (letter,) = city.flown("mender")
    assert "已结案" in letter.text
    assert await city.left("mender") == ["kept", "sent"]


async def test_what_lost_its_job_is_looked_at_again(city: Told) -> None:
    await city.tell("mender", "EVENT_ASSIGNED", await city.report())
    sql = "SELECT id FROM jobs.pgqueuer WHERE tenant_id = $1"
    city.done |= {row["id"] for row in await city.fetch(sql, city.tenant.id)}
    await city.settle()
    assert await city.left("mender") == ["waiting"]
    city.clock.forward(hours=2)
    cleanup = next(one for one in JOBS if one.name == "core.notification-cleanup")
    async with city.context(None) as ctx:
        await cleanup.run(ctx, {})
    await city.settle()
    assert await city.left("mender") == ["sent"]


async def test_what_an_account_chose_counts_before_the_rules(city: Told) -> None:
    event = await city.report()
    await city.run("mender", "notification.choose", usual_channels=[], locale="en")
    await city.tell("mender", "EVENT_ASSIGNED", event)
    await city.tell("mender", "EVENT_ALARM", event, "now")
    await city.settle()
    assert await city.left("mender") == ["kept", "sent"]
    assert [one.text[:9] for one in city.flown("mender")] == ["Emergency"]
    await city.run("mender", "notification.choose", quiet_from="08:00", quiet_to="12:00")
    await city.tell("mender", "EVENT_CLOSED", event)
    await city.settle()
    assert (await city.left("mender"))[2] == "waiting"


async def test_a_tenant_without_a_way_out_queues_nothing(
    city: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JINGWEI_SMTP_HOST", raising=False)
    await city.without_pigeons()
    event = await city.report()
    await city.tell("mender", "EVENT_ASSIGNED", event)
    assert await city.left("mender") == ["kept"]
    jobs = "SELECT 1 FROM jobs.pgqueuer WHERE tenant_id = $1 AND entrypoint LIKE '%notification%'"
    assert await city.fetch(jobs, city.tenant.id) == []
