"""Reports upward: a row for each recipient, heard by them or by who covers, never lost."""

from datetime import timedelta

from tests.core.events.city import GRID, City
from tests.core.events.frozen_clock import MONDAY
from tests.core.events.rulebook import Rooms, action, workflow
from tests.core.events.test_guards import refused, working
from tests.core.routing.duties import refusal_of, routed

UPWARD = ["role:chief@city", "role:checker@city", "role:mayor@city", "seconded"]


def alarm() -> dict[str, object]:
    return workflow(
        action("alarm", ["work"], "work", effects=[{"effect": "report_up", "whom": UPWARD}]),
        action("over", ["work"], "done", guards=[{"guard": "acknowledged"}]),
    )


async def test_each_recipient_acknowledges_and_nobody_else(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    who = ruling.people
    rooms.meant = {
        UPWARD[0]: (who["chief"],),
        UPWARD[1]: (who["checker"], who["chief"]),
        UPWARD[3]: (who["mender"],),
    }
    event = await working(ruling)
    await ruling.act("chief", event, "alarm")
    rows = await ruling.fetch("SELECT * FROM core.event_report_up WHERE event = $1", event)
    by_account = {row["account"]: row for row in rows}
    # Nobody is mayor: the report stays, without a recipient.
    assert set(by_account) == {who["chief"], who["checker"], who["mender"], None}
    assert by_account[None]["whom"] == "role:mayor@city"
    assert {row["place_path"] for row in rows} == {GRID}
    # Whoever reports knows, and is not told.
    assert by_account[who["chief"]]["acknowledged_by"] == who["chief"]
    assert [set(accounts) for accounts, _ in rooms.told] == [{who["checker"], who["mender"]}]
    assert rooms.told[0][1].code == "EVENT_REPORTED_UP"
    # The same again reaches nobody twice.
    await ruling.act("worker", event, "alarm")
    told = await ruling.fetch("SELECT account FROM core.event_report_up WHERE event = $1", event)
    assert sorted(map(str, (row["account"] for row in told))) == sorted(
        map(str, (who["chief"], who["chief"], who["checker"], who["mender"], None))
    )


async def test_the_guard_waits_for_each_recipient_and_nobody_else_may_be_it(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    who = ruling.people
    rooms.meant = {UPWARD[0]: (who["checker"], who["chief"]), UPWARD[3]: (who["mender"],)}
    event = await working(ruling)
    await ruling.act("worker", event, "alarm")
    rows = await ruling.fetch("SELECT * FROM core.event_report_up WHERE event = $1", event)
    by_account = {row["account"]: row for row in rows}
    target = by_account[who["checker"]]["id"]
    assert (await refused(ruling, "chief", event, "over")).code == "EVENT_GUARD_ACKNOWLEDGED"
    for login in ("chief", "superior", "centre"):
        refusal = await refusal_of(ruling, login, "event.acknowledge", target)
        assert refusal.code == "EVENT_REPORT_NOT_YOURS"
    await ruling.run("checker", "event.acknowledge", target, note="收到")
    again = await refusal_of(ruling, "checker", "event.acknowledge", target)
    assert again.code == "EVENT_REPORT_ACKNOWLEDGED"
    await ruling.run("mender", "event.acknowledge", by_account[who["mender"]]["id"])
    unheard = await ruling.fetch(
        "SELECT id, account FROM core.event_report_up WHERE acknowledged_at IS NULL"
    )
    assert {row["account"] for row in unheard} == {None, who["chief"]}
    for row in unheard:
        login = "superior" if row["account"] is None else "chief"
        await ruling.run(login, "event.acknowledge", row["id"])
    await ruling.act("chief", event, "over")


async def test_a_report_to_nobody_waits_for_who_is_meant_later_and_for_who_supervises(
    city: City,
) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    event = await working(ruling)
    await ruling.act("worker", event, "alarm")
    rows = await ruling.fetch("SELECT id, whom FROM core.event_report_up ORDER BY whom")
    assert len(rows) == 4
    assert not rooms.told
    by_whom = {row["whom"]: row["id"] for row in rows}
    target = by_whom["role:mayor@city"]
    refusal = await refusal_of(ruling, "centre", "event.acknowledge", target)
    assert refusal.code == "EVENT_REPORT_NOT_YOURS"
    # Somebody is appointed.
    rooms.meant = {"role:mayor@city": (ruling.people["centre"],)}
    await ruling.run("centre", "event.acknowledge", target)
    await ruling.run("superior", "event.acknowledge", by_whom["seconded"])
    row = (await ruling.fetch("SELECT * FROM core.event_report_up WHERE id = $1", target))[0]
    assert (row["account"], row["acknowledged_by"]) == (None, ruling.people["centre"])


async def test_who_covers_acknowledges_for_the_time_of_the_leave(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    rooms.meant = dict.fromkeys(UPWARD, (ruling.people["checker"],))
    event = await working(ruling)
    await ruling.act("worker", event, "alarm")
    target = await ruling.value("SELECT id FROM core.event_report_up")
    await ruling.fetch(
        "INSERT INTO core.leave (account, substitute, kind, begins_at, ends_at, asked_until, state,"
        " place_id) VALUES ($1, $2, 'annual', $3, $4, $4, 'approved', $5)",
        ruling.people["checker"],
        ruling.people["centre"],
        MONDAY - timedelta(hours=1),
        MONDAY + timedelta(days=2),
        ruling.places[GRID],
    )
    assert (
        await refusal_of(ruling, "chief", "event.acknowledge", target)
    ).code == "EVENT_REPORT_NOT_YOURS"
    async with ruling.context("centre") as ctx:
        assert ctx.actor.covers == {ruling.people["checker"]}
    await ruling.run("centre", "event.acknowledge", target)
    row = (await ruling.fetch("SELECT * FROM core.event_report_up"))[0]
    assert (row["account"], row["acknowledged_by"]) == (
        ruling.people["checker"],
        ruling.people["centre"],
    )


async def test_a_recipient_who_has_left_holds_up_nobody(city: City) -> None:
    rooms = Rooms()
    ruling = await routed(city, alarm(), rooms)
    rooms.meant = dict.fromkeys(UPWARD, (ruling.people["checker"],))
    event = await working(ruling)
    await ruling.act("worker", event, "alarm")
    target = await ruling.value("SELECT id FROM core.event_report_up")
    assert (
        await refusal_of(ruling, "superior", "event.acknowledge", target)
    ).code == "EVENT_REPORT_NOT_YOURS"
    await ruling.fetch("UPDATE core.account SET status = 'suspended' WHERE login = 'checker'")
    await ruling.run("superior", "event.acknowledge", target)
    await ruling.act("chief", event, "over")
