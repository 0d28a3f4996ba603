"""Each refusal of the workforce's commands, and that it leaves everything alone."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from jingwei_core.workforce.leave_commands import LeaveRequest, request_leave
from jingwei_sdk.errors import JingweiError
from tests.core.events.city import GRID, ROOT, SIBLING
from tests.core.workforce.street import Street, at

INSTANT = timedelta(microseconds=1)


async def refused(street: Street, code: str, call: Callable[[], Awaitable[Any]]) -> JingweiError:
    before = await street.kept()
    with pytest.raises(JingweiError) as error:
        await call()
    assert error.value.code == code
    assert await street.kept() == before, code
    return error.value


async def asked(street: Street, code: str, who: str = "west", **given: Any) -> None:
    """A request that differs from a good one in what is given."""
    values = {
        "kind": "sick",
        "begins_at": at(1),
        "ends_at": at(3),
        "substitute_id": street.people["deputy"],
        **given,
    }
    await refused(street, code, lambda: street.run(who, "leave.request", **values))


async def test_a_leave_that_cannot_be_asked_for(street: Street, neighbour: Street):
    people = street.people
    await asked(street, "LEAVE_KIND_UNKNOWN", kind="sabbatical")
    await asked(street, "LEAVE_SUBSTITUTE_MISSING", substitute_id=None)
    await asked(street, "LEAVE_SUBSTITUTE_SELF", substitute_id=people["west"])
    away = neighbour.people["deputy"]
    await asked(street, "LEAVE_SUBSTITUTE_UNKNOWN", substitute_id=away)
    await asked(street, "LEAVE_INTERVAL", ends_at=at(1))
    await asked(street, "LEAVE_PAST", begins_at=at() - INSTANT)
    await asked(street, "INSTANT_NAIVE", ends_at=at(3).replace(tzinfo=None))
    await asked(street, "LEAVE_TOO_LATE", kind="annual", begins_at=at(1) - INSTANT)
    await asked(street, "LEAVE_TOO_LONG", ends_at=at(31) + INSTANT)
    await asked(street, "PERMISSION_DENIED", who="clerk")
    await asked(street, "PERMISSION_DENIED", who="east", account_id=people["west"])
    await asked(street, "LEAVE_NO_RULE", who="admin")
    await street.run("admin", "account.suspend", people["deputy"])
    await asked(street, "LEAVE_SUBSTITUTE_SUSPENDED")
    await street.fetch(
        "UPDATE core.post SET valid_to = $2 WHERE account = $1", people["west"], at(1)
    )
    await asked(street, "LEAVE_NO_POST", substitute_id=people["east"])


async def test_the_platform_itself_asks_for_nobodys_leave(street: Street):
    async def nameless() -> None:
        async with street.context(None) as ctx:
            await request_leave(ctx, LeaveRequest("sick", at(3)))

    assert (await refused(street, "LEAVE_ACCOUNT_MISSING", nameless)).field == "accountId"


async def test_rules_that_do_not_fit_are_no_rules(street: Street):
    await street.fetch(
        "UPDATE core.workforce_rules SET definition ="
        " jsonb_set(definition, '{leave,covers_at_once}', '\"two\"')"
    )
    asking = {"kind": "sick", "ends_at": at(3), "substitute_id": street.people["deputy"]}
    error = await refused(
        street,
        "WORKFORCE_RULES_INVALID",
        lambda: street.run("west", "leave.request", **asking),
    )
    assert error.field == "leave.covers_at_once"


async def test_cover_is_one_deep_and_nobody_covers_too_many(street: Street):
    people = street.people
    await street.approved("west", "deputy", 2, 4)
    inside = {"begins_at": at(4) - INSTANT, "ends_at": at(6)}
    before = {"begins_at": at(1), "ends_at": at(2) + INSTANT}
    east, deputy = people["east"], people["deputy"]
    for both in (inside, before):
        await asked(street, "LEAVE_OVERLAPS", substitute_id=east, **both)
        await asked(street, "LEAVE_WHILE_COVERING", who="deputy", substitute_id=east, **both)
        named = {"substitute_id": people["west"], **both}
        await asked(street, "LEAVE_SUBSTITUTE_AWAY", who="east", **named)
        await asked(street, "LEAVE_SUBSTITUTE_BUSY", who="east", substitute_id=deputy, **both)
    # Where one ends the other may begin.
    await street.approved("east", "deputy", 4, 5)
    await street.approved("roads-officer", "deputy", 1, 2)


async def test_a_decision_that_is_not_ones_own(street: Street):
    leave = await street.leave("west", "deputy", 1, 3)

    async def decided(code: str, who: str, which: str = "leave.approve", **given: Any) -> None:
        await refused(street, code, lambda: street.run(who, which, leave, **given))

    for who in ("deputy", "west", "east"):
        await decided("PERMISSION_DENIED", who)
    await decided("ROW_NOT_FOUND", "east", "leave.cancel")
    await decided("LEAVE_NOT_APPROVER", "admin")
    await decided("LEAVE_REASON_REQUIRED", "street-chief", "leave.refuse", note=" ")
    for which in ("leave.close", "leave.end"):
        await decided("LEAVE_STATE", "west", which)
    await decided("LEAVE_NOT_ONES_OWN", "deputy", "leave.cancel")
    await street.post("west", "officer", ROOT)
    await street.run("street-chief", "leave.refuse", leave, note="人手不足")
    for which in ("leave.approve", "leave.refuse", "leave.cancel", "leave.end", "leave.close"):
        await decided(
            "LEAVE_STATE", "street-chief", which, **({"note": "x"} if "e.r" in which else {})
        )


async def test_approval_looks_again(street: Street):
    people = street.people
    over = await street.leave("west", "deputy", 1, 3)
    street.clock.instant = at(3)
    await refused(street, "LEAVE_OVER", lambda: street.run("street-chief", "leave.approve", over))
    street.clock.instant = at()
    await street.run("admin", "account.suspend", people["deputy"])
    await refused(
        street,
        "LEAVE_SUBSTITUTE_SUSPENDED",
        lambda: street.run("street-chief", "leave.approve", over),
    )
    await street.run("admin", "account.resume", people["deputy"])
    await street.run("admin", "account.suspend", people["west"])
    await refused(
        street,
        "LEAVE_ACCOUNT_SUSPENDED",
        lambda: street.run("street-chief", "leave.approve", over),
    )


async def test_nobody_approves_for_themselves_nor_beyond_their_area(street: Street):
    people, chief = street.people, street.roles["street_chief"]
    await street.fetch(
        "UPDATE core.role SET permissions = permissions || '{leave.request}' WHERE id = $1", chief
    )
    await street.fetch(
        "UPDATE core.workforce_rules SET definition = jsonb_set(definition,"
        " '{leave,approvals,1,level}', '\"\"')"
    )
    own = await street.leave("street-chief", "west", 1, 3)
    await refused(
        street, "LEAVE_APPROVER_AWAY", lambda: street.run("street-chief", "leave.approve", own)
    )
    await street.run("other-street-chief", "leave.approve", own)
    street.clock.instant = at(1)
    # Who stands in for the chief has the chief's say, and not over the chief.
    again = await street.leave("street-chief", "east", 5, 6)
    await refused(street, "LEAVE_APPROVER_AWAY", lambda: street.run("west", "leave.approve", again))
    covers = await street.leave("east", "other-street-chief", 7, 8)
    await refused(
        street,
        "LEAVE_APPROVER_SUBSTITUTE",
        lambda: street.run("other-street-chief", "leave.approve", covers),
    )
    await street.run("west", "leave.approve", covers)
    street.clock.instant = at()
    await street.fetch(
        "UPDATE core.post SET place_id = $2 WHERE account = $1 AND covers IS NULL",
        people["other-street-chief"],
        street.places[GRID],
    )
    await street.run("street-chief", "leave.cancel", again)
    leave = await street.leave("west", "deputy", 9, 10)
    await street.post("west", "officer", SIBLING)
    await refused(
        street,
        "LEAVE_ABOVE_APPROVER",
        lambda: street.run("other-street-chief", "leave.approve", leave),
    )


async def test_the_end_of_a_leave(street: Street):
    leave = await street.approved("west", "deputy", 1, 3)

    async def done(code: str, which: str, **given: Any) -> None:
        await refused(street, code, lambda: street.run("west", which, leave, **given))

    await done("LEAVE_NOT_RUNNING", "leave.end")
    await done("LEAVE_STILL_RUNNING", "leave.close")
    street.clock.instant = at(1)
    await done("LEAVE_BEGUN", "leave.cancel")
    await done("LEAVE_STILL_RUNNING", "leave.close")
    for wrong in (at(1) - INSTANT, at(3), at(4)):
        await done("LEAVE_END", "leave.end", at=wrong)
    await done("INSTANT_NAIVE", "leave.end", at=at(2).replace(tzinfo=None))
    copy = await street.value("SELECT id FROM core.post WHERE covers = $1", leave)
    await refused(street, "POST_COVERS", lambda: street.run("admin", "post.end", copy))
    street.clock.instant = at(3)
    await done("LEAVE_NOT_RUNNING", "leave.end")
    await asked(street, "LEAVE_UNCLOSED", begins_at=at(4), ends_at=at(5))
    await street.run("west", "leave.close", leave)
    await done("LEAVE_STATE", "leave.close")
    await street.leave("west", "deputy", 4, 5)


async def test_what_a_post_gives_is_not_given_to_oneself_by_way_of_cover(street: Street):
    await street.approved("west", "admin", 1, 3)
    granted = {
        "account_id": street.people["west"],
        "role_id": street.roles["officer"],
        "place_id": street.places[ROOT],
    }
    await refused(street, "OWN_ACCESS", lambda: street.run("admin", "post.grant", **granted))


async def test_secondments(street: Street):
    day = at().date()

    async def declared(code: str, who: str = "street-chief", **given: Any) -> None:
        await refused(street, code, lambda: street.declare(who, **given))

    for weekdays in ([], [1, 1], [0], [8]):
        await declared("SECONDMENT_WEEKDAYS", weekdays=weekdays)
    await declared("VALID_DAYS", valid_from=day, valid_to=day)
    await declared("SECONDMENT_NOT_MEMBER", department_id=street.departments["water"])
    await declared("PERMISSION_DENIED", who="west")
    one = await street.declare("street-chief")
    await declared("SECONDMENT_OVERLAPS", place_id=street.places[SIBLING], weekdays=[4, 5])
    await street.declare("street-chief", place_id=street.places[SIBLING], weekdays=[5])
    yesterday, ending = day - timedelta(days=1), "secondment.end"
    await refused(
        street,
        "SECONDMENT_END_PAST",
        lambda: street.run("street-chief", ending, one.row_id, on=yesterday),
    )
    await street.run("street-chief", ending, one.row_id)
    await refused(
        street, "SECONDMENT_ENDED", lambda: street.run("street-chief", ending, one.row_id)
    )


async def test_certificates(street: Street):
    day = at().date()
    good = {
        "account_id": street.people["roads-officer"],
        "kind": "enforcement",
        "number": "豫A-0001",
        "issuer": "市司法局",
        "valid_from": day,
    }

    async def added(code: str, who: str = "admin", **given: Any) -> None:
        error = await refused(
            street, code, lambda: street.run(who, "certificate.add", **good | given)
        )
        if code == "PERMISSION_DENIED":
            assert error.params["permission"] == "certificate.manage"

    await added("CERTIFICATE_KIND_UNKNOWN", kind="driving")
    await added("VALID_DAYS", valid_to=day)
    await added("OWN_ACCESS", account_id=street.people["admin"])
    await added("PERMISSION_DENIED", who="west")
    await added("MASKED_VALUE_WRITTEN", number="****")
    held = await street.run("admin", "certificate.add", **good)
    await added("ROW_EXISTS")
    withdraw = {"reason": "调离执法岗位"}
    await street.run("admin", "certificate.withdraw", held.row_id, **withdraw)
    await refused(
        street,
        "CERTIFICATE_WITHDRAWN",
        lambda: street.run("admin", "certificate.withdraw", held.row_id, **withdraw),
    )


async def test_the_roster(street: Street):
    people = street.people
    shift = {
        "place_id": street.places[GRID],
        "account_id": people["deputy"],
        "duty": "window",
        "begins_at": at(1),
        "ends_at": at(1.5),
    }

    async def entered(code: str, who: str = "street-chief", **given: Any) -> None:
        await refused(street, code, lambda: street.run(who, "duty.assign", **shift | given))

    await entered("DUTY_UNKNOWN", duty="watch")
    await entered("DUTY_INTERVAL", ends_at=at(1))
    await entered("DUTY_PAST", begins_at=at(-1), ends_at=at())
    await entered("INSTANT_NAIVE", begins_at=at(1).replace(tzinfo=None))
    await entered("PERMISSION_DENIED", who="west")
    entry = await street.run("street-chief", "duty.assign", **shift)
    await entered("DUTY_OVERLAPS", begins_at=at(1.25), ends_at=at(2))
    await street.run("street-chief", "duty.cancel", entry.row_id)
    cancelled = entry.row_id
    await refused(street, "DUTY_OVER", lambda: street.run("street-chief", "duty.cancel", cancelled))
    await street.leave("deputy", "east", 1, 2)
    await entered("DUTY_ON_LEAVE")
    await street.run("admin", "account.suspend", people["deputy"])
    await entered("ACCOUNT_SUSPENDED")
